"""
What people set: limits of producers and the deny list, and what both hold back.
"""

from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa

from tests.contract.samples import (
    LEASE,
    PAYEE,
    TERMS,
    VirtualClock,
    a_judge,
    accept,
    accepted,
    an_order,
    claimed,
    close_attempt,
    try_claim,
)
from tests.contract.stories import asked, refused, withdrawn
from tests.doubles.ledger import MemoryLedger
from tests.factories import a_claimant
from worker.payouts.control_change import ProducerLimits
from worker.payouts.errors import NoSuchProducer, NoSuchProposal, NotAllowed
from worker.payouts.evidence import Answer, Meaning
from worker.payouts.model import Attempt, AttemptOutcome, CaseKind, Dossier, Payout
from worker.payouts.person import Person
from worker.payouts.policy.actions import Action, decide, may_replace
from worker.payouts.status import PayoutStatus, Reason
from worker.store.ledger import SqlLedger
from worker.store.tables import installation
from worker.usecases.controls import Controller
from worker.usecases.ports import Ledger

MEI, LAN, EVE = Person(1001, "mei"), Person(1002, "lan"), Person(1003, "eve")
OTHER = replace(PAYEE, account_no="6222021234567890001")
THIRD = replace(PAYEE, account_no="6222021234567890002")
HELD = PayoutStatus.HELD


def limit(ledger: Ledger, person: Person = MEI, **changes: int | None) -> None:
    """
    Set limits of the shop's.
    """
    if "shop" not in {producer.name for producer in ledger.producers()}:
        ledger.add_producer("shop", "mei")
    Controller(ledger, person).limit("shop", changes, "agreed so")


def make_live(ledger: Ledger) -> None:
    """
    Real money: two people are listed.
    """
    if isinstance(ledger, MemoryLedger):
        ledger.profile = "live"
    else:
        assert isinstance(ledger, SqlLedger)
        with ledger._engine.begin() as conn:
            conn.execute(sa.update(installation).values(profile="live", sealed_sample=None))
    for person in (MEI, LAN):
        ledger.add_person(person.uid, person.name, "root", "finance")


def held(ledger: Ledger, payout: Payout) -> bool:
    """
    Whether a claim holds a payout back instead.
    """
    attempt = try_claim(ledger, payout)
    after = ledger.dossier(payout.id).payout
    assert (attempt is None) == (after.status is HELD)
    return attempt is None


def not_connected(ledger: Ledger, attempt: Attempt) -> None:
    """
    The worker found nobody to send it to, and it waits in the queue again.
    """
    again = a_judge(
        status=PayoutStatus.QUEUED,
        reason=Reason.NOT_CONNECTED,
        exposed=False,
        next_send_at=attempt.started_at,
    )
    close_attempt(ledger, attempt, AttemptOutcome.NOT_CONNECTED, "refused", judge=again)


# --- limits


def test_nothing_is_limited_at_first(ledger: Ledger) -> None:
    """
    A producer has limits once somebody sets them.
    """
    assert ledger.controls().limits == {}
    assert not held(ledger, accepted(ledger))


def test_an_amount_over_the_limit_is_held(ledger: Ledger) -> None:
    """
    At the claim, with a case of its own; nothing of it was sent, and what just fits is.
    """
    limit(ledger, largest_fen=12_345)
    fits, over = accepted(ledger, "P-1"), accepted(ledger, "P-2", amount_fen=12_346)

    assert not held(ledger, fits)
    assert held(ledger, over)

    dossier = ledger.dossier(over.id)
    assert (dossier.payout.reason, dossier.payout.exposed) == (Reason.LIMIT, False)
    assert (dossier.payout.next_send_at, dossier.attempts) == (None, ())
    assert [case.kind for case in dossier.open_cases] == [CaseKind.LIMIT]
    assert [move.actor for move in ledger.history(over.id)] == ["shop", "limit of an amount"]


