"""
What notifications do to a payout.
"""

from datetime import timedelta

import pytest

from tests.integration.web.conftest import Clock, Send
from tests.integration.web.notifications import (
    AMOUNT_FEN,
    NUMBER,
    WORKED_EXAMPLE,
    WORKED_SIGNATURE,
    notification,
    refund,
    signature,
)
from worker.payouts.evidence import Source
from worker.payouts.model import CaseKind, Payout
from worker.payouts.status import PayoutStatus
from worker.store.ledger import SqlLedger

FINI = notification()
REFU = refund(AMOUNT_FEN)
CLOS = notification(trade_status="CLOS", refund_amount="", bank_code="", pay_tool="")


def _status(ledger: SqlLedger, payout: Payout) -> PayoutStatus:
    return ledger.dossier(payout.id).payout.status


def test_the_tests_sign_as_jd_does() -> None:
    """
    Our own signing code gives the published signature of the worked example.
    """
    assert signature(WORKED_EXAMPLE, "sha1") == WORKED_SIGNATURE


def test_the_worked_example_pays(send: Send, ledger: SqlLedger, payout: Payout) -> None:
    """
    A SHA-1 notification of success moves the payout to paid, and is answered `success`.
    """
    response = send(FINI)
    move = ledger.history(payout.id)[-1]

    assert (response.status_code, response.data) == (200, b"success")
    assert response.mimetype == "text/plain"
    assert (move.to_status, move.learnt_from) == (PayoutStatus.PAID, Source.NOTIFICATION)
    assert ledger.dossier(payout.id).payout.trade_no == "20240105100042000000000001"


@pytest.mark.parametrize(
    ("sign_type", "digest"),
    [("SHA-256", "sha256"), ("SHA256", "sha256"), ("SHA-1", "sha1"), ("SHA1", "sha1")],
)
def test_every_spelling_of_a_safe_digest(
    send: Send, ledger: SqlLedger, payout: Payout, sign_type: str, digest: str
) -> None:
    """
    The digest is the one that `sign_type` names.
    """
    response = send(notification(sign_type=sign_type, digest=digest))

    assert response.data == b"success"
    assert _status(ledger, payout) is PayoutStatus.PAID


def test_fields_that_nobody_knows_are_verified_too(
    send: Send, ledger: SqlLedger, payout: Payout
) -> None:
    """
    A field that JD adds one day does no harm.
    """
    assert send(notification(settle_currency="CNY")).data == b"success"
    assert _status(ledger, payout) is PayoutStatus.PAID


def test_the_same_again_is_stored_once(send: Send, ledger: SqlLedger, payout: Payout) -> None:
    """
    A repeated notification is acknowledged and changes nothing.
    """
    answers = [send(FINI).data for _ in range(5)]

    assert answers == [b"success"] * 5
    assert len(ledger.dossier(payout.id).evidence) == 1
    assert len(ledger.history(payout.id)) == 4


def test_repetitions_that_differ_change_nothing_either(
    send: Send, ledger: SqlLedger, payout: Payout
) -> None:
    """
    JD's later notifications carry another time; the payout stays paid.
    """
    for time in ("20243105T092401120", "20243205T092401120", "20243505T092401120"):
        send(notification(notify_datetime=time))

    assert _status(ledger, payout) is PayoutStatus.PAID
    assert ledger.cases(open_only=True, limit=9) == []


@pytest.mark.parametrize(
    "order",
    [(FINI, REFU), (REFU, FINI), (REFU,), (FINI, REFU, FINI)],
    ids=["after success", "before it", "alone", "between two"],
)
def test_a_return_wins_in_any_order(
    send: Send, ledger: SqlLedger, payout: Payout, order: tuple[bytes, ...]
) -> None:
    """
    退票, whenever it is heard of: the money came back.
    """
    for body in order:
        assert send(body).data == b"success"
    update = ledger.dossier(payout.id).payout

    assert (update.status, update.returned_fen) == (PayoutStatus.RETURNED, AMOUNT_FEN)
    assert ledger.cases(open_only=True, limit=9) == []


