"""
What the ledger tells of the whole, and what it remembers for that.
"""

from dataclasses import replace
from datetime import timedelta

import pytest

from tests.contract.samples import (
    MERCHANT,
    NOON,
    TERMS,
    VirtualClock,
    a_judge,
    a_verified_answer,
    accept,
    accepted,
    an_order,
    applied,
    claimed,
    due_queries,
    record,
)
from worker.payouts.evidence import Source
from worker.payouts.health import CertificateKind, Looked, OtherMerchant, Told
from worker.payouts.model import Rejection
from worker.payouts.status import PayoutStatus
from worker.usecases.ports import Ledger

MINUTE = timedelta(minutes=1)
OTHER = "360080000000000002"


def a_rejection() -> Rejection:
    """
    A job that was not accepted.
    """
    return Rejection("invalid", ("amount_fen: missing",), 12, "0" * 64, None, None)


def test_a_sweep_counts_when_it_has_ended(ledger: Ledger, clock: VirtualClock) -> None:
    """
    One that only began does not, and each merchant has its own.
    """
    ledger.count_sweep()
    before = ledger.health(MERCHANT).swept_at
    ledger.end_sweep(MERCHANT)
    clock.advance(minutes=1)
    ledger.end_sweep(MERCHANT)

    assert before is None
    assert ledger.health(MERCHANT).swept_at == NOON + MINUTE
    assert ledger.health(OTHER).swept_at is None


def test_since_when_the_oldest_send_is_due(ledger: Ledger, clock: VirtualClock) -> None:
    """
    Of those that nothing keeps back; and when something was last claimed.
    """
    first = accepted(ledger, "P-1")
    clock.advance(minutes=1)
    accepted(ledger, "P-2")
    clock.advance(minutes=1)
    told = ledger.health(MERCHANT)
    claimed(ledger, first)
    later = ledger.health(MERCHANT)

    assert (told.send_due_at, told.sent_at, told.sends_due) == (NOON, None, 2)
    assert later.send_due_at == NOON + MINUTE
    # The bucket is full again within the second after the claim.
    assert later.sent_at is not None
    assert timedelta(0) <= later.sent_at - clock.now <= timedelta(seconds=1)


@pytest.mark.parametrize("how", ["paused", "doubted"])
def test_what_is_kept_back_is_not_late(ledger: Ledger, how: str) -> None:
    """
    A pause, a doubt, each has an alert of its own.
    """
    accepted(ledger)
    if how == "paused":
        ledger.pause(MERCHANT, "drill", "mei")
    else:
        ledger.begin_epoch("mei", "restored", timedelta(0))

    told = ledger.health(MERCHANT)
    assert (told.send_due_at, told.sends_due) == (None, 1)


def test_since_when_the_oldest_question_is_due(ledger: Ledger, clock: VirtualClock) -> None:
    """
    And when one was last claimed to be asked.
    """
    payout = accepted(ledger)
    applied(ledger, payout.id, next_query_at=NOON + MINUTE)
    before = ledger.health(MERCHANT).query_due_at
    clock.advance(minutes=2)
    due = ledger.health(MERCHANT)
    due_queries(ledger)
    after = ledger.health(MERCHANT)

    assert before is None
    assert (due.query_due_at, due.queries_due, due.asked_at) == (NOON + MINUTE, 1, None)
    assert (after.query_due_at, after.queries_due) == (None, 0)
    assert after.asked_at is not None
    assert timedelta(0) <= after.asked_at - clock.now <= timedelta(seconds=1)


def test_since_when_evidence_waits(ledger: Ledger, clock: VirtualClock) -> None:
    """
    Until it is judged.
    """
    payout = accepted(ledger)
    record(ledger, payout, Source.QUERY, a_verified_answer())
    clock.advance(minutes=1)
    record(ledger, payout, Source.QUERY, a_verified_answer(trade_no="JD-2"))

    assert ledger.health(MERCHANT).unapplied_at == NOON
    ledger.judge(payout.id, a_judge())
    assert ledger.health(MERCHANT).unapplied_at is None


def test_the_other_merchants_who_are_unfinished(ledger: Ledger, clock: VirtualClock) -> None:
    """
    Each with when it was last swept for; one whose payouts are finished is not told.
    """
    numbers = [f"36008000000000000{place}" for place in (2, 3, 4)]
    others = [replace(TERMS, customer_no=number) for number in numbers]
    ids = [accept(ledger, an_order(f"P-{n}"), terms) for n, terms in enumerate(others)]
    accepted(ledger, "P-9")
    ledger.end_sweep(numbers[1])
    assert ids[2] is not None
    applied(ledger, ids[2], status=PayoutStatus.CANCELLED)

    assert ledger.health(MERCHANT).others == (
        OtherMerchant(numbers[0], 1, None),
        OtherMerchant(numbers[1], 1, NOON),
    )
    assert len(ledger.health(numbers[2]).others) == 3


def test_orphans_are_told_by_themselves(ledger: Ledger) -> None:
    """
    Among the open cases, and apart.
    """
    ledger.notify(MERCHANT, [a_verified_answer(number="P-404")])
    told = ledger.health(MERCHANT)

    assert (told.orphans, told.open_cases) == (1, 1)
    (case,) = ledger.cases(open_only=True, limit=10)
    ledger.close_case(case, "mei", "another system's")
    assert ledger.health(MERCHANT).orphans == 0


def test_what_someone_has_not_looked_at(ledger: Ledger) -> None:
    """
    Rejections, and notifications that name others, until somebody looks; then only what is new.
    """
    ledger.reject(a_rejection())
    ledger.reject(a_rejection())
    for merchant in (OTHER, OTHER, "junk"):
        ledger.note_foreign(MERCHANT, merchant)
    before = ledger.health(MERCHANT)
    looked = ledger.look(MERCHANT, "cli:mei")
    after = ledger.health(MERCHANT)
    ledger.reject(a_rejection())
    ledger.note_foreign(MERCHANT, OTHER)
    again = ledger.health(MERCHANT)

    assert (before.rejected, before.foreign) == (2, 3)
    assert looked == Looked(rejected=2, foreign=3)
    assert (after.rejected, after.foreign) == (0, 0)
    assert (again.rejected, again.foreign) == (1, 1)


def test_the_certificates_of_the_last_start_count(ledger: Ledger) -> None:
    """
    Whoever replaces one and starts a worker has replaced it here.
    """
    old = dict.fromkeys(CertificateKind, NOON)
    new = {**old, CertificateKind.MERCHANT: NOON + 365 * timedelta(days=1)}
    ledger.note_certificates(MERCHANT, old)
    ledger.note_certificates(MERCHANT, new)

    assert ledger.health(MERCHANT).certificates == new
    assert ledger.health(OTHER).certificates == {}


def test_an_alert_is_told_once_and_its_end_once(ledger: Ledger) -> None:
    """
    Whoever asks again is told nothing, and merchants are apart.
    """
    first = ledger.tell(MERCHANT, ["silence", "paused"])
    again = ledger.tell(MERCHANT, ["paused", "silence"])
    other = ledger.tell(OTHER, ["paused"])
    changed = ledger.tell(MERCHANT, ["paused", "cases"])
    over = ledger.tell(MERCHANT, [])

    assert (set(first.begun), first.over) == ({"silence", "paused"}, ())
    assert again == Told()
    assert other == Told(begun=("paused",))
    assert changed == Told(begun=("cases",), over=("silence",))
    assert over == Told(over=("cases", "paused"))
