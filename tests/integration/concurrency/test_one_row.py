import pytest

from tests.contract.samples import KEY, MERCHANT, close_attempt
from tests.factories import a_claimant
from tests.integration.concurrency.conftest import Fill
from tests.integration.concurrency.crew import Contender, meddle
from tests.integration.concurrency.processes import at_once
from worker.payouts.evidence import Source
from worker.payouts.invariants import at_rest, of_payout
from worker.payouts.limits import Limits
from worker.payouts.model import AttemptOutcome, CaseKind
from worker.payouts.status import PayoutStatus
from worker.store.ledger import SqlLedger
from worker.usecases.evidence import EvidenceHandler

ROLES = ("receiver", "receiver", "asker", "asker", "operator", "sweeper")
ROWS = 12


@pytest.fixture
def unknown(ledger: SqlLedger, fill: Fill) -> list[int]:
    """
    Payouts that were sent, and of which nobody knows what became; and a queued one, the newest.
    """
    *ids, _ = fill(ROWS + 1)
    handler = EvidenceHandler(ledger, MERCHANT, Limits(), "worker")
    for payout_id in ids:
        (claim,) = ledger.claim([payout_id], a_claimant()).claims
        close_attempt(ledger, claim.attempt, AttemptOutcome.NO_ANSWER, "read_timeout")
        handler.apply(payout_id)
    return ids


def test_all_who_touch_a_row_at_once_leave_it_the_same(
    url: str, ledger: SqlLedger, unknown: list[int]
) -> None:
    """
    Notifications, answers, sweeps and an operator at one row together: one end, a whole history.

    The operator's last word stands: sending is allowed.
    """
    crew = [Contender(url, KEY, place, role, tuple(unknown)) for place, role in enumerate(ROLES)]

    sent = at_once(meddle, crew)

    assert sent == [[]] * len(ROLES)
    (queued,) = ledger.payouts(PayoutStatus.QUEUED, 10)
    assert len(ledger.claim([queued.id], a_claimant()).claims) == 1
    cases = ledger.cases(open_only=False, limit=100)
    # Who asks after the return and hears of success alone hears less than JD had told.
    assert {case.kind for case in cases} <= {CaseKind.RETURN_AMOUNT}
    for payout_id in unknown:
        dossier, history = ledger.dossier(payout_id), ledger.history(payout_id)
        payout = dossier.payout
        breaches = of_payout(dossier, history, cases, ledger.now(), Limits())
        assert [*map(str, breaches), *map(str, at_rest(dossier))] == []
        assert payout.status is PayoutStatus.RETURNED
        assert (payout.returned_fen, payout.trade_no) == (payout.amount_fen, "JD-1")
        sources = [evidence.source for evidence in dossier.evidence]
        assert sorted(sources) == [Source.NOTIFICATION] * 2 + [Source.QUERY] * 4