def test_only_that_producer_is_limited(ledger: Ledger) -> None:
    """
    Another one's payouts are no affair of the shop's limits.
    """
    limit(ledger, largest_fen=1)

    assert not held(ledger, accepted(ledger, producer="another"))


def test_the_sum_of_a_day(ledger: Ledger, clock: VirtualClock) -> None:
    """
    What was claimed counts, until the day is over in Beijing: at 16:00 UTC.
    """
    limit(ledger, day_fen=25_000)
    first, second, third = (accepted(ledger, f"P-{n}") for n in range(3))

    assert [held(ledger, payout) for payout in (first, second, third)] == [False, False, True]
    assert not held(ledger, accepted(ledger, "SMALL", amount_fen=310))
    clock.now = clock.now.replace(hour=15, minute=59)
    assert held(ledger, accepted(ledger, "P-3"))
    clock.now = clock.now.replace(hour=16, minute=0)
    assert not held(ledger, accepted(ledger, "P-4"))


def test_one_batch_is_counted_one_by_one(ledger: Ledger) -> None:
    """
    Of three that are claimed together the first two fit, and each is decided for itself.
    """
    limit(ledger, day_fen=25_000)
    ids = [accepted(ledger, f"P-{n}").id for n in range(3)]

    claims = ledger.claim_due_sends(10, a_claimant("canonical", "worker-1", LEASE)).claims

    assert [claim.payout.id for claim in claims] == ids[:2]
    assert ledger.dossier(ids[2]).payout.reason is Reason.LIMIT


def test_new_payees_of_a_day(ledger: Ledger, clock: VirtualClock) -> None:
    """
    A payee is new until a payout of this producer's was claimed to it; another's do not count.
    """
    assert not held(ledger, accepted(ledger, "BEFORE"))
    assert not held(ledger, accepted(ledger, "ANOTHER", producer="another", payee=THIRD))
    clock.advance(hours=24)
    limit(ledger, new_payees=1)

    assert not held(ledger, accepted(ledger, "P-1"))
    assert not held(ledger, accepted(ledger, "P-2", payee=OTHER))
    assert not held(ledger, accepted(ledger, "P-3", payee=OTHER))
    assert held(ledger, accepted(ledger, "P-4", payee=THIRD))
    clock.advance(hours=24)
    assert not held(ledger, accepted(ledger, "P-5", payee=THIRD))


def test_no_new_payee_at_all(ledger: Ledger) -> None:
    """
    With nought, only those are paid who were paid before.
    """
    assert not held(ledger, accepted(ledger, "BEFORE"))
    limit(ledger, new_payees=0)

    assert not held(ledger, accepted(ledger, "P-1"))
    assert held(ledger, accepted(ledger, "P-2", payee=OTHER))


def test_what_was_claimed_before_the_limit_counts(ledger: Ledger) -> None:
    """
    A limit that is set at noon is about the whole day.
    """
    claimed(ledger, accepted(ledger, "P-1"))
    claimed(ledger, accepted(ledger, "P-2", payee=OTHER))
    limit(ledger, day_fen=30_000, new_payees=2)

    assert held(ledger, accepted(ledger, "P-3"))
    assert held(ledger, accepted(ledger, "P-4", amount_fen=10, payee=THIRD))
    assert not held(ledger, accepted(ledger, "P-5", amount_fen=10))


def test_a_debt_that_is_free_gives_its_room_back(ledger: Ledger, clock: VirtualClock) -> None:
    """
    Not the end alone: what frees the debt. Of what was never claimed there is none.
    """
    limit(ledger, day_fen=12_345)
    never = accepted(ledger, "NEVER", amount_fen=12_000)
    gone = given_up(ledger, clock, refused(ledger))
    dossier = withdrawn(ledger, never)
    ledger.carry_out(dossier, decide(Action.RELEASE, dossier, "mei", "not wanted"))
    assert held(ledger, accepted(ledger, "P-2", amount_fen=1))

    ledger.carry_out(gone, decide(Action.RELEASE, gone, "mei", "not wanted"))

    assert not held(ledger, accepted(ledger, "P-3"))
    assert held(ledger, accepted(ledger, "P-4", amount_fen=1))


