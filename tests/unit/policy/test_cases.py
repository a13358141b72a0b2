"""
What opens a case, and which evidence it names.
"""

from dataclasses import replace

import pytest

from tests.factories import (
    AMOUNT,
    a_bare,
    a_dossier,
    a_notification,
    a_payout,
    a_query,
    a_reply,
    a_trade,
    an_attempt,
    at,
    not_found,
)
from worker.payouts.evidence import Evidence, Meaning, TradeStatus
from worker.payouts.hold import Hold
from worker.payouts.limits import Limits
from worker.payouts.model import AttemptOutcome, CaseKind, Dossier, Payout
from worker.payouts.policy.cases import cases
from worker.payouts.policy.facts import gather_facts
from worker.payouts.status import PayoutStatus
from worker.payouts.update import CaseNote

LIMITS = Limits()
UNKNOWN = a_payout(PayoutStatus.UNKNOWN)
PAID = a_payout(PayoutStatus.PAID)
QUEUED = a_payout(PayoutStatus.QUEUED)
FINI = a_trade(TradeStatus.FINI)
CLOS = a_trade(TradeStatus.CLOS)
WPAR = a_trade(TradeStatus.WPAR)
REFU = a_trade(TradeStatus.REFU)


def returned(fen: int | None, minutes: float = 1) -> Evidence:
    """
    A notification that so much came back.
    """
    return a_notification(a_trade(TradeStatus.REFU, refund_fen=fen), minutes)


def opened(dossier: Dossier, minutes: float = 15, limits: Limits = LIMITS) -> set[CaseNote]:
    """
    The cases that there is reason for at that minute.
    """
    notes = cases(gather_facts(dossier), dossier.payout.status, at(minutes), limits)

    assert len(notes) == len({note.kind for note in notes})
    return set(notes)


@pytest.mark.parametrize(
    ("evidence", "completed"),
    [
        ((a_notification(CLOS), a_query(FINI)), 2),
        ((a_notification(FINI), a_query(CLOS)), 2),
        ((a_query(CLOS), a_query(REFU)), 2),
        ((a_query(FINI), a_query(REFU), a_query(CLOS)), 3),
        ((a_query(CLOS), a_query(CLOS), a_query(FINI), a_query(FINI)), 3),
        # refused, and then JD has it: it cannot have been refused
        ((a_reply(a_bare(Meaning.PAYEE)), a_query(WPAR)), 2),
        ((a_notification(WPAR), a_reply(a_bare(Meaning.CHANNEL))), 2),
        ((a_reply(a_bare(Meaning.PAYEE)), a_query(CLOS)), 2),
    ],
)
def test_a_contradiction(evidence: tuple[Evidence, ...], completed: int) -> None:
    """
    Closed and paid, or refused and traded: the case names the piece that made it impossible.
    """
    assert {CaseNote(CaseKind.CONTRADICTION, completed)} == opened(a_dossier(PAID, *evidence))


@pytest.mark.parametrize(
    "evidence",
    [
        (a_reply(WPAR), a_query(WPAR), a_notification(FINI), a_query(REFU)),
        (a_query(WPAR), a_query(CLOS)),
        (a_reply(a_bare(Meaning.PAYEE)), not_found(1), not_found(11)),
        (a_notification(FINI), a_notification(FINI), a_query(FINI)),
        (not_found(1), a_query(WPAR, 3)),  # JD was slow to know it
    ],
)
def test_an_ordinary_story_opens_nothing(evidence: tuple[Evidence, ...]) -> None:
    """
    What fits together needs nobody.
    """
    assert set() == opened(a_dossier(PAID, *evidence))


def test_an_earlier_exposing_attempt_explains_a_refused_one() -> None:
    """
    The refusal was the second attempt's; the trade may be the first one's.
    """
    attempts = (an_attempt(1), an_attempt(2, AttemptOutcome.ANSWERED))
    refusal = a_reply(a_bare(Meaning.REQUEST), attempt_id=2)

    assert set() == opened(a_dossier(PAID, refusal, a_query(FINI), attempts=attempts))


def test_somebody_elses_trade_that_vanished() -> None:
    """
    JD refused our first order as a duplicate of what was paid, and then knew of no such number.
    """
    taken = a_trade(TradeStatus.FINI, meaning=Meaning.DUPLICATE)
    dossier = a_dossier(a_payout(PayoutStatus.UNKNOWN), a_reply(taken), not_found(1))

    assert CaseKind.VANISHED in {note.kind for note in opened(dossier)}


