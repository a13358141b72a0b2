"""
What counts as a breach in the gateway's books, and of a payout that a person gave up.
"""

from dataclasses import replace
from datetime import datetime

import pytest

from tests.factories import (
    NOON,
    a_bare,
    a_case,
    a_dossier,
    a_notification,
    a_payout,
    a_reply,
    a_trade,
    an_attempt,
    at,
)
from worker.payouts.evidence import Meaning, TradeStatus
from worker.payouts.invariants import Invariant, of_books, of_payout
from worker.payouts.journal import FROM_A_JOURNAL
from worker.payouts.limits import Limits
from worker.payouts.model import AttemptOutcome, CaseKind, Dossier, Transition
from worker.payouts.status import PayoutStatus, Reason

OLD, NEW = ("OLD", ("SALARY-7", 10_000)), ("NEW", ("SALARY-7", 4_000))


@pytest.mark.parametrize(
    ("kept_fen", "breached"),
    [
        # 4,000 came back and were paid again: 6,000 + 4,000 of 10,000
        ({"OLD": 6_000, "NEW": 4_000}, []),
        ({"NEW": 4_000, "OLD": 6_000}, []),
        # the old one came back whole afterwards
        ({"OLD": 0, "NEW": 4_000}, []),
        # one fen more than is owed
        ({"OLD": 6_001, "NEW": 4_000}, ["NEW"]),
        # nothing came back, and a part was paid again
        ({"OLD": 10_000, "NEW": 4_000}, ["NEW"]),
    ],
)
def test_an_obligation_is_owed_its_largest_amount(
    kept_fen: dict[str, int], breached: list[str]
) -> None:
    """
    A replacement after a partial return is smaller, and that is no false alarm.
    """
    found = list(of_books(dict.fromkeys(kept_fen, 1), kept_fen, dict([OLD, NEW])))

    assert [b.out_trade_no for b in found] == breached
    assert all(b.invariant is Invariant.I1_PAID_ONCE for b in found)


def test_other_obligations_do_not_count() -> None:
    """
    What is owed to one is not paid to another.
    """
    owed = {"A": ("ONE", 100), "B": ("TWO", 50)}

    assert list(of_books({"A": 1, "B": 1}, {"A": 100, "B": 50}, owed)) == []
    (breach,) = of_books({"A": 1, "B": 1}, {"A": 100, "B": 51}, owed)
    assert breach.detail == "51 fen paid for TWO, 50 owed"


def given_up(outcome: AttemptOutcome, *, exposed: bool) -> Dossier:
    """
    A payout that says a person failed it, with one refusal.
    """
    attempts = (an_attempt(1, AttemptOutcome.ANSWERED), an_attempt(2, outcome))
    payout = a_payout(PayoutStatus.FAILED, reason=Reason.FAILED_BY_HAND, exposed=exposed)
    dossier = a_dossier(payout, a_reply(a_bare(Meaning.REQUEST)), attempts=attempts)
    return replace(dossier, evidence=tuple(replace(e, applied_at=NOON) for e in dossier.evidence))


@pytest.mark.parametrize(
    ("dossier", "details"),
    [
        (given_up(AttemptOutcome.NOT_CONNECTED, exposed=False), set()),
        (
            given_up(AttemptOutcome.NO_ANSWER, exposed=True),
            {"status is failed, and judging all evidence gives unknown"},
        ),
        (
            given_up(AttemptOutcome.NO_ANSWER, exposed=False),
            {"exposed is False, and judging all evidence gives True"},
        ),
    ],
)
def test_a_person_ends_only_what_never_reached_jd(dossier: Dossier, details: set[str]) -> None:
    """
    The refusal of all that was sent allows it; an attempt without an answer does not.
    """
    found = of_payout(dossier, (), (), at(1), Limits())

    assert details == {b.detail for b in found if b.invariant is Invariant.I6_ORDER_DOES_NOT_MATTER}


def moves(*ends: tuple[PayoutStatus, Reason, str]) -> tuple[Transition, ...]:
    """
    The history that goes through these statuses.
    """
    froms = (None, *(status for status, _, _ in ends))
    return tuple(
        Transition(place, 1, before, status, reason, actor, NOON)
        for place, (before, (status, reason, actor)) in enumerate(zip(froms, ends, strict=False), 1)
    )


