import sqlalchemy as sa

from tests.contract.samples import KEY
from tests.integration.concurrency.conftest import Fill
from tests.integration.concurrency.crew import Contender, claim_all
from tests.integration.concurrency.processes import at_once
from worker.payouts.status import PayoutStatus
from worker.store.tables import attempts, transitions

PROCESSES = 16
ROWS = 2_000


def test_each_row_is_claimed_by_one_of_many_processes(
    url: str, engine: sa.Engine, fill: Fill
) -> None:
    """
    Sixteen processes claim two thousand payouts: each has one attempt and one move to sending.
    """
    queued = fill(ROWS)

    got = at_once(claim_all, [Contender(url, KEY, place) for place in range(PROCESSES)])

    tries = sa.select(attempts.c.payout_id, sa.func.count()).group_by(attempts.c.payout_id)
    moves = (
        sa.select(transitions.c.payout_id, sa.func.count())
        .where(transitions.c.to_status == PayoutStatus.SENDING)
        .group_by(transitions.c.payout_id)
    )
    once = dict.fromkeys(queued, 1)
    with engine.connect() as conn:
        assert once == dict(map(tuple, conn.execute(tries)))
        assert once == dict(map(tuple, conn.execute(moves)))
    assert queued == sorted(one for claims in got for one in claims)
    assert sum(bool(claims) for claims in got) > 1