def test_a_replacement_takes_the_room_that_is_free(ledger: Ledger, clock: VirtualClock) -> None:
    """
    It pays what the one before it did not, and counts as that did.
    """
    limit(ledger, day_fen=12_345)
    gone = given_up(ledger, clock, refused(ledger))
    order = an_order("P-2", obligation="P-1")

    new = ledger.replace(gone, may_replace(gone, "mei", "right card"), order, TERMS)

    assert not held(ledger, ledger.dossier(new).payout)
    assert held(ledger, accepted(ledger, "P-3", amount_fen=1))


def test_yesterdays_room_is_not_given_back_today(ledger: Ledger, clock: VirtualClock) -> None:
    """
    What a day may take is what was claimed in it, whatever becomes of another day's.
    """
    limit(ledger, day_fen=12_345)
    dossier = refused(ledger)
    clock.advance(hours=24)
    gone = given_up(ledger, clock, dossier)
    claimed(ledger, accepted(ledger, "P-2"))

    ledger.carry_out(gone, decide(Action.RELEASE, gone, "mei", "not wanted"))

    assert held(ledger, accepted(ledger, "P-3", amount_fen=1))


def given_up(ledger: Ledger, clock: VirtualClock, dossier: Dossier) -> Dossier:
    """
    A refused payout that a person ended, and of which JD says that it does not know it.
    """
    unknown = Answer(verified=True, meaning=Meaning.NOT_FOUND, code="TRADE_NOT_EXIST", raw=b"no")
    clock.advance(minutes=11)
    asked(ledger, clock, dossier.payout, unknown)
    known = ledger.dossier(dossier.payout.id)
    ledger.carry_out(known, decide(Action.FAIL, known, "mei", "give up"))
    return ledger.dossier(dossier.payout.id)


def test_a_retry_counts_once(ledger: Ledger) -> None:
    """
    The connection was never made, and the payout is claimed again: it is the same one.
    """
    limit(ledger, day_fen=12_345)
    payout = accepted(ledger)
    not_connected(ledger, claimed(ledger, payout))

    assert not held(ledger, ledger.dossier(payout.id).payout)
    assert held(ledger, accepted(ledger, "P-2", amount_fen=1))


def test_a_person_lets_it_go_over_the_limit(ledger: Ledger) -> None:
    """
    Then it is sent, and counts. In the sandbox profile one person does that.
    """
    limit(ledger, day_fen=20_000)
    claimed(ledger, accepted(ledger, "P-1"))
    over = accepted(ledger, "P-2")
    assert held(ledger, over)
    dossier = ledger.dossier(over.id)

    ledger.carry_out(dossier, decide(Action.LET_GO, dossier, "cli:mei", "agreed"))

    after = ledger.dossier(over.id)
    assert (after.payout.reason, after.open_cases) == (Reason.APPROVED, ())
    assert not held(ledger, after.payout)
    assert held(ledger, accepted(ledger, "P-3", amount_fen=1))


def test_with_real_money_a_person_lets_go_what_fits_a_raised_limit(ledger: Ledger) -> None:
    """
    The limit is asked again: one person lets go, and two have raised it.
    """
    make_live(ledger)
    limit(ledger, largest_fen=12_344)
    payout_id = accept(ledger, an_order(), replace(TERMS, profile="live"))
    assert payout_id is not None
    for raised in (False, True):
        assert raised or held(ledger, ledger.dossier(payout_id).payout)
        dossier = ledger.dossier(payout_id)
        ledger.carry_out(dossier, decide(Action.LET_GO, dossier, "cli:mei", "wanted"))
        if not raised:
            assert held(ledger, ledger.dossier(payout_id).payout)
            limit(ledger, largest_fen=12_345)
            ledger.approve_change(ledger.control_changes()[0].id, LAN)
    assert not held(ledger, ledger.dossier(payout_id).payout)


