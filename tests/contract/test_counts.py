"""
How many there are of what is listed.
"""

from tests.contract.samples import MERCHANT, a_verified_answer, accepted
from tests.contract.stories import withdrawn
from worker.intake import jobs
from worker.payouts.status import PayoutStatus
from worker.usecases.ports import Ledger


def test_an_empty_ledger_counts_nothing(ledger: Ledger) -> None:
    """
    Zero of everything.
    """
    assert (ledger.count(), ledger.count(PayoutStatus.QUEUED)) == (0, 0)
    assert (ledger.count_rejections(), ledger.count_cases(open_only=False)) == (0, 0)


def test_payouts_are_counted_by_status(ledger: Ledger) -> None:
    """
    Three were accepted, and one of them was withdrawn.
    """
    accepted(ledger, "P-1")
    withdrawn(ledger, accepted(ledger, "P-2"))
    accepted(ledger, "P-3")

    found = [ledger.count(s) for s in (PayoutStatus.QUEUED, PayoutStatus.CANCELLED, None)]

    assert found == [2, 1, 3]
    assert ledger.count(PayoutStatus.PAID) == 0


def test_cases_are_counted_open_or_all(ledger: Ledger) -> None:
    """
    Of three, one was closed.
    """
    for number in ("P-1", "P-2", "P-3"):
        ledger.notify(MERCHANT, [a_verified_answer(number=number)])
    (newest,) = ledger.cases(open_only=True, limit=1)
    ledger.close_case(newest, "mei", "found in the old database")

    assert ledger.count_cases(open_only=True) == 2
    assert ledger.count_cases(open_only=False) == 3


def test_rejections_are_counted_beyond_any_limit(ledger: Ledger) -> None:
    """
    The list may be cut off, the count is not.
    """
    for _ in range(3):
        ledger.reject(jobs.rejection({}, "invalid", ("job: is empty",), MERCHANT))

    assert len(ledger.rejections(2)) == 2
    assert ledger.count_rejections() == 3
