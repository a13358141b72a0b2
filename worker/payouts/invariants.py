"""
What must always hold, named in one place: the audit, the tests and the simulation all ask here.

Pure: each check looks at what is recorded of one payout, or at the gateway's books beside it.
"""

import enum
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from worker.payouts.attention import missing_cases, wrong_due_times
from worker.payouts.debts import overpaid, wrong_debt
from worker.payouts.grounds import unproven
from worker.payouts.hold import BY_PEOPLE, HELD_BACK
from worker.payouts.journal import FROM_A_JOURNAL
from worker.payouts.limits import Limits
from worker.payouts.model import Case, CaseKind, Dossier, Obligation, Payout, Transition
from worker.payouts.people import Registrations
from worker.payouts.policy.facts import Facts, gather_facts
from worker.payouts.policy.state import derive_status
from worker.payouts.record import Record
from worker.payouts.status import TRANSITIONS, PayoutStatus, Reason


class Invariant(enum.StrEnum):
    """
    The promises, by the names that reports and tests use.
    """

    #: Debits minus refunds for one obligation never exceed what is owed; no number twice.
    I1_PAID_ONCE = "I1"
    #: Every accepted job ends in one final status or an open case; every other has a rejection.
    I2_NOTHING_LOST = "I2"
    #: A final status only moves up ``failed < paid < returned``; contradictions have a case.
    I3_ONLY_UP = "I3"
    #: A payout leaves `unknown` only with evidence; an exposed one is never queued or withdrawn.
    I4_UNKNOWN_IS_HONEST = "I4"
    #: Every change of status has its transition, and replaying them gives the status.
    I5_HISTORY_IS_WHOLE = "I5"
    #: All stored evidence is judged, and judging all of it gives what the row says.
    I6_ORDER_DOES_NOT_MATTER = "I6"
    #: No status comes from anything unsigned, or signed about something else.
    I7_SIGNED_ONLY = "I7"
    #: Once faults stop, every payout becomes final or has an open case within its schedule.
    I8_COMES_TO_REST = "I8"
    #: No connection is made outside an owned lease that outlasts the deadline.
    I9_ONE_AT_A_TIME = "I9"
    #: What is sent again, ended by hand or freed has its proof, which held when it was decided.
    I10_RELEASED_WITH_PROOF = "I10"
    #: What a control holds has a case and is not due; only a person lets it go.
    I11_HELD_FOR_A_PERSON = "I11"
    #: What has no end yet is due at a time that its state demands: none rests in silence.
    I12_NEVER_FORGOTTEN = "I12"
    #: Every contradiction and dead end in what is known has a case, or a person closed it.
    I13_A_PERSON_KNOWS = "I13"
    #: What is recorded is what was written: nothing was changed, made up, taken away or put back.
    I14_AS_WRITTEN = "I14"


@dataclass(frozen=True, slots=True)
class Breach:
    """
    A promise that was not kept.
    """

    invariant: Invariant
    out_trade_no: str
    detail: str

    def __str__(self) -> str:
        return f"{self.invariant} {self.out_trade_no}: {self.detail}"


def of_payout(
    dossier: Dossier,
    history: Sequence[Transition],
    cases: Sequence[Case],
    now: datetime,
    limits: Limits,
) -> Iterator[Breach]:
    """
    Check what one payout's own rows can show. `history` is oldest first; `cases` hold closed ones.

    Evidence that is not judged yet, as for a moment while a worker runs, is a breach of I6 here:
    ask again once things are at rest.
    """
    facts = gather_facts(dossier)
    checks = (
        (Invariant.I3_ONLY_UP, _only_up(facts, history, cases)),
        (Invariant.I4_UNKNOWN_IS_HONEST, _honest(facts, history)),
        (Invariant.I5_HISTORY_IS_WHOLE, _whole_history(dossier, history)),
        (Invariant.I6_ORDER_DOES_NOT_MATTER, _weighed(facts, now, limits)),
        (Invariant.I7_SIGNED_ONLY, _signed(dossier, history)),
        (Invariant.I9_ONE_AT_A_TIME, _one_at_a_time(dossier)),
        (Invariant.I11_HELD_FOR_A_PERSON, _held(dossier, history)),
        (Invariant.I12_NEVER_FORGOTTEN, wrong_due_times(facts, now, limits)),
        (Invariant.I13_A_PERSON_KNOWS, missing_cases(facts, cases, limits)),
    )
    yield from _breaches(dossier.payout, checks)