def test_what_was_let_go_for_another_reason_is_limited(ledger: Ledger) -> None:
    """
    Who looked at a payee of the review list did not look at the limit.
    """
    limit(ledger, largest_fen=1)
    payout_id = accept(ledger, an_order(), for_review=True)
    assert payout_id is not None
    dossier = ledger.dossier(payout_id)
    ledger.carry_out(dossier, decide(Action.LET_GO, dossier, "cli:mei", "payee is right"))

    assert held(ledger, ledger.dossier(payout_id).payout)


# --- the deny list


def deny(ledger: Ledger, account_no: str = PAYEE.account_no) -> int:
    """
    An entry of the deny list.
    """
    return Controller(ledger, MEI).deny(account_no, "a court says so").id


def test_a_denied_payee_is_held_at_acceptance(ledger: Ledger) -> None:
    """
    The reason is that of the review list; only the case says which list it was.
    """
    deny(ledger)

    payout = accepted(ledger)

    assert (payout.status, payout.reason) == (HELD, Reason.REVIEW)
    assert [case.kind for case in ledger.dossier(payout.id).open_cases] == [CaseKind.DENIED]
    assert [move.actor for move in ledger.history(payout.id)] == ["shop", "deny list"]
    assert accepted(ledger, "P-2", payee=OTHER).status is PayoutStatus.QUEUED


def test_a_payee_who_is_denied_later_is_held_at_the_claim(ledger: Ledger) -> None:
    """
    Whatever name the account has.
    """
    payout = accepted(ledger, payee=replace(PAYEE, account_name="李四"))
    deny(ledger)

    assert held(ledger, payout)
    dossier = ledger.dossier(payout.id)
    assert dossier.payout.reason is Reason.REVIEW
    assert [case.kind for case in dossier.open_cases] == [CaseKind.DENIED]


def test_while_a_payee_is_denied_nothing_is_sent_to_it(ledger: Ledger) -> None:
    """
    Letting it go is not enough, since nobody was asked about the list; without the entry it is.
    """
    entry = deny(ledger)
    payout = accepted(ledger)
    for allowed in (False, True):
        dossier = ledger.dossier(payout.id)
        ledger.carry_out(dossier, decide(Action.LET_GO, dossier, "cli:mei", "it is wanted"))
        assert held(ledger, ledger.dossier(payout.id).payout) is not allowed
        if not allowed:
            assert [case.kind for case in ledger.dossier(payout.id).open_cases] == [CaseKind.DENIED]
            Controller(ledger, MEI).allow(entry, "the court says otherwise")


def test_what_is_to_be_sent_again_is_not_sent_to_a_denied_payee(ledger: Ledger) -> None:
    """
    It may be with JD, so it is not held; a case stops it.
    """
    payout = accepted(ledger)
    not_connected(ledger, claimed(ledger, payout))
    deny(ledger)

    assert held(ledger, ledger.dossier(payout.id).payout)


def test_an_account_is_denied_once(ledger: Ledger) -> None:
    """
    And an entry is taken off once; afterwards the account may be denied anew.
    """
    entry = deny(ledger)
    with pytest.raises(NotAllowed, match="already"):
        deny(ledger)
    Controller(ledger, MEI).allow(entry, "it was wrong")
    with pytest.raises(NotAllowed, match="no entry"):
        Controller(ledger, MEI).allow(entry, "it was wrong")

    assert deny(ledger) > entry
    assert [*ledger.controls().denied] == [PAYEE.account_no]


def test_what_is_told_of_the_list_names_nobody(ledger: Ledger) -> None:
    """
    Of the account there are the ends, for people; nothing shows the rest.
    """
    deny(ledger)

    (entry,) = ledger.control_changes()
    assert entry.payee_masked == "6222 **** **** 7312"
    assert entry.change.account_no is None
    assert PAYEE.account_no not in f"{entry!r} {ledger.controls()!r}"


# --- who changes them


