"""
How much may still be paid for an obligation, worked by hand.
"""

from dataclasses import replace
from typing import Any

import pytest

from tests.factories import (
    AMOUNT,
    NOON,
    NUMBER,
    a_bare,
    a_dossier,
    a_notification,
    a_payout,
    a_query,
    a_reply,
    a_trade,
    an_attempt,
    an_order,
    at,
)
from worker.payouts.errors import NotAllowed
from worker.payouts.evidence import Evidence, Meaning, TradeStatus
from worker.payouts.model import AttemptOutcome, Dossier, Obligation
from worker.payouts.policy.facts import gather_facts
from worker.payouts.policy.obligation import (
    AskFirst,
    Coverage,
    Covered,
    Overpaid,
    check_fits,
    check_fresh,
    check_replacement,
    cover,
    left_fen,
    may_keep_fen,
    normalized,
)
from worker.payouts.policy.proof import partly_returned
from worker.payouts.status import PayoutStatus

PART = a_trade(TradeStatus.REFU, refund_fen=45)


OWED = Obligation(1, "default", NUMBER, AMOUNT, 0)
SENT = (an_attempt(1, AttemptOutcome.ANSWERED),)


def told(
    status: PayoutStatus, *evidence: Evidence, number: int = 1, released: bool = True, **row: Any
) -> Dossier:
    """
    A payout that was sent, with what JD said of it.
    """
    released_at = NOON if released else None
    payout = a_payout(status, id=number, released_at=released_at, exposed=True, **row)
    return a_dossier(payout, *evidence, attempts=SENT)


CLOSED = a_trade(TradeStatus.CLOS)
CLOSED_TWICE = (a_query(CLOSED, 5), a_query(CLOSED, 5 + 24 * 60))
FINI = a_trade(TradeStatus.FINI)


@pytest.mark.parametrize(
    ("dossier", "kept_fen"),
    [
        # proven unpaid
        (told(PayoutStatus.FAILED, *CLOSED_TWICE), 0),
        (a_dossier(a_payout(PayoutStatus.CANCELLED)), 0),
        # closed and then paid after all, however we heard of it
        (told(PayoutStatus.PAID, *CLOSED_TWICE, a_notification(FINI, 2000)), AMOUNT),
        (told(PayoutStatus.PAID, *CLOSED_TWICE, a_query(FINI, 2000)), AMOUNT),
        # closed once, or not asked about: may yet be paid
        (told(PayoutStatus.FAILED, a_query(CLOSED, 5)), AMOUNT),
        (told(PayoutStatus.UNKNOWN), AMOUNT),
        # a part came back, as the latest answer to a query says
        (told(PayoutStatus.PAID, a_query(PART, 5), returned_fen=45), AMOUNT - 45),
        (told(PayoutStatus.PAID, a_query(PART, 5), a_query(FINI, 6), returned_fen=45), AMOUNT),
        # a notification of more does not count before a query says so
        (
            told(
                PayoutStatus.PAID,
                a_notification(a_trade(TradeStatus.REFU, refund_fen=9_000), 4),
                a_query(PART, 5),
                returned_fen=9_000,
            ),
            AMOUNT - 45,
        ),
        # the whole came back
        (told(PayoutStatus.RETURNED, a_query(a_trade(TradeStatus.REFU, refund_fen=AMOUNT), 5)), 0),
    ],
)
def test_what_a_payee_may_keep(dossier: Dossier, kept_fen: int) -> None:
    """
    Nothing under a proof, what did not come back of what was paid, else all.
    """
    assert kept_fen == may_keep_fen(dossier)


