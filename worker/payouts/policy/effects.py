"""
What an operator's action does to a payout's row.
"""

from dataclasses import replace
from datetime import datetime

from worker.payouts.errors import NotAllowed
from worker.payouts.model import Dossier, Payout
from worker.payouts.policy.actions import Action, Decision
from worker.payouts.policy.controls import is_approved, wanted_at
from worker.payouts.proposal import Proposal
from worker.payouts.status import PayoutStatus, Reason, check_move
from worker.payouts.update import release

#: The actions that free an obligation, and so need an answer of JD's that is fresh.
FREEING = frozenset({Action.RELEASE, Action.REPLACE})


def take(action: Action, payout: Payout, now: datetime, gateway_url: str | None = None) -> Payout:
    """
    The row after an action that is legal; `gateway_url` is where it is sent and asked from now on.

    Raises `IllegalMove`, or `NotAllowed` if an obligation to be freed is free already.
    """
    if action in FREEING:
        if payout.released_at is None:
            return release(payout, now)
        if action is Action.RELEASE:
            raise NotAllowed("its obligation was freed before, for another payout to pay")
        # What has come back since then may be paid as well: the debt says how much.
        return replace(payout, version=payout.version + 1, updated_at=now)
    touched = replace(payout, version=payout.version + 1, updated_at=now)
    match action:
        case Action.CANCEL:
            return _end(touched, PayoutStatus.CANCELLED, Reason.CANCELLED, now)
        case Action.FAIL:
            return _end(touched, PayoutStatus.FAILED, Reason.FAILED_BY_HAND, now)
        case Action.LET_GO:
            check_move(payout.status, PayoutStatus.QUEUED)
            return replace(
                touched,
                status=PayoutStatus.QUEUED,
                reason=Reason.APPROVED if is_approved(payout) else Reason.LET_GO,
                next_send_at=now,
                let_go_at=now,
            )
        case Action.RESEND:
            again = wanted_at(payout, now)
            return _at(gateway_url, replace(touched, next_send_at=now, let_go_at=again))
        case Action.REDIRECT:
            return _redirect(_at(gateway_url, touched), now)
        case Action.SET_ASIDE:
            return replace(touched, set_aside_at=now)
        case Action.RELEASE | Action.REPLACE | Action.RESOLVE | Action.DECIDE:
            return touched


def _redirect(payout: Payout, now: datetime) -> Payout:
    """
    A row whose address has changed: asked about at once, where it is asked about at all.
    """
    asked = None if payout.next_query_at is None else now
    elsewhere = payout.exposed or payout.doubted_at is not None
    at = now if elsewhere else payout.redirected_at
    return replace(payout, redirected_at=at, next_query_at=asked, query_misses=0)


def _at(gateway_url: str | None, payout: Payout) -> Payout:
    terms = replace(payout.terms, gateway_url=gateway_url or payout.terms.gateway_url)
    return replace(payout, terms=terms)


def conclude(payout: Payout, proposal: Proposal, now: datetime) -> Payout:
    """
    The row of a payout whose end two people have decided. Raises `IllegalMove`.
    """
    status = proposal.proof.status(payout.amount_fen)
    check_move(payout.status, status)
    moved = status is not payout.status
    return replace(
        payout,
        status=status,
        reason=Reason.DECIDED if moved else payout.reason,
        version=payout.version + 1,
        returned_fen=max(payout.returned_fen, proposal.proof.returned_fen),
        finalized_at=now if moved else payout.finalized_at,
        next_send_at=None,
        next_query_at=now,
        query_misses=0,
        doubted_at=None,
        proposal_id=proposal.id,
        updated_at=now,
    )


def decision_on(dossier: Dossier, proposal: Proposal) -> Decision:
    """
    The record of what two people decided: it answers every case that is open.
    """
    assert proposal.approved_by is not None
    proof, first = proposal.proof, proposal.proposed_by.who
    told = f"{proof.end} on {proof.reference}: {proof.why} (proposed by {first})"
    if proposal.unanswered_since is not None:
        told += f" (JD silent since {proposal.unanswered_since:%Y-%m-%d %H:%M}Z)"
    if proposal.unchecked:
        told += " (in the sandbox profile nobody looked who they are)"
    ids = [case.id for case in dossier.open_cases]
    rests_on = () if proposal.evidence_id is None else (proposal.evidence_id,)
    return Decision(
        Action.DECIDE,
        proposal.approved_by.who,
        told,
        rests_on,
        next(iter(ids), None),
        tuple(ids[1:]),
        proposal_id=proposal.id,
    )


def _end(payout: Payout, status: PayoutStatus, reason: Reason, now: datetime) -> Payout:
    check_move(payout.status, status)
    return replace(payout, status=status, reason=reason, next_send_at=None, finalized_at=now)