def test_in_the_sandbox_one_person_raises_a_limit(ledger: Ledger) -> None:
    """
    And the record says that nobody else was asked; to lower one needs nobody else.
    """
    limit(ledger, day_fen=100)
    limit(ledger, day_fen=200)
    limit(ledger, day_fen=None)

    changes = ledger.control_changes()
    assert [change.unchecked for change in changes] == [True, True, False]
    assert ledger.controls().limits == {}


@pytest.mark.parametrize(
    "changes", [{"day_fen": 101}, {"day_fen": None}, {"largest_fen": 1, "day_fen": 101}]
)
def test_with_real_money_another_person_raises_it(ledger: Ledger, changes: dict[str, Any]) -> None:
    """
    Until then the old limit holds; who proposed it cannot approve it, and a third is unknown.
    """
    make_live(ledger)
    limit(ledger, day_fen=100)
    limit(ledger, **changes)

    assert ledger.controls().limits == {"shop": ProducerLimits(day_fen=100)}
    waiting = ledger.control_changes()[0]
    for person in (MEI, EVE):
        with pytest.raises(NotAllowed):
            ledger.approve_change(waiting.id, person)
    approved = ledger.approve_change(waiting.id, LAN)
    assert (approved.approved_by, approved.unchecked) == (LAN, False)
    assert ledger.controls().limits.get("shop", ProducerLimits()) == replace(
        ProducerLimits(day_fen=100), **changes
    )


def test_with_real_money_one_person_lowers_it(ledger: Ledger) -> None:
    """
    At once; but nobody who is not registered.
    """
    make_live(ledger)
    limit(ledger, day_fen=100)
    limit(ledger, LAN, day_fen=50, new_payees=0)

    assert ledger.controls().limits == {"shop": ProducerLimits(day_fen=50, new_payees=0)}
    assert not ledger.control_changes()[0].unchecked
    with pytest.raises(NotAllowed, match="no registered user"):
        limit(ledger, EVE, day_fen=10)


def test_with_real_money_another_person_takes_a_payee_off(ledger: Ledger) -> None:
    """
    One denies, and two allow.
    """
    make_live(ledger)
    entry = deny(ledger)
    waiting = Controller(ledger, MEI).allow(entry, "it was wrong")

    assert [*ledger.controls().denied] == [PAYEE.account_no]
    ledger.approve_change(waiting.id, LAN)
    assert not ledger.controls().denied


def test_a_newer_proposal_takes_the_place_of_one_that_waits(ledger: Ledger) -> None:
    """
    So does a lower limit, which holds at once: nobody approves what was proposed before it.
    """
    make_live(ledger)
    limit(ledger, day_fen=100)
    limit(ledger, day_fen=1_000)
    waiting = ledger.control_changes()[0]
    limit(ledger, LAN, day_fen=50)

    with pytest.raises(NotAllowed, match="another was proposed"):
        ledger.approve_change(waiting.id, LAN)
    assert ledger.controls().limits == {"shop": ProducerLimits(day_fen=50)}


def test_what_was_proposed_can_be_declined(ledger: Ledger) -> None:
    """
    It counts no more; what is in force or void already cannot be.
    """
    make_live(ledger)
    limit(ledger, day_fen=100)
    limit(ledger, day_fen=1_000)
    waiting = ledger.control_changes()[0]

    void = ledger.decline_change(waiting.id, LAN, "too much")

    assert void.voided_why == "cli:lan (uid 1002) declined it: too much"
    for step in (ledger.approve_change, lambda n, p: ledger.decline_change(n, p, "no")):
        with pytest.raises(NotAllowed, match="is void"):
            step(waiting.id, LAN)


def test_what_there_is_not_is_said(ledger: Ledger) -> None:
    """
    No such producer, no such change, no other limits.
    """
    with pytest.raises(NoSuchProducer):
        Controller(ledger, MEI).limit("nobody", {"day_fen": 1}, "why")
    with pytest.raises(NoSuchProposal):
        ledger.approve_change(7, LAN)
    limit(ledger, day_fen=1)
    with pytest.raises(NotAllowed, match="already"):
        limit(ledger, day_fen=1)
