"""
What counts as a breach in the gateway's books, and of a payout that a person gave up.
"""

from dataclasses import replace

import pytest

from tests.factories import (
    NOON,
    a_bare,
    a_dossier,
    a_payout,
    a_reply,
    an_attempt,
    at,
)
from worker.payouts.evidence import Meaning
from worker.payouts.invariants import Invariant, of_books, of_payout
from worker.payouts.limits import Limits
from worker.payouts.model import AttemptOutcome, Dossier
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
