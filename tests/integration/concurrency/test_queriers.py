"""
Two processes that ask JD: each due question is claimed once.
"""

from datetime import timedelta

import sqlalchemy as sa

from tests.contract.samples import KEY, NOON
from tests.integration.concurrency.conftest import Fill
from tests.integration.concurrency.crew import Contender, ask_all
from tests.integration.concurrency.processes import at_once
from worker.payouts.limits import Limits
from worker.payouts.status import PayoutStatus, Reason
from worker.store.tables import payouts

QUERIERS = 2
ROWS = 100


def test_each_due_question_is_asked_once_in_an_interval(
    url: str, engine: sa.Engine, fill: Fill
) -> None:
    """
    Two processes share what is due; without an answer it is due again when the interval is over.
    """
    ids = fill(ROWS)
    sent = {"status": PayoutStatus.UNKNOWN, "reason": Reason.NO_ANSWER, "exposed": True}
    with engine.begin() as conn:
        conn.execute(sa.update(payouts).values(**sent, next_send_at=None, next_query_at=NOON))

    def asked(after: timedelta) -> list[int]:
        crew = [Contender(url, KEY, place, now=NOON + after) for place in range(QUERIERS)]
        return sorted(one for found in at_once(ask_all, crew) for one in found)

    interval = Limits().schedule.retry(0)
    assert asked(timedelta(0)) == ids
    assert asked(interval - timedelta(microseconds=1)) == []
    assert asked(interval) == ids
