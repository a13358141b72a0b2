"""
What may be told of a payout, as JSON: stable names, amounts in fen, times in UTC.

Of the payee nothing but the masked account; of free text nothing, since it may name someone.
"""

from collections.abc import Sequence

from worker.jdpay import codes
from worker.payouts.evidence import Evidence
from worker.payouts.job_keys import JobKey
from worker.payouts.limits import Limits
from worker.payouts.model import Attempt, Case, Payout, Rejection, Transition
from worker.payouts.people import Registered
from worker.payouts.policy.actions import Action, Recorded
from worker.payouts.producers import Producer, Token
from worker.payouts.proposal import Proposal
from worker.payouts.sealing_key import SealingKey
from worker.views.advice import Sending
from worker.views.formats import iso
from worker.views.history import Entry
from worker.views.texts import CASE_ADVICE, CASE_MEANINGS, MEANINGS

Document = dict[str, object]


def payout(payout: Payout) -> Document:
    """
    A payout's row.
    """
    return {
        "id": payout.id,
        "out_trade_no": payout.out_trade_no,
        "customer_no": payout.terms.customer_no,
        "profile": payout.terms.profile,
        "status": payout.status,
        "meaning": MEANINGS[payout.status],
        "reason": payout.reason,
        "amount_fen": payout.amount_fen,
        "returned_fen": payout.returned_fen,
        "currency": payout.currency,
        "payee_masked": payout.payee_masked,
        "bank_code": payout.bank_code,
        "obligation": payout.obligation,
        "producer": payout.producer,
        "job_key": payout.job_key,
        "trade_no": payout.trade_no,
        "exposed": payout.exposed,
        "resends": payout.resends,
        "accepted_at": iso(payout.accepted_at),
        "updated_at": iso(payout.updated_at),
        "first_sent_at": iso(payout.first_sent_at),
        "last_sent_at": iso(payout.last_sent_at),
        "finalized_at": iso(payout.finalized_at),
        "send_before": iso(payout.send_before),
        "lease_until": iso(payout.lease_until),
        "next_send_at": iso(payout.next_send_at),
        "next_query_at": iso(payout.next_query_at),
    }


def attempt(attempt: Attempt) -> Document:
    """
    One transmission.
    """
    return {
        "number": attempt.number,
        "started_at": iso(attempt.started_at),
        "closed_at": iso(attempt.closed_at),
        "outcome": attempt.outcome,
        "detail": attempt.detail,
    }


def evidence(evidence: Evidence) -> Document:
    """
    One message of JD's: what it says, and what its codes mean.
    """
    answer = evidence.answer
    return {
        "id": evidence.id,
        "source": evidence.source,
        "verified": answer.verified,
        "code": answer.code or None,
        "code_says": codes.look_up(answer.code).says if answer.code else None,
        "code_remedy": codes.look_up(answer.code).remedy if answer.code else None,
        "trade_status": answer.trade_status,
        "trade_no": answer.trade_no,
        "reason_code": answer.reason_code,
        "reason_says": codes.reason(answer.reason_code).says if answer.reason_code else None,
        "reason_remedy": codes.reason(answer.reason_code).remedy if answer.reason_code else None,
        "amount_fen": answer.amount_fen,
        "refund_fen": answer.refund_fen,
        "asked_at": iso(evidence.asked_at),
        "received_at": iso(evidence.received_at),
        "applied_at": iso(evidence.applied_at),
    }


def transition(transition: Transition) -> Document:
    """
    One move.
    """
    return {
        "at": iso(transition.at),
        "from_status": transition.from_status,
        "to_status": transition.to_status,
        "reason": transition.reason,
        "learnt_from": transition.learnt_from,
        "evidence_id": transition.evidence_id,
        "actor": transition.actor,
    }


def entry(entry: Entry) -> Document:
    """
    One thing that happened to a payout; what else there is depends on its kind.
    """
    return {"at": iso(entry.at), "kind": entry.kind, **entry.facts}


def case(case: Case, actions: Sequence[Action]) -> Document:
    """
    Something that a person must look at, and what closes it as things are.
    """
    return {
        "id": case.id,
        "kind": case.kind,
        "meaning": CASE_MEANINGS[case.kind],
        "advice": "none: it is closed" if case.closed_at else CASE_ADVICE[case.kind],
        "customer_no": case.customer_no,
        "out_trade_no": case.out_trade_no,
        "payout_id": case.payout_id,
        "evidence_id": case.evidence_id,
        "opened_at": iso(case.opened_at),
        "closed_at": iso(case.closed_at),
        "actions": list(actions),
    }


