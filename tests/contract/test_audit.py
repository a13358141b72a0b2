"""
The audit over real rows: what came about by the rules passes, and what was written past them not.

Each fault is planted by SQL alone, from outside, as whoever can write to the database could.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta

import pytest
import sqlalchemy as sa

from tests.contract.samples import (
    KEYRING,
    MERCHANT,
    TERMS,
    VirtualClock,
    a_verified_answer,
    accept,
    accepted,
    an_order,
    claimed,
    close_attempt,
)
from tests.contract.stories import (
    LIMITS,
    asked,
    judged,
    partly_returned,
    refused,
    replied,
)
from tests.doubles.owner import take_fences_away
from worker.payouts.evidence import Answer, Meaning, TradeStatus
from worker.payouts.invariants import Invariant
from worker.payouts.model import AttemptOutcome, Dossier
from worker.payouts.person import Person
from worker.payouts.policy.actions import Action, decide, may_replace
from worker.payouts.proposal import End, OutsideProof
from worker.store.ledger import SqlLedger
from worker.usecases.audit import Audited, Auditor
from worker.usecases.evidence import EvidenceHandler
from worker.usecases.ports import Ledger

NOT_FOUND = Answer(verified=True, meaning=Meaning.NOT_FOUND, code="TRADE_NOT_EXIST", raw=b"none")
LAN, MEI = Person(1001, "lan"), Person(1002, "mei")

I1, I2, I10 = Invariant.I1_PAID_ONCE, Invariant.I2_NOTHING_LOST, Invariant.I10_RELEASED_WITH_PROOF
I12, I13 = Invariant.I12_NEVER_FORGOTTEN, Invariant.I13_A_PERSON_KNOWS

Story = Callable[[Ledger, VirtualClock], object]


def paid_answer(number: str = "P-1", **changes: object) -> Answer:
    """
    JD's word that it paid.
    """
    fields = {"number": number, "trade_status": TradeStatus.FINI} | changes
    return a_verified_answer(**fields)


def audited(ledger: Ledger) -> Audited:
    """
    What an audit finds.
    """
    return Auditor(ledger, LIMITS).audit()


# --- the stories


def waiting(ledger: Ledger, clock: VirtualClock) -> None:
    """
    Accepted, and not sent yet.
    """
    accepted(ledger)


def in_flight(ledger: Ledger, clock: VirtualClock) -> None:
    """
    A worker has it.
    """
    claimed(ledger, accepted(ledger))
    clock.advance(minutes=2)


def under_way(ledger: Ledger, clock: VirtualClock) -> Dossier:
    """
    JD has it, and is asked when it is due.
    """
    return replied(ledger, accepted(ledger), a_verified_answer())


def paid(ledger: Ledger, clock: VirtualClock) -> Dossier:
    """
    Sent, and paid in time.
    """
    dossier = under_way(ledger, clock)
    clock.advance(minutes=1)
    return asked(ledger, clock, dossier.payout, paid_answer())


def closed_after_success(ledger: Ledger, clock: VirtualClock) -> None:
    """
    Paid, and closed a day later: a contradiction.
    """
    dossier = paid(ledger, clock)
    clock.advance(hours=24)
    asked(ledger, clock, dossier.payout, a_verified_answer(trade_status=TradeStatus.CLOS))


def without_result(ledger: Ledger, clock: VirtualClock) -> None:
    """
    Sent without an answer; JD's database has it not.
    """
    unanswered(ledger, clock)
    clock.advance(minutes=2)
    no_result = Answer(verified=True, meaning=Meaning.NO_RESULT, code="NO_RESULT", raw=b"no result")
    asked(ledger, clock, ledger.dossier(1).payout, no_result)


def unanswered(ledger: Ledger, clock: VirtualClock) -> Dossier:
    """
    Sent without an answer.
    """
    payout = accepted(ledger)
    close_attempt(ledger, claimed(ledger, payout), AttemptOutcome.NO_ANSWER, "read_timeout")
    return judged(ledger, payout)


def sent_again(ledger: Ledger, clock: VirtualClock) -> None:
    """
    Sent without an answer, found by JD at no question, sent again, and paid.
    """
    payout = unanswered(ledger, clock).payout
    for minutes in (2, 10):
        clock.advance(minutes=minutes)
        asked(ledger, clock, payout, NOT_FOUND)
    clock.advance(minutes=1)
    attempt = claimed(ledger, ledger.dossier(payout.id).payout)
    clock.advance(seconds=1)
    close_attempt(ledger, attempt, AttemptOutcome.ANSWERED, "0000", paid_answer())
    judged(ledger, payout)


def given_up(ledger: Ledger, clock: VirtualClock) -> None:
    """
    Refused, and failed by a person.
    """
    dossier = refused(ledger)
    clock.advance(minutes=1)
    ledger.carry_out(dossier, decide(Action.FAIL, dossier, "cli:mei", "wrong card"))


def mended(ledger: Ledger, clock: VirtualClock) -> None:
    """
    Refused, sent again when a person wanted it, and paid.
    """
    dossier = refused(ledger)
    clock.advance(minutes=1)
    ledger.carry_out(dossier, decide(Action.RESEND, dossier, "cli:mei", "key replaced"))
    clock.advance(minutes=1)
    attempt = claimed(ledger, ledger.dossier(1).payout)
    clock.advance(seconds=1)
    close_attempt(ledger, attempt, AttemptOutcome.ANSWERED, "0000", paid_answer())
    judged(ledger, dossier.payout)


def closed_freed_and_paid_by_another(ledger: Ledger, clock: VirtualClock) -> None:
    """
    Closed by JD at two questions a day apart, freed, and paid under another number.
    """
    closed = a_verified_answer(trade_status=TradeStatus.CLOS)
    dossier = replied(ledger, accepted(ledger), closed)
    for hours in (1, 24):
        clock.advance(hours=hours)
        dossier = asked(ledger, clock, dossier.payout, closed)
    clock.advance(minutes=1)
    ledger.carry_out(dossier, decide(Action.RELEASE, dossier, "cli:mei", "JD closed it"))
    clock.advance(minutes=1)
    another = accepted(ledger, "P-2", obligation="P-1")
    replied(ledger, another, paid_answer("P-2", trade_no="JD-2"))
    clock.advance(seconds=1)
    asked(ledger, clock, another, paid_answer("P-2", trade_no="JD-2"))


def replaced_in_part(ledger: Ledger, clock: VirtualClock) -> None:
    """
    A part came back and is paid anew.
    """
    dossier = partly_returned(ledger, clock, accepted(ledger), refund_fen=45)
    clock.advance(minutes=1)
    order = an_order("P-2", obligation="P-1", amount_fen=45)
    ledger.replace(dossier, may_replace(dossier, "cli:mei", "the rest"), order, TERMS)
    clock.advance(minutes=1)


def decided_by_two(ledger: Ledger, clock: VirtualClock) -> None:
    """
    Ended by two people, since JD has no result for two days.
    """
    payout_id = accept(ledger, an_order(), replace(TERMS, profile="live"))
    assert payout_id is not None
    attempt = claimed(ledger, ledger.dossier(payout_id).payout)
    close_attempt(ledger, attempt, AttemptOutcome.NO_ANSWER, "read_timeout")
    no_result = Answer(verified=True, meaning=Meaning.NO_RESULT, code="NO_RESULT", raw=b"no result")
    for person in (LAN, MEI):
        ledger.add_person(person.uid, person.name, "cli:boss", "finance")
    judged(ledger, ledger.dossier(payout_id).payout)
    for hours in (1, 48):
        clock.advance(hours=hours)
        asked(ledger, clock, ledger.dossier(payout_id).payout, no_result)
    proof = OutsideProof(End.FAILED, 0, "JD-TICKET-1", "JD's support wrote so")
    clock.advance(minutes=1)
    proposal = ledger.propose(payout_id, proof, LAN)
    clock.advance(minutes=1)
    ledger.approve(proposal.id, MEI)


def notified_of_a_stranger(ledger: Ledger, clock: VirtualClock) -> None:
    """
    A notification names a number that we do not have, beside a payout that waits.
    """
    accepted(ledger)
    handler = EvidenceHandler(ledger, MERCHANT, LIMITS, "receiver")
    handler.notify(paid_answer("STRANGER"))


STORIES = (
    *(waiting, in_flight, under_way, paid, closed_after_success, without_result, unanswered),
    *(sent_again, given_up, mended, closed_freed_and_paid_by_another, replaced_in_part),
    *(decided_by_two, notified_of_a_stranger),
)


@pytest.mark.parametrize("story", STORIES)
def test_what_came_about_by_the_rules_passes(
    ledger: Ledger, clock: VirtualClock, story: Story
) -> None:
    """
    At once, and as long as nobody would have done anything about it.
    """
    story(ledger, clock)
    assert audited(ledger).breaches == ()

    clock.advance(seconds=20)
    assert audited(ledger).breaches == ()


# --- the faults


@dataclass(frozen=True)
class Planted:
    """
    A fault that is written into the tables after a story, and how the audit tells it.
    """

    story: Story
    sql: str
    invariant: Invariant
    #: A part of what is told.
    told: str


_CLOSES = "(SELECT max(id) FROM evidence WHERE source = 'query' AND trade_status = 'CLOS')"

FAULTS = (
    # debts
    Planted(
        closed_freed_and_paid_by_another,
        f"UPDATE evidence SET trade_status = 'FINI' WHERE id = {_CLOSES}",
        I1,
        "24690 fen may be kept for P-1, 12345 owed",
    ),
    Planted(
        closed_freed_and_paid_by_another,
        "UPDATE payouts SET released_at = NULL WHERE out_trade_no = 'P-1'",
        I1,
        "12345 fen of P-1 are committed, and the payouts that hold it come to 24690",
    ),
    Planted(
        waiting,
        "UPDATE obligations SET committed_fen = 0",
        I1,
        "0 fen of P-1 are committed, and the payouts that hold it come to 12345",
    ),
    Planted(
        waiting,
        "UPDATE payouts SET obligation_id = NULL",
        I1,
        "it pays no debt on record",
    ),
    Planted(
        waiting,
        "UPDATE payouts SET obligation = 'P-9'",
        I1,
        "it pays P-1, and its job named P-9",
    ),
    # due times
    Planted(under_way, "UPDATE payouts SET next_query_at = NULL", I12, "never asked about again"),
    Planted(paid, "UPDATE payouts SET next_query_at = NULL", I12, "never asked about again"),
    Planted(
        under_way,
        "UPDATE payouts SET next_query_at = '2026-03-02 13:00:00.000000'",
        I12,
        "processing, and asked about no earlier than 2026-03-02 13:00Z",
    ),
    Planted(
        paid,
        "UPDATE payouts SET next_query_at = '2999-01-01 00:00:00.000000'",
        I12,
        "paid, and asked about no earlier than 2999-01-01 00:00Z",
    ),
    Planted(waiting, "UPDATE payouts SET next_send_at = NULL", I12, "never due to be sent"),
    Planted(
        waiting,
        "UPDATE payouts SET next_send_at = '2999-01-01 00:00:00.000000'",
        I12,
        "queued, and due to be sent no earlier than 2999-01-01 00:00Z",
    ),
    Planted(
        paid,
        "UPDATE payouts SET next_send_at = '2026-03-02 12:00:00.000000'",
        I12,
        "paid, and due to be sent",
    ),
    Planted(
        in_flight,
        "UPDATE payouts SET lease_until = '2999-01-01 00:00:00.000000'",
        I12,
        "held by a worker until 2999-01-01 00:00Z",
    ),
    # cases
    Planted(closed_after_success, "DELETE FROM cases", I13, "no case contradiction for evidence 3"),
    Planted(
        closed_after_success,
        "UPDATE cases SET closed_at = opened_at, evidence_id = 2",
        I13,
        "no case contradiction for evidence 3",
    ),
    Planted(without_result, "DELETE FROM cases", I13, "no case no_result for evidence 1"),
    Planted(
        without_result,
        "UPDATE cases SET kind = 'not_found'",
        I13,
        "no case no_result for evidence 1",
    ),
    Planted(
        notified_of_a_stranger,
        "DELETE FROM cases",
        I13,
        "notified, not in the ledger, and without a case",
    ),
    Planted(
        notified_of_a_stranger,
        "UPDATE evidence SET out_trade_no = 'P-1' WHERE out_trade_no = 'STRANGER'",
        I2,
        "a notification of it was never taken for its evidence",
    ),
    # what was decided on what JD told
    Planted(given_up, "DELETE FROM decisions", I10, "failed by cli:mei, without a decision"),
    Planted(given_up, "UPDATE decisions SET proof = '[]'", I10, "rests on evidence []"),
    Planted(given_up, "UPDATE decisions SET proof = '[99]'", I10, "rests on evidence [99]"),
    Planted(
        given_up, "UPDATE evidence SET verified = false", I10, "fail by cli:mei, which was not"
    ),
    Planted(
        given_up,
        "UPDATE evidence SET received_at = '2026-03-02 12:02:00.000000'",
        I10,
        "fail by cli:mei, which was not allowed",
    ),
    Planted(
        given_up,
        "UPDATE evidence SET meaning = 'processed', trade_no = 'JD-1'",
        I10,
        "fail by cli:mei, which was not allowed",
    ),
    Planted(
        closed_freed_and_paid_by_another,
        "DELETE FROM decisions",
        I10,
        "its obligation was freed without a decision on record",
    ),
    Planted(
        closed_freed_and_paid_by_another,
        f"UPDATE evidence SET asked_at = '2026-03-02 20:00:00.000000' WHERE id = {_CLOSES}",
        I10,
        "release by cli:mei, which was not allowed",
    ),
    Planted(
        closed_freed_and_paid_by_another,
        "UPDATE evidence SET asked_at = '2026-03-02 12:40:00.000000' WHERE id = 2;"
        "UPDATE evidence SET asked_at = '2026-03-03 12:50:00.000000' WHERE id = 3",
        I10,
        "JD must be asked anew first",
    ),
    Planted(
        closed_freed_and_paid_by_another,
        "UPDATE decisions SET at = '2026-03-03 13:30:00.000000'",
        I10,
        "its obligation was freed without a decision on record",
    ),
    Planted(
        replaced_in_part,
        "UPDATE evidence SET refund_fen = NULL",
        I10,
        "replace by cli:mei, which was not allowed",
    ),
    Planted(
        replaced_in_part,
        "UPDATE decisions SET proof = '[1]' WHERE action = 'replace'",
        I10,
        "replace by cli:mei rests on evidence [1]",
    ),
    # what was sent
    Planted(
        mended,
        "DELETE FROM decisions",
        I10,
        "sent again after a refusal, without a decision on record",
    ),
    Planted(
        sent_again,
        "UPDATE evidence SET meaning = 'no_result' WHERE id = 1",
        I10,
        "sent again, though JD had not said that it does not have it",
    ),
    Planted(
        sent_again,
        "UPDATE evidence SET received_at = '2026-03-02 14:00:00.000000'",
        I10,
        "sent again, though JD had not said that it does not have it",
    ),
    Planted(
        sent_again,
        "UPDATE evidence SET received_at = '2026-03-02 12:05:00.000000' WHERE id = 3",
        I10,
        "sent, though JD had told of it",
    ),
    # what two people decided
    Planted(
        decided_by_two,
        "UPDATE decisions SET proposal_id = NULL WHERE action = 'decide'",
        I10,
        "decided by cli:mei (uid 1002), without an approved proposal on record",
    ),
    Planted(
        decided_by_two,
        "DELETE FROM decisions WHERE action = 'decide'",
        I10,
        "proposal 1 is approved, without a decision on record",
    ),
    Planted(
        decided_by_two,
        "UPDATE proposals SET approved_uid = 1001",
        I10,
        "another person must",
    ),
    Planted(
        decided_by_two,
        "UPDATE people SET removed_at = '2026-03-04 12:00:00.000000' WHERE uid = 1002",
        I10,
        "uid 1002 may not approve",
    ),
    Planted(
        decided_by_two,
        "UPDATE people SET added_at = '2026-03-05 12:00:00.000000' WHERE uid = 1001",
        I10,
        "1001 is no registered user",
    ),
    Planted(
        decided_by_two,
        "INSERT INTO services (uid, first_seen_at) VALUES (1002, '2026-03-02 12:00:00.000000')",
        I10,
        "uid 1002 may not approve",
    ),
    Planted(
        decided_by_two,
        "UPDATE payouts SET lease_ended_at = '2026-03-04 12:00:00.000000'",
        I10,
        "two people decide no earlier",
    ),
    Planted(
        decided_by_two,
        "UPDATE evidence SET asked_at = '2026-03-02 14:00:00.000000'",
        I10,
        "JD must be asked anew first",
    ),
    Planted(
        decided_by_two,
        "UPDATE proposals SET evidence_id = 1",
        I10,
        "the newest evidence was another when it was proposed",
    ),
    Planted(
        decided_by_two,
        "UPDATE decisions SET proof = '[]' WHERE action = 'decide'",
        I10,
        "decided on evidence [], and proposed on [2]",
    ),
)


@pytest.mark.parametrize(
    "planted", FAULTS, ids=[f"{f.invariant}-{f.story.__name__}-{n}" for n, f in enumerate(FAULTS)]
)
def test_what_was_written_past_the_rules_is_found(
    engine: sa.Engine, clock: VirtualClock, planted: Planted
) -> None:
    """
    Each fault is told under its promise, in words that say what is wrong.
    """
    ledger = SqlLedger(engine, KEYRING, clock.told)
    planted.story(ledger, clock)
    assert audited(ledger).breaches == ()

    with engine.begin() as conn:
        take_fences_away(conn)
        for statement in planted.sql.split(";"):
            assert conn.execute(sa.text(statement)).rowcount > 0

    found = audited(ledger)
    told = [b.detail for b in found.breaches if b.invariant is planted.invariant]
    assert any(planted.told in detail for detail in told), found.breaches


def test_only_what_changed_is_looked_at(engine: sa.Engine, clock: VirtualClock) -> None:
    """
    A fault in a payout that nobody has touched since is not.
    """
    ledger = SqlLedger(engine, KEYRING, clock.told)
    accepted(ledger)
    since = clock.advance(minutes=1)
    accepted(ledger, "P-2")
    with engine.begin() as conn:
        conn.execute(sa.text("UPDATE payouts SET next_send_at = NULL"))
    heard: list[int] = []

    found = Auditor(ledger, LIMITS).audit(heard.append, since)
    assert (found.payouts, [b.out_trade_no for b in found.breaches]) == (1, ["P-2"])
    assert heard == [2]
    later = Auditor(ledger, LIMITS).audit(since=since + timedelta(seconds=1))
    assert (later.payouts, later.breaches) == (0, ())


def test_breaches_are_counted_where_there_is_no_room_for_them(
    engine: sa.Engine, clock: VirtualClock
) -> None:
    """
    A thousand are kept.
    """
    ledger = SqlLedger(engine, KEYRING, clock.told)
    for place in range(1_003):
        accepted(ledger, f"P-{place}")
    with engine.begin() as conn:
        conn.execute(sa.text("UPDATE payouts SET next_send_at = NULL"))

    found = audited(ledger)
    assert (found.breached, len(found.breaches), found.payouts) == (1_003, 1_000, 1_003)