def test_a_trade_that_vanished() -> None:
    """
    JD told us of it, and a question asked after that found nothing.
    """
    dossier = a_dossier(PAID, a_notification(FINI, 2), not_found(1), not_found(3), not_found(4))

    assert {CaseNote(CaseKind.VANISHED, 4)} == opened(dossier)


def test_a_second_trade_number() -> None:
    """
    One number of ours must be one trade of JD's.
    """
    other = replace(FINI, trade_no="JD2")
    dossier = a_dossier(PAID, a_query(FINI), a_query(replace(FINI, trade_no=None)), a_query(other))

    assert {CaseNote(CaseKind.SECOND_TRADE_NO, 3)} == opened(dossier)


def test_a_number_that_somebody_else_used() -> None:
    """
    JD knew the number before we ever sent it.
    """
    attempts = (an_attempt(1, AttemptOutcome.ANSWERED),)
    dossier = a_dossier(UNKNOWN, a_reply(a_bare(Meaning.DUPLICATE)), attempts=attempts)

    assert {CaseNote(CaseKind.NUMBER_TAKEN, 1)} == opened(dossier)


@pytest.mark.parametrize("field", ["merchant", "number", "currency"])
def test_a_signed_mismatch(field: str) -> None:
    """
    A signed message about our number names something that is not ours.
    """
    dossier = a_dossier(
        PAID, a_query(FINI), a_notification(a_trade(TradeStatus.FINI, **{field: "X"}))
    )

    assert {CaseNote(CaseKind.MISMATCH, 2)} == opened(dossier)


@pytest.mark.parametrize(
    ("fen", "kind"),
    [
        (1, CaseKind.PARTIAL_RETURN),
        (AMOUNT - 1, CaseKind.PARTIAL_RETURN),
        (None, CaseKind.RETURN_AMOUNT),
        (0, CaseKind.RETURN_AMOUNT),
        (AMOUNT + 1, CaseKind.RETURN_AMOUNT),
    ],
)
def test_a_return_that_is_not_the_whole(fen: int | None, kind: CaseKind) -> None:
    """
    A part of the amount, or an amount that makes no sense, is for a person.
    """
    assert {CaseNote(kind, 2)} == opened(a_dossier(PAID, a_query(FINI), returned(fen)))


def test_a_further_part_is_another_case() -> None:
    """
    What came back since a person closed the first case is named by its own evidence.
    """
    parts = (returned(1), returned(5), returned(5))

    assert {CaseNote(CaseKind.PARTIAL_RETURN, 3)} == opened(a_dossier(PAID, a_query(FINI), *parts))


def test_no_result() -> None:
    """
    JD's support has to be asked, with the order number.
    """
    assert {CaseNote(CaseKind.NO_RESULT, 1)} == opened(
        a_dossier(UNKNOWN, a_query(a_bare(Meaning.NO_RESULT)))
    )


@pytest.mark.parametrize(
    ("payout", "outcomes"),
    [
        (QUEUED, ()),
        (a_payout(PayoutStatus.HELD), ()),
        (a_payout(PayoutStatus.CANCELLED), ()),
        # a connection that was never made cannot have caused it either
        (QUEUED, (AttemptOutcome.NOT_CONNECTED,)),
        (a_payout(PayoutStatus.CANCELLED), (AttemptOutcome.NOT_CONNECTED,)),
    ],
)
@pytest.mark.parametrize("answer", [WPAR, CLOS, FINI, REFU])
def test_a_trade_that_we_cannot_have_caused(
    payout: Payout, outcomes: tuple[AttemptOutcome, ...], answer: object
) -> None:
    """
    Evidence about what we never sent should not exist.
    """
    attempts = tuple(an_attempt(n, outcome) for n, outcome in enumerate(outcomes, 1))
    dossier = a_dossier(payout, a_notification(answer), attempts=attempts)  # type: ignore[arg-type]

    assert {CaseNote(CaseKind.UNEXPECTED, 1)} == opened(dossier)