def decision(decision: Recorded) -> Document:
    """
    What a person decided, and on what proof.
    """
    return {
        "id": decision.id,
        "at": iso(decision.at),
        "action": decision.action,
        "who": decision.who,
        "why": decision.why,
        "proof": list(decision.proof),
        "payout_id": decision.payout_id,
        "case_id": decision.case_id,
        "replaced_by": decision.replaced_by,
        "proposal_id": decision.proposal_id,
    }


def proposal(proposal: Proposal) -> Document:
    """
    A decision on outside proof: proposed, approved or void.
    """
    proof, approver = proposal.proof, proposal.approved_by
    return {
        "id": proposal.id,
        "payout_id": proposal.payout_id,
        "as": proof.end,
        "returned_fen": proof.returned_fen,
        "reference": proof.reference,
        "why": proof.why,
        "evidence_id": proposal.evidence_id,
        "proposed_by": proposal.proposed_by.who,
        "proposed_at": iso(proposal.proposed_at),
        "approved_by": approver and approver.who,
        "approved_at": iso(proposal.approved_at),
        "unchecked": proposal.unchecked,
        "unanswered_since": iso(proposal.unanswered_since),
        "voided_at": iso(proposal.voided_at),
        "voided_why": proposal.voided_why,
    }


def registered(user: Registered) -> Document:
    """
    A user who may decide with another.
    """
    return {
        "uid": user.uid,
        "name": user.name,
        "added_by": user.added_by,
        "added_why": user.added_why,
        "added_at": iso(user.added_at),
    }


def producer(producer: Producer) -> Document:
    """
    An application that has payouts made.
    """
    return {
        "name": producer.name,
        "added_by": producer.added_by,
        "added_at": iso(producer.added_at),
        "disabled_by": producer.disabled_by,
        "disabled_why": producer.disabled_why,
        "disabled_at": iso(producer.disabled_at),
    }


def job_key(key: JobKey) -> Document:
    """
    A key for jobs; never the secret.
    """
    return {
        "key": key.name,
        "kind": key.kind,
        "producer": key.producer,
        "added_by": key.added_by.who,
        "added_at": iso(key.added_at),
        "approved_by": None if key.approved_by is None else key.approved_by.who,
        "approved_at": iso(key.approved_at),
        "retired_by": key.retired_by,
        "retired_why": key.retired_why,
        "retired_at": iso(key.retired_at),
        "is_good": key.is_good,
    }


def token(token: Token) -> Document:
    """
    What a producer shows who it is by; never the secret.
    """
    return {
        "id": token.id,
        "producer": token.producer,
        "scope": token.scope,
        "name": token.name,
        "issued_by": token.issued_by,
        "issued_at": iso(token.issued_at),
        "expires_at": iso(token.expires_at),
        "revoked_by": token.revoked_by,
        "revoked_why": token.revoked_why,
        "revoked_at": iso(token.revoked_at),
    }


def sealing_key(key: SealingKey) -> Document:
    """
    What payee data is sealed with, by its public id.
    """
    return {
        "key": key.id,
        "seals": key.seals,
        "here": key.is_here,
        "current": key.is_current,
        "begun_at": iso(key.begun_at),
        "begun_by": key.begun_by,
        "retired_at": iso(key.retired_at),
        "retired_by": key.retired_by,
    }


def rejection(rejection: Rejection) -> Document:
    """
    An entry message that was not accepted.
    """
    return {
        "id": rejection.id,
        "rejected_at": iso(rejection.rejected_at),
        "reason": rejection.reason,
        "faults": list(rejection.faults),
        "out_trade_no": rejection.out_trade_no,
        "producer": rejection.producer,
        "size_bytes": rejection.size_bytes,
        "sha256": rejection.sha256,
    }


def sending(found: Sending, limits: Limits) -> Document:
    """
    One merchant's switch, what else stops its payouts, and how fast they go.
    """
    channel = found.channel
    return {
        "customer_no": channel.customer_no,
        "paused": channel.is_paused,
        "broken_until": iso(channel.broken_until),
        "paused_at": iso(channel.paused_at),
        "paused_why": channel.paused_why,
        "paused_by": channel.paused_by,
        "resumed_at": iso(channel.resumed_at),
        "resumed_why": channel.resumed_why,
        "resumed_by": channel.resumed_by,
        "unverifiable": channel.unverifiable,
        "in_doubt": found.in_doubt,
        "send_pace": str(limits.send_pace),
        "sends_due": found.sends_due,
        "query_pace": str(limits.query_pace),
        "queries_due": found.queries_due,
    }
