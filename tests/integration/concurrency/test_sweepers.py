from datetime import timedelta

import sqlalchemy as sa

from tests.contract.samples import KEY, NOON
from tests.integration.concurrency.conftest import Fill
from tests.integration.concurrency.crew import Contender, sweep_all
from tests.integration.concurrency.processes import at_once
from worker.payouts.limits import Limits
from worker.payouts.status import PayoutStatus, Reason
from worker.store.tables import payouts

SWEEPERS = 2
ROWS = 200


def test_sweepers_wake_each_due_row_once_in_an_interval(
    url: str, engine: sa.Engine, fill: Fill
) -> None:
    """
    Two sweepers share what is due: each row is woken once, and again when the interval is over.
    """
    ids = fill(ROWS)
    to_send, to_ask = ids[: ROWS // 2], ids[ROWS // 2 :]
    sent = {"status": PayoutStatus.UNKNOWN, "reason": Reason.NO_ANSWER, "exposed": True}
    with engine.begin() as conn:
        conn.execute(
            sa.update(payouts)
            .where(payouts.c.id.in_(to_ask))
            .values(**sent, next_send_at=None, next_query_at=NOON)
        )

    def woken(after: timedelta) -> tuple[list[int], list[int]]:
        crew = [Contender(url, KEY, place, now=NOON + after) for place in range(SWEEPERS)]
        found = at_once(sweep_all, crew)
        return (
            sorted(one for dispatcher in found for one in dispatcher.submits),
            sorted(one for dispatcher in found for one in dispatcher.queries),
        )

    limits = Limits()
    assert limits.wake_again == limits.schedule.retry(0)
    moment = timedelta(microseconds=1)
    assert woken(timedelta(0)) == (to_send, to_ask)
    assert woken(limits.wake_again - moment) == ([], [])
    assert woken(limits.wake_again) == (to_send, to_ask)