def test_a_return_days_later_is_taken(
    send: Send, ledger: SqlLedger, payout: Payout, clock: Clock
) -> None:
    """
    A payout that was paid last week becomes returned.
    """
    send(FINI)
    clock.advance(timedelta(days=7))
    send(REFU)

    assert _status(ledger, payout) is PayoutStatus.RETURNED
    assert ledger.history(payout.id)[-1].at == clock.now


def test_a_part_that_came_back_is_for_a_person(
    send: Send, ledger: SqlLedger, payout: Payout
) -> None:
    """
    A partial return leaves the payout paid, notes the amount, and opens a case.
    """
    send(FINI)
    send(refund(45))
    update = ledger.dossier(payout.id)

    assert (update.payout.status, update.payout.returned_fen) == (PayoutStatus.PAID, 45)
    assert [case.kind for case in update.open_cases] == [CaseKind.PARTIAL_RETURN]


def test_a_closed_payout_is_confirmed_by_a_query(
    send: Send, ledger: SqlLedger, payout: Payout, clock: Clock
) -> None:
    """
    CLOS comes without a reason: JD is asked for it at once.
    """
    send(CLOS)
    update = ledger.dossier(payout.id).payout

    assert update.status is PayoutStatus.FAILED
    assert update.next_query_at == clock.now


@pytest.mark.parametrize("order", [(FINI, CLOS), (CLOS, FINI)], ids=["paid first", "closed first"])
def test_closed_and_paid_is_a_contradiction(
    send: Send, ledger: SqlLedger, payout: Payout, order: tuple[bytes, ...]
) -> None:
    """
    Both for one number: paid, and a person has to look.
    """
    for body in order:
        send(body)
    update = ledger.dossier(payout.id)

    assert update.payout.status is PayoutStatus.PAID
    assert CaseKind.CONTRADICTION in {case.kind for case in update.open_cases}


def test_is_success_says_nothing(send: Send, ledger: SqlLedger, payout: Payout) -> None:
    """
    `is_success=N` with FINI is paid: only the trade status counts.
    """
    send(notification(is_success="N"))

    assert _status(ledger, payout) is PayoutStatus.PAID


@pytest.mark.parametrize(
    "changes",
    [{"trade_amount": "12346"}, {"trade_currency": "USD"}, {"customer_no": "360080000000000002"}],
    ids=["amount", "currency", "merchant"],
)
def test_a_signed_mismatch_moves_nothing(
    send: Send, ledger: SqlLedger, payout: Payout, changes: dict[str, str]
) -> None:
    """
    Verified, about our number, yet not about our payout: kept, and a case.
    """
    response = send(notification(**changes))
    update = ledger.dossier(payout.id)

    assert response.data == b"success"
    assert update.payout.status is PayoutStatus.UNKNOWN
    assert [case.kind for case in update.open_cases] == [CaseKind.MISMATCH]


def test_a_number_that_we_lack_is_a_trace_of_money(send: Send, ledger: SqlLedger) -> None:
    """
    Verified for our merchant: stored as an orphan case, once, and acknowledged.
    """
    answers = [send(FINI).data for _ in range(2)]
    (case,) = ledger.cases(open_only=True, limit=9)

    assert answers == [b"success"] * 2
    assert (case.kind, case.out_trade_no, case.payout_id) == (CaseKind.ORPHAN, NUMBER, None)


def test_a_number_that_we_lack_of_another_merchant_is_not_ours(
    send: Send, ledger: SqlLedger
) -> None:
    """
    Neither stored nor acknowledged.
    """
    response = send(notification(customer_no="360080000000000002"))

    assert (response.status_code, response.data) == (400, b"fail")
    assert ledger.cases(open_only=True, limit=9) == []