@pytest.mark.parametrize(("detail", "breaches"), [("lease expired", 1), (FROM_A_JOURNAL, 0)])
def test_only_a_forgotten_claim_leads_from_failed_to_unknown(detail: str, breaches: int) -> None:
    """
    JD's refusal of the only attempt is an end, unless another attempt turns up.
    """
    lost = replace(an_attempt(2, AttemptOutcome.LOST), detail=detail)
    refused = an_attempt(1, AttemptOutcome.ANSWERED)
    row = a_payout(PayoutStatus.UNKNOWN, exposed=True)
    dossier = a_dossier(row, a_reply(a_bare(Meaning.PAYEE)), attempts=(refused, lost))
    history = moves(
        (PayoutStatus.QUEUED, Reason.ACCEPTED, "shop"),
        (PayoutStatus.SENDING, Reason.CLAIMED, "worker"),
        (PayoutStatus.FAILED, Reason.PAYEE_REFUSED, "worker"),
        (PayoutStatus.UNKNOWN, Reason.LEASE_EXPIRED, "journal"),
    )
    found = of_payout(dossier, history, (), at(1), Limits())

    assert len([b for b in found if b.invariant is Invariant.I3_ONLY_UP]) == breaches


ACCEPTED = (PayoutStatus.QUEUED, Reason.ACCEPTED, "shop")
HELD = (PayoutStatus.HELD, Reason.REVIEW, "review list")
QUEUED = PayoutStatus.QUEUED


@pytest.mark.parametrize(
    ("status", "changes", "case", "history", "details"),
    [
        (PayoutStatus.HELD, {}, CaseKind.REVIEW, (ACCEPTED, HELD), []),
        (PayoutStatus.HELD, {}, CaseKind.STALE, (ACCEPTED, HELD), []),
        (PayoutStatus.HELD, {}, None, (ACCEPTED, HELD), ["held, without a case that says why"]),
        (
            PayoutStatus.HELD,
            {},
            CaseKind.MISMATCH,
            (ACCEPTED, HELD),
            ["held, without a case that says why"],
        ),
        (
            PayoutStatus.HELD,
            {"next_send_at": NOON},
            CaseKind.REVIEW,
            (ACCEPTED, HELD),
            ["held, and due to be sent"],
        ),
        (QUEUED, {}, None, (ACCEPTED, HELD, (QUEUED, Reason.LET_GO, "cli:mei")), []),
        (
            QUEUED,
            {},
            None,
            (ACCEPTED, HELD, (QUEUED, Reason.LET_GO, "worker")),
            ["put into the queue by worker (let_go), not let go by a person"],
        ),
        (
            QUEUED,
            {},
            None,
            (ACCEPTED, HELD, (QUEUED, Reason.NOT_CONNECTED, "cli:mei")),
            ["put into the queue by cli:mei (not_connected), not let go by a person"],
        ),
    ],
)
def test_what_is_held_waits_for_a_person(
    status: PayoutStatus,
    changes: dict[str, datetime],
    case: CaseKind | None,
    history: tuple[tuple[PayoutStatus, Reason, str], ...],
    details: list[str],
) -> None:
    """
    It has a case that says why, is not due, and only a person puts it into the queue.
    """
    cases = () if case is None else (a_case(case),)
    dossier = a_dossier(a_payout(status, **changes), attempts=(), cases=cases)

    found = of_payout(dossier, moves(*history), cases, at(1), Limits())

    assert details == [b.detail for b in found if b.invariant is Invariant.I11_HELD_FOR_A_PERSON]


@pytest.mark.parametrize(("detail", "breached"), [(FROM_A_JOURNAL, False), ("timeout", True)])
def test_attempts_follow_each_other_in_one_history(detail: str, breached: bool) -> None:
    """
    One that a journal put back was made in another history, beside those of this one.
    """
    first = replace(an_attempt(1, AttemptOutcome.LOST), started_at=at(0), closed_at=at(2))
    second = replace(
        an_attempt(2, AttemptOutcome.LOST), started_at=at(1), closed_at=at(3), detail=detail
    )
    dossier = a_dossier(a_payout(PayoutStatus.UNKNOWN), attempts=(first, second))
    found = of_payout(dossier, (), (), at(4), Limits())

    assert (Invariant.I9_ONE_AT_A_TIME in {breach.invariant for breach in found}) is breached


@pytest.mark.parametrize(("recalled_at", "breached"), [(1, True), (3, False)])
def test_a_claim_from_a_journal_is_judged_with_the_next_word(
    recalled_at: int, breached: bool
) -> None:
    """
    JD's last word came 60 days after a claim that was put back later: nobody owed a case then.
    """
    days = 24 * 60
    told = a_notification(
        a_trade(TradeStatus.WPAR, meaning=Meaning.NONE),
        minutes=60 * days,
        applied_at=at(60 * days + 2),
    )
    recalled = replace(
        an_attempt(1, AttemptOutcome.LOST),
        closed_at=at(60 * days + recalled_at),
        detail=FROM_A_JOURNAL,
    )
    row = a_payout(PayoutStatus.PROCESSING)
    dossier = a_dossier(row, told, attempts=(recalled,))
    found = of_payout(dossier, (), (), at(60 * days + 4), Limits())

    assert (Invariant.I13_A_PERSON_KNOWS in {breach.invariant for breach in found}) is breached