@pytest.mark.parametrize(
    ("others", "owed_fen", "left"),
    [
        # nothing yet, and a split of which one part is held by another
        ((), AMOUNT, AMOUNT),
        ((told(PayoutStatus.PROCESSING, released=False, amount_fen=345),), AMOUNT, 12_000),
        # a payout that holds its obligation counts whole, whatever became of it
        ((told(PayoutStatus.FAILED, *CLOSED_TWICE, released=False),), AMOUNT, 0),
        # 45 came back and were paid again; then the whole came back
        (
            (
                told(PayoutStatus.PAID, a_query(PART, 5), returned_fen=45),
                told(PayoutStatus.PAID, number=2, released=False, amount_fen=45),
            ),
            AMOUNT,
            0,
        ),
        (
            (
                told(
                    PayoutStatus.RETURNED,
                    a_query(PART, 5),
                    a_query(a_trade(TradeStatus.REFU, refund_fen=AMOUNT), 9),
                ),
                told(PayoutStatus.PAID, number=2, released=False, amount_fen=45),
            ),
            AMOUNT,
            AMOUNT - 45,
        ),
        # the first was paid after all, beside its replacement
        (
            (
                told(PayoutStatus.PAID, *CLOSED_TWICE, a_notification(FINI, 2000)),
                told(PayoutStatus.PAID, number=2, released=False),
            ),
            AMOUNT,
            -AMOUNT,
        ),
    ],
)
def test_what_is_left_to_pay(others: tuple[Dossier, ...], owed_fen: int, left: int) -> None:
    """
    What is owed, less what is held and what may be kept; below zero if too much is paid.
    """
    assert left == left_fen(replace(OWED, owed_fen=owed_fen), others)


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"amount_fen": 12_000}, None),
        ({"amount_fen": 12_001}, "at most 12000 fen"),
        ({"amount_fen": 1, "owed_fen": AMOUNT}, None),
        ({"amount_fen": 1, "owed_fen": AMOUNT + 1}, "owed_fen: 12345 fen are owed"),
    ],
)
def test_a_job_fits_its_obligation(changes: dict[str, Any], fault: str | None) -> None:
    """
    What its first job said is owed, and no more than is left.
    """
    others = (told(PayoutStatus.PAID, released=False, amount_fen=345),)
    order = an_order("P2026030200002", **changes)

    if fault is None:
        check_fits(OWED, others, order)
    else:
        with pytest.raises(NotAllowed, match=fault):
            check_fits(OWED, others, order)


NEW = a_payout(PayoutStatus.QUEUED, id=2, out_trade_no="P2026030200002")
A_DAY = 24 * 60
REFUSED_LONG_AGO = a_dossier(
    a_payout(PayoutStatus.FAILED, released_at=NOON, exposed=False),
    a_reply(a_bare(Meaning.PAYEE)),
    a_query(a_bare(Meaning.NOT_FOUND), 5),
    attempts=SENT,
)


@pytest.mark.parametrize(
    ("others", "minutes", "expected"),
    [
        ((), 0, Covered()),
        # released on two closes, and asked again a short while ago
        ((told(PayoutStatus.FAILED, *CLOSED_TWICE),), 5 + A_DAY + 10, Covered()),
        # ... but not lately: JD may have changed its mind
        ((told(PayoutStatus.FAILED, *CLOSED_TWICE),), 5 + A_DAY + 11, AskFirst((1,))),
        # nor about one that JD refused, and so does not have as far as we know
        ((REFUSED_LONG_AGO,), 5 + A_DAY + 11, AskFirst((1,))),
        # it did
        (
            (told(PayoutStatus.PAID, *CLOSED_TWICE, a_notification(FINI, 2000)),),
            2001,
            Overpaid(9),
        ),
        # withdrawn before it was sent: JD cannot have it
        ((a_dossier(a_payout(PayoutStatus.CANCELLED, released_at=NOON)),), 9999, Covered()),
    ],
)
def test_the_debt_is_asked_before_a_claim(
    others: tuple[Dossier, ...], minutes: int, expected: Coverage
) -> None:
    """
    Nothing is sent that could pay more than is owed, nor on a word that is old.
    """
    others = tuple(
        replace(d, evidence=tuple(replace(e, id=n) for n, e in enumerate(d.evidence, 7)))
        for d in others
    )

    assert expected == cover(NEW, OWED, others, at(minutes))


def test_a_share_beside_others_needs_no_question() -> None:
    """
    Payouts that hold the obligation are counted whole: no word of JD's could make it worse.
    """
    share = told(PayoutStatus.UNKNOWN, released=False, amount_fen=345)
    payout = replace(NEW, amount_fen=12_000)

    assert cover(payout, OWED, (share,), at(9999)) == Covered()


