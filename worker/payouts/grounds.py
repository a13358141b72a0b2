"""
What people's decisions and workers' claims rested on when they were made, looked at again.

The policy's own rules judge what was known at that moment: a proof that was none then, or names
other evidence than the rule does, was not what it says.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

from worker.payouts.errors import NotAllowed
from worker.payouts.journal import FROM_A_JOURNAL
from worker.payouts.model import Attempt, AttemptOutcome, Dossier, Transition
from worker.payouts.people import Registrations
from worker.payouts.person import Register
from worker.payouts.policy.absence import denials
from worker.payouts.policy.actions import Action, Recorded, decide, may_replace
from worker.payouts.policy.effects import FREEING
from worker.payouts.policy.facts import gather_facts
from worker.payouts.policy.obligation import check_fresh
from worker.payouts.policy.outside_proof import (
    check_approver,
    check_proof,
    check_proposer,
    voiding,
)
from worker.payouts.policy.signs import beyond
from worker.payouts.proposal import Proposal
from worker.payouts.record import Record
from worker.payouts.status import PayoutStatus, Reason

#: The decision that each move by hand is made by.
_BY_HAND = {
    Reason.CANCELLED: Action.CANCEL,
    Reason.APPROVED: Action.LET_GO,
    Reason.LET_GO: Action.LET_GO,
    Reason.FAILED_BY_HAND: Action.FAIL,
    Reason.DECIDED: Action.DECIDE,
}
_OWN_MOVE = {action: reason for reason, action in _BY_HAND.items()}

#: The decisions that rest on what JD told.
_PROVEN = frozenset({Action.RESEND, Action.FAIL, Action.RELEASE, Action.REPLACE})


def unproven(record: Record, registrations: Registrations) -> Iterator[str]:
    """
    Every decision and claim of a payout that did not rest on what it needs.
    """
    made = [d for d in record.decisions if d.payout_id == record.payout.id]
    for move in record.history:
        yield from _of_move(record, move, made)
    yield from _release(record, made)
    for decision in made:
        if decision.action in _PROVEN:
            yield from _proof(record, decision)
        elif decision.action is Action.DECIDE:
            yield from _outside_proof(record, decision, registrations)
    yield from _uncarried(record, made)


def _of_move(record: Record, move: Transition, made: list[Recorded]) -> Iterator[str]:
    action = _BY_HAND.get(move.reason)
    if action and not any(d.action is action and d.at == move.at for d in made):
        yield f"{move.to_status} by {move.actor}, without a decision on record"
    if move.to_status is PayoutStatus.SENDING:
        yield from _claim(record, move, made)


def _release(record: Record, made: list[Recorded]) -> Iterator[str]:
    payout = record.payout
    if payout.released_at is None:
        return
    recalled = any(a.detail == FROM_A_JOURNAL for a in record.dossier.attempts)
    if recalled and payout.released_at == payout.accepted_at:
        return  # put back after a restore, when its debt had no room for it
    if not any(d.action in FREEING and d.at == payout.released_at for d in made):
        yield "its obligation was freed without a decision on record"


# --- what JD had told


def _claim(record: Record, move: Transition, made: list[Recorded]) -> Iterator[str]:
    """
    Nothing is sent that JD may know more of, and again only by its word or by a person's.
    """
    again = move.from_status is PayoutStatus.UNKNOWN
    if move.from_status is PayoutStatus.REFUSED and not _is_wanted(record, move.at, made):
        yield "sent again after a refusal, without a decision on record"
    told = any(e.received_at < move.at for e in record.dossier.evidence)
    if not told and not again:
        return
    facts = gather_facts(_as_of(record, move.at - _RESOLUTION))
    if beyond(facts):
        yield "sent, though JD had told of it"
    last = max((a.started_at for a in facts.dossier.attempts), default=move.at)
    denied = any(absent.asked_at > last for absent in denials(facts))
    if again and (facts.no_results or not denied):
        yield "sent again, though JD had not said that it does not have it"


def _is_wanted(record: Record, at: datetime, made: list[Recorded]) -> bool:
    """
    Whether a person wanted a refused payout sent again at that time, and JD was not reached since.
    """
    wanted = [d.at for d in made if d.action is Action.RESEND and d.at <= at]
    return bool(wanted) and not any(
        max(wanted) <= attempt.started_at < at
        and attempt.outcome is not AttemptOutcome.NOT_CONNECTED
        for attempt in record.dossier.attempts
    )


def _proof(record: Record, decision: Recorded) -> Iterator[str]:
    """
    A decision was allowed by what was known, with or without what came in its very moment.
    """
    known = _as_of(record, decision.at, _OWN_MOVE.get(decision.action))
    before = tuple(e for e in known.evidence if e.received_at < decision.at)
    views = [known] if before == known.evidence else [known, replace(known, evidence=before)]
    faults = [_fault(decision, view) for view in views]
    if all(faults):
        yield f"{decision.action} by {decision.who}{faults[0]}"


def _fault(decision: Recorded, dossier: Dossier) -> str:
    try:
        if decision.action is Action.REPLACE:
            needed = may_replace(dossier, decision.who, decision.why).proof
        else:
            needed = decide(decision.action, dossier, decision.who, decision.why).proof
        if decision.action in FREEING:
            check_fresh(dossier, decision.at)
    except NotAllowed as error:
        return f", which was not allowed: {error}"
    if needed == decision.proof:
        return ""
    return f" rests on evidence {[*decision.proof]}, and what proved it was {[*needed]}"


# --- what two people knew


def _outside_proof(
    record: Record, decision: Recorded, registrations: Registrations
) -> Iterator[str]:
    proposal = next((p for p in record.proposals if p.id == decision.proposal_id), None)
    if proposal is None or proposal.approved_at != decision.at:
        yield f"decided by {decision.who}, without an approved proposal on record"
        return
    newest = () if proposal.evidence_id is None else (proposal.evidence_id,)
    if decision.proof != newest:
        yield f"decided on evidence {[*decision.proof]}, and proposed on {[*newest]}"
    try:
        _check_proposal(record, proposal, registrations)
    except NotAllowed as error:
        yield f"proposal {proposal.id} was approved, which was not allowed: {error}"


def _check_proposal(record: Record, proposal: Proposal, registrations: Registrations) -> None:
    """
    Raise `NotAllowed` unless both people might do what they did, when they did it.
    """
    assert proposal.approved_at is not None
    assert proposal.approved_by is not None
    profile = record.payout.terms.profile
    silent = proposal.unanswered_since
    before = _as_of(record, proposal.proposed_at, Reason.DECIDED, silent)
    check_proposer(proposal.proposed_by, registrations.as_of(proposal.proposed_at), profile)
    check_proof(before, proposal.proof, proposal.proposed_at)
    if proposal.evidence_id != max((e.id for e in before.evidence), default=None):
        raise NotAllowed("the newest evidence was another when it was proposed")
    after = _as_of(record, proposal.approved_at, Reason.DECIDED, silent)
    if voiding(after, proposal):
        raise NotAllowed("JD had told more since it was proposed")
    check_proof(after, proposal.proof, proposal.approved_at)
    register: Register = registrations.as_of(proposal.approved_at)
    checked = check_approver(proposal, proposal.approved_by, register, profile)
    if not checked and not proposal.unchecked:
        raise NotAllowed("nobody looked who they are, and the record does not say so")


def _uncarried(record: Record, made: list[Recorded]) -> Iterator[str]:
    decided = {d.proposal_id for d in made if d.action is Action.DECIDE}
    for proposal in record.proposals:
        if proposal.approved_at is not None and proposal.id not in decided:
            yield f"proposal {proposal.id} is approved, without a decision on record"
    ended_by = record.payout.proposal_id
    if ended_by is not None and ended_by not in decided:
        yield f"ended by proposal {ended_by}, without a decision on record"


# --- what was known


_RESOLUTION = datetime.resolution


def _as_of(
    record: Record, at: datetime, own: Reason | None = None, silent: datetime | None = None
) -> Dossier:
    """
    What was known of a payout at a moment; `own` is why what was done then moved it.

    `silent` is since when JD had been asked in vain by then, by the record of what rested on it.
    """
    payout, dossier = record.payout, record.dossier
    moves = [m for m in record.history if m.at <= at and not (m.at == at and m.reason is own)]
    # What was done at the same moment came after: a clock that stands still tells no more.
    moves = [m for m in moves if m.at < at or m.to_status is not PayoutStatus.SENDING]
    status = max(moves, key=lambda move: move.id).to_status if moves else PayoutStatus.QUEUED
    ended_at = payout.lease_ended_at
    ended = [p for p in record.proposals if p.approved_at is not None and p.approved_at <= at]
    if own is Reason.DECIDED:
        ended = [p for p in ended if p.approved_at != at]
    decided = max(ended, key=lambda proposal: proposal.id, default=None)
    if silent is None and decided is not None:
        silent = decided.unanswered_since
    row = replace(
        payout,
        status=status,
        doubted_at=None,
        lease_ended_at=ended_at if ended_at is not None and ended_at <= at else None,
        unanswered_since=silent,
        unanswered_at=None if silent is None else at,
    )
    return Dossier(
        payout=row,
        attempts=tuple(_attempt(a, at) for a in dossier.attempts if _was_known(a, at)),
        evidence=tuple(
            replace(e, applied_at=e.received_at) for e in dossier.evidence if e.received_at <= at
        ),
        open_cases=(),
        decided=decided,
    )


def _was_known(attempt: Attempt, at: datetime) -> bool:
    if attempt.detail == FROM_A_JOURNAL:
        # The database had forgotten it until it was put back.
        return attempt.closed_at is not None and attempt.closed_at <= at
    return attempt.started_at < at


def _attempt(attempt: Attempt, at: datetime) -> Attempt:
    ended = attempt.closed_at is not None and attempt.closed_at <= at
    return attempt if ended else replace(attempt, closed_at=None, outcome=None)