@pytest.mark.parametrize(
    "limits",
    [replace(LIMITS, resend_limit=0), replace(LIMITS, resend_window=LIMITS.http_deadline)],
    ids=["switched off", "too late"],
)
def test_an_absence_that_may_not_be_sent_again(limits: Limits) -> None:
    """
    JD does not have it and the resend rule says no: that is for a person.
    """
    dossier = a_dossier(UNKNOWN, not_found(1), not_found(2), not_found(10))

    assert {CaseNote(CaseKind.NOT_FOUND, 3)} == opened(dossier, limits=limits)
    assert set() == opened(dossier)


def test_a_not_found_case_names_the_newest_answer() -> None:
    """
    Each further one completes it anew: who closed it had not seen the next.
    """
    limits = replace(LIMITS, resend_limit=0)
    dossier = a_dossier(UNKNOWN, not_found(2), not_found(10), not_found(120), not_found(180))

    assert {CaseNote(CaseKind.NOT_FOUND, 4)} == opened(dossier, 181, limits)


@pytest.mark.parametrize(
    ("status", "days", "expected"),
    [
        (PayoutStatus.PROCESSING, 38, set()),
        (PayoutStatus.PROCESSING, 39, {CaseNote(CaseKind.UNRESOLVED)}),
        (PayoutStatus.UNKNOWN, 39, {CaseNote(CaseKind.UNRESOLVED)}),
        (PayoutStatus.REFUSED, 39, {CaseNote(CaseKind.UNRESOLVED)}),
        (PayoutStatus.PAID, 38, set()),
        (PayoutStatus.PAID, 39, {CaseNote(CaseKind.UNRESOLVED)}),
        (PayoutStatus.FAILED, 39, {CaseNote(CaseKind.UNRESOLVED)}),
        (PayoutStatus.CANCELLED, 39, set()),
    ],
)
def test_no_final_answer_for_the_whole_schedule(
    status: PayoutStatus, days: float, expected: set[CaseNote]
) -> None:
    """
    When the bounded part of the schedule is over, a person is told, and the asking goes on.
    """
    assert expected == opened(a_dossier(a_payout(status)), days * 24 * 60)


@pytest.mark.parametrize(
    ("days", "expected"), [(39, set()), (41, {CaseNote(CaseKind.UNRESOLVED, 1)})]
)
def test_a_return_that_nobody_can_ask_about_is_told(days: float, expected: set[CaseNote]) -> None:
    """
    JD confirmed the payment at once, and has answered no question since: the second day's is due.
    """
    payout = a_payout(PayoutStatus.PAID)
    dossier = a_dossier(payout, a_query(a_trade(TradeStatus.FINI), 1))

    assert expected == opened(dossier, days * 24 * 60)


def test_a_further_answer_without_an_end_is_another_case() -> None:
    """
    A person who closed the case is told again when JD says once more that it has not finished.
    """
    days = 24 * 60
    asked = (a_query(WPAR, 1), a_query(WPAR, 46 * days))
    dossier = a_dossier(a_payout(PayoutStatus.PROCESSING), *asked)

    assert {CaseNote(CaseKind.UNRESOLVED, 2)} == opened(dossier, 46 * days)


def test_several_kinds_stand_side_by_side() -> None:
    """
    Each kind has its own case.
    """
    dossier = a_dossier(PAID, a_query(CLOS), a_query(FINI), returned(1), returned(0))
    kinds = {note.kind for note in opened(dossier)}

    assert {
        CaseKind.CONTRADICTION,
        CaseKind.PARTIAL_RETURN,
        CaseKind.RETURN_AMOUNT,
    } == kinds


def test_nothing_unsigned_opens_a_case() -> None:
    """
    A forger cannot stop a payout by making it look odd.
    """
    forged = [replace(a, verified=False) for a in (CLOS, FINI, REFU, replace(FINI, merchant="X"))]
    dossier = a_dossier(UNKNOWN, *(a_notification(answer) for answer in forged))

    assert set() == opened(dossier)


def test_every_kind_of_one_payout_is_opened_here() -> None:
    """
    None is forgotten; others open those of orphans, debts, lost keys, journals and controls.
    """
    source = __import__("inspect").getsource(
        __import__("worker.payouts.policy.cases", fromlist=["_"])
    )
    named = {kind for kind in CaseKind if f"CaseKind.{kind.name}" in source}

    elsewhere = {
        CaseKind.ORPHAN,
        CaseKind.OVERPAYMENT,
        CaseKind.UNREADABLE,
        CaseKind.FORGOTTEN,
        *(hold.case for hold in Hold),
    }
    assert set(CaseKind) - elsewhere == named