@pytest.mark.parametrize(("minutes", "fresh"), [(15, True), (16, False)])
def test_nothing_is_freed_on_an_old_word(minutes: int, fresh: bool) -> None:
    """
    The question must have been asked within the last ten minutes.
    """
    dossier = told(PayoutStatus.FAILED, a_query(CLOSED, 5), released=False)

    if fresh:
        check_fresh(dossier, at(minutes))
    else:
        with pytest.raises(NotAllowed, match="asked anew"):
            check_fresh(dossier, at(minutes))


def test_what_was_never_sent_is_freed_without_a_question() -> None:
    """
    JD cannot know it.
    """
    check_fresh(a_dossier(a_payout(PayoutStatus.CANCELLED)), at(9999))


def test_names_that_look_the_same_are_the_same() -> None:
    """
    Full-width letters and ligatures are how a person, or a spreadsheet, writes a name twice.
    """
    assert normalized("ＳＡＬＡＲＹ－７ﬁ") == "SALARY-7fi"


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({}, None),
        ({"amount_fen": 1}, None),
        ({"amount_fen": AMOUNT + 1}, "amount_fen: must be at most 12345"),
        ({"out_trade_no": NUMBER}, "out_trade_no: must be new"),
        ({"obligation": "ANOTHER"}, "obligation: must be"),
        ({"owed_fen": AMOUNT}, None),
        ({"owed_fen": AMOUNT + 1}, "owed_fen: 12345 fen are owed"),
        ({"send_before": NOON}, "send_before: this moment has passed"),
        ({"send_before": at(1)}, None),
    ],
)
def test_what_may_replace_a_withdrawn_payout(changes: dict[str, Any], fault: str | None) -> None:
    """
    Another number, the same obligation, at most the same amount, and time left to send it.
    """
    order = an_order("P2026030200002", **{"obligation": NUMBER} | changes)
    old = a_dossier(a_payout(PayoutStatus.CANCELLED))

    if fault is None:
        check_replacement(old, order, OWED, (), NOON)
    else:
        with pytest.raises(NotAllowed, match=fault):
            check_replacement(old, order, OWED, (), NOON)


@pytest.mark.parametrize(
    ("evidence", "proof"),
    [
        ((a_query(PART, 5),), (1,)),
        # notifications come late: only a question tells what has come back by now
        ((a_notification(PART, 5),), None),
        # the question that was asked last, whichever answer came last
        ((a_query(a_trade(TradeStatus.REFU, refund_fen=44), 5), a_query(PART, 6)), (2,)),
        ((a_query(PART, 6), a_query(a_trade(TradeStatus.REFU, refund_fen=44), 5)), (1,)),
        # it came back, and JD has taken that word back
        ((a_query(PART, 5), a_query(a_trade(TradeStatus.FINI), 6)), None),
        # the latest word names no amount, or does not say whose it is
        ((a_query(PART, 5), a_query(a_trade(TradeStatus.REFU, refund_fen=None), 6)), None),
        ((a_query(PART, 5), a_query(replace(PART, currency=None), 6)), None),
        # two trades under one number: one of them came back
        ((a_query(PART, 5), a_query(replace(PART, trade_no="JD2"), 6)), None),
        # a duplicate answer to a resend is no word of a return
        ((a_reply(PART),), None),
        # nobody signed it
        ((a_query(a_trade(TradeStatus.REFU, refund_fen=45, verified=False), 5),), None),
        # it is about another amount
        ((a_query(a_trade(TradeStatus.REFU, refund_fen=45, amount_fen=1), 5),), None),
        ((), None),
    ],
)
def test_what_proves_that_a_part_came_back(
    evidence: tuple[Evidence, ...], proof: tuple[int, ...] | None
) -> None:
    """
    The latest answer to a question, if it says how much, and nothing says more.
    """
    payout = a_payout(PayoutStatus.PAID, returned_fen=45)
    attempts = (an_attempt(1, AttemptOutcome.ANSWERED),)

    assert proof == partly_returned(gather_facts(a_dossier(payout, *evidence, attempts=attempts)))


@pytest.mark.parametrize("fen", [None, 0, AMOUNT, AMOUNT + 1])
def test_only_a_part_is_a_part(fen: int | None) -> None:
    """
    Nothing, or all of it, is another proof's business, and more than all of it is none.
    """
    told = a_query(a_trade(TradeStatus.REFU, refund_fen=fen), 5)

    assert partly_returned(gather_facts(a_dossier(a_payout(PayoutStatus.PAID), told))) is None