def of_record(
    record: Record, registrations: Registrations, now: datetime, limits: Limits
) -> Iterator[Breach]:
    """
    Check the same, and the debt of a payout, and what was decided of it.
    """
    yield from of_payout(record.dossier, record.history, record.cases, now, limits)
    checks = (
        (Invariant.I1_PAID_ONCE, wrong_debt(record.payout, record.debt)),
        (Invariant.I10_RELEASED_WITH_PROOF, unproven(record, registrations)),
    )
    yield from _breaches(record.payout, checks)


def of_debt(obligation: Obligation, dossiers: Sequence[Dossier]) -> Iterator[Breach]:
    """
    Check I1 by our own rows: what may be kept of all payouts of a debt. The youngest is named.
    """
    checks = [(Invariant.I1_PAID_ONCE, overpaid(obligation, dossiers))]
    yield from _breaches(dossiers[-1].payout, checks)


def _breaches(
    payout: Payout, checks: Iterable[tuple[Invariant, Iterator[str]]]
) -> Iterator[Breach]:
    for invariant, details in checks:
        for detail in details:
            yield Breach(invariant, payout.out_trade_no, detail)


def at_rest(dossier: Dossier) -> Iterator[Breach]:
    """
    Check I8 and I2 for a payout whose faults are over and whose schedule has passed.
    """
    payout = dossier.payout
    if not payout.status.is_final and not dossier.open_cases:
        yield Breach(
            Invariant.I8_COMES_TO_REST, payout.out_trade_no, f"{payout.status}, without a case"
        )


def of_books(
    debits: Mapping[str, int], kept_fen: Mapping[str, int], owed: Mapping[str, tuple[str, int]]
) -> Iterator[Breach]:
    """
    Check I1 in the gateway's books.

    `debits` counts the debits of each number; `kept_fen` is debits minus what came back, by number;
    `owed` names each number's obligation and amount. What is owed for an obligation is the largest
    of these amounts: a replacement after a partial return is smaller.
    """
    for number, times in debits.items():
        if times > 1:
            yield Breach(Invariant.I1_PAID_ONCE, number, f"debited {times} times")
        if number not in owed:
            yield Breach(Invariant.I2_NOTHING_LOST, number, "debited, and not in the ledger")
    whole: dict[str, int] = {}
    for obligation, amount_fen in owed.values():
        whole[obligation] = max(amount_fen, whole.get(obligation, 0))
    paid: dict[str, int] = {}
    for number, fen in kept_fen.items():
        if number in owed:
            obligation, _ = owed[number]
            paid[obligation] = paid.get(obligation, 0) + fen
            if paid[obligation] > whole[obligation]:
                detail = f"{paid[obligation]} fen paid for {obligation}, {whole[obligation]} owed"
                yield Breach(Invariant.I1_PAID_ONCE, number, detail)


def _only_up(facts: Facts, history: Sequence[Transition], cases: Sequence[Case]) -> Iterator[str]:
    for move in history:
        if move.from_status is not None and move.to_status not in TRANSITIONS[move.from_status]:
            yield f"moved from {move.from_status} to {move.to_status}"
        fell = (move.from_status, move.to_status) == (PayoutStatus.FAILED, PayoutStatus.UNKNOWN)
        if fell and not any(a.detail == FROM_A_JOURNAL for a in facts.dossier.attempts):
            yield "left failed for unknown, and no forgotten claim turned up"
    closed_and_paid = {trade.status for trade in facts.trades}
    mixed = PayoutStatus.FAILED in closed_and_paid and closed_and_paid & {
        PayoutStatus.PAID,
        PayoutStatus.RETURNED,
    }
    judged = all(evidence.applied_at for evidence in facts.dossier.evidence)
    if mixed and judged and all(c.kind is not CaseKind.CONTRADICTION for c in cases):
        yield "closed and paid, without a case"


def _honest(facts: Facts, history: Sequence[Transition]) -> Iterator[str]:
    payout = facts.payout
    withdrawn = {PayoutStatus.QUEUED, PayoutStatus.HELD, PayoutStatus.CANCELLED}
    if payout.exposed and payout.status in withdrawn:
        yield f"exposed and {payout.status}"
    if facts.exposing and payout.status in withdrawn:
        yield f"may have reached JD, and is {payout.status}"
    for move in history:
        left = move.from_status is PayoutStatus.UNKNOWN
        decided = move.reason is Reason.DECIDED and move.actor not in _ROBOTS
        sent = move.to_status is PayoutStatus.SENDING
        if left and not sent and not decided and move.evidence_id is None:
            yield f"left unknown for {move.to_status} without evidence"


def _whole_history(dossier: Dossier, history: Sequence[Transition]) -> Iterator[str]:
    status: PayoutStatus | None = None
    for move in history:
        if move.from_status is not status:
            yield f"a move from {move.from_status} follows one to {status}"
        status = move.to_status
    if status is not dossier.payout.status:
        yield f"history ends in {status}, the row says {dossier.payout.status}"


def _weighed(facts: Facts, now: datetime, limits: Limits) -> Iterator[str]:
    payout = facts.payout
    waiting = [e.id for e in facts.dossier.evidence if e.applied_at is None]
    if waiting:
        yield f"evidence {waiting} is not judged"
        return
    told = derive_status(replace(facts, dossier=_afresh(facts.dossier)), now, limits)
    for name in ("status", "returned_fen", "exposed"):
        says, should = getattr(payout, name), getattr(told, name)
        local = name == "status" and {says, should} <= _LOCAL
        given_up = name == "status" and _is_given_up(payout) and should.rank < says.rank
        if says != should and not local and not given_up:
            yield f"{name} is {says}, and judging all evidence gives {should}"


#: Statuses that no evidence gives or takes: people and controls do.
_LOCAL = frozenset({PayoutStatus.QUEUED, PayoutStatus.HELD, PayoutStatus.CANCELLED})


def _is_given_up(payout: Payout) -> bool:
    """
    Whether a person ended it on JD's refusal: that remains until JD tells of a higher status.
    """
    return payout.reason is Reason.FAILED_BY_HAND and not payout.exposed


def _afresh(dossier: Dossier) -> Dossier:
    """
    The dossier as if nothing had been judged yet, so that the row is not compared with itself.
    """
    began = PayoutStatus.SENDING if dossier.attempts else PayoutStatus.QUEUED
    row = replace(
        dossier.payout, status=began, reason=Reason.ACCEPTED, returned_fen=0, trade_no=None
    )
    return replace(dossier, payout=row)


def _signed(dossier: Dossier, history: Sequence[Transition]) -> Iterator[str]:
    payout = dossier.payout
    ours = (payout.terms.customer_no, payout.out_trade_no, payout.amount_fen, payout.currency)
    stored = {evidence.id: evidence.answer for evidence in dossier.evidence}
    for move in history:
        if move.evidence_id is None:
            if move.to_status.rank > PayoutStatus.UNKNOWN.rank and move.actor in _ROBOTS:
                yield f"{move.to_status} without evidence"
            continue
        answer = stored.get(move.evidence_id)
        if answer is None or not answer.verified:
            yield f"{move.to_status} from something unsigned"
            continue
        named = (answer.merchant, answer.number, answer.amount_fen, answer.currency)
        # A duplicate answer leaves it unknown whose the trade is: that believes no status.
        believed = move.to_status.rank > PayoutStatus.UNKNOWN.rank
        if believed and answer.trade_status is not None and named != ours:
            yield f"{move.to_status} from a message about something else"


#: Actors that are programs: what they move needs evidence.
_ROBOTS = frozenset({"worker", "receiver"})


def _one_at_a_time(dossier: Dossier) -> Iterator[str]:
    ends: datetime | None = None
    for attempt in dossier.attempts:
        if attempt.detail == FROM_A_JOURNAL:
            continue  # it was made in a history that this database has lost
        if ends is not None and attempt.started_at < ends:
            yield f"attempt {attempt.number} began before the one before it had ended"
        ends = attempt.closed_at or ends
    if sum(attempt.closed_at is None for attempt in dossier.attempts) > 1:
        yield "two attempts are under way"


def _held(dossier: Dossier, history: Sequence[Transition]) -> Iterator[str]:
    payout = dossier.payout
    if payout.status is PayoutStatus.HELD:
        if payout.next_send_at is not None:
            yield "held, and due to be sent"
        if all(case.kind not in HELD_BACK for case in dossier.open_cases):
            yield "held, without a case that says why"
    for move in history:
        freed = move.from_status is PayoutStatus.HELD and move.to_status is PayoutStatus.QUEUED
        if freed and (move.reason not in BY_PEOPLE or move.actor in _ROBOTS):
            yield f"put into the queue by {move.actor} ({move.reason}), not let go by a person"
