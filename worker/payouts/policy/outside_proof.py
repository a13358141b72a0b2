"""
When two people may decide how a payout ended, because JD's words never tell.

They wait until nothing can be under way any more, look at JD's latest answer, and what JD tells
between the two voids the first one's word.
"""

from datetime import datetime, timedelta

from worker.payouts.errors import NotAllowed
from worker.payouts.evidence import Evidence
from worker.payouts.model import Dossier, Payout
from worker.payouts.person import Person, Register
from worker.payouts.policy.description import what_it_is
from worker.payouts.policy.facts import Facts, gather_facts
from worker.payouts.policy.signs import beyond, news
from worker.payouts.policy.silence import FRESH_WITHIN, SILENT_AFTER, is_silent, silent_since
from worker.payouts.policy.two_people import check_second
from worker.payouts.profile import is_play_money
from worker.payouts.proposal import End, OutsideProof, Proposal
from worker.payouts.status import PayoutStatus

#: So long after the last lease ended nothing is decided: JD's own word may still come.
WAIT = timedelta(hours=24)

_NEVER_SENT = frozenset({PayoutStatus.QUEUED, PayoutStatus.HELD, PayoutStatus.CANCELLED})


def possible_from(payout: Payout) -> datetime | None:
    """
    From when two people may decide about a payout; None while it is under way.
    """
    if not payout.is_intact:
        # Whether a worker has it nobody can tell from its row.
        touched = (payout.accepted_at, payout.last_sent_at, payout.lease_until)
        return max(at for at in touched if at is not None) + WAIT
    if payout.lease_until is not None or payout.status is PayoutStatus.SENDING:
        return None
    return (payout.lease_ended_at or payout.accepted_at) + WAIT


def check_proof(dossier: Dossier, proof: OutsideProof, now: datetime) -> datetime | None:
    """
    Raise `NotAllowed` unless this may be decided of a payout at `now`.

    Return since when JD had been silent, where it rests on that; None where JD answered.
    """
    if any(evidence.applied_at is None for evidence in dossier.evidence):
        raise NotAllowed("JD has just told something of it; try again in a moment")
    facts = gather_facts(dossier)
    check_undecided(facts)
    _check_end(facts, proof)
    return _check_waits(facts, now)


def check_undecided(facts: Facts) -> None:
    """
    Raise `NotAllowed` for what one person can end: it never was with JD, and nothing says it is.
    """
    payout = facts.payout
    if not payout.is_intact:
        return
    if payout.status in _NEVER_SENT and not facts.exposing and not beyond(facts):
        ends = {PayoutStatus.CANCELLED: "`payouts release` frees its obligation"}
        remedy = ends.get(payout.status, "`payouts cancel` ends it")
        raise NotAllowed(f"{what_it_is(payout)}, and JD never had it: {remedy}")


def check_intact(facts: Facts) -> None:
    """
    Raise `NotAllowed` for a payout that is not what was written: no one person can act on that.
    """
    if not facts.payout.is_intact:
        raise NotAllowed(
            "someone wrote to the database beside us: what it says of this payout is not what was"
            f" written{or_two_people(facts)}"
        )


def or_two_people(facts: Facts) -> str:
    """
    That two people may end it instead, and from when; nothing where they may not, or need not.
    """
    silent, earliest = silent_since(facts), possible_from(facts.payout)
    if silent is not None and earliest is not None:
        earliest = max(earliest, silent + SILENT_AFTER)
    try:
        check_undecided(facts)
    except NotAllowed:
        return ""
    partly = 0 < facts.payout.returned_fen < facts.payout.amount_fen
    if earliest is None or partly or facts.payout.released_at is not None:
        return ""
    when = f"{earliest:%Y-%m-%d %H:%M}Z"
    return f". With proof from outside, two people may decide from {when} on: `payouts decide`"


def _check_end(facts: Facts, proof: OutsideProof) -> None:
    payout = facts.payout
    told = what_it_is(payout)
    if proof.status(payout.amount_fen).rank < payout.status.rank:
        instead = ""
        if proof.end is End.FAILED:
            instead = "; if the money is back, it is `--as returned`"
        raise NotAllowed(f"{told}, and no decision takes back what JD has told{instead}")
    if proof.end is not End.RETURNED:
        if proof.returned_fen:
            raise NotAllowed("--amount-fen says what came back, and goes with `--as returned`")
        return
    if not 0 < proof.returned_fen <= payout.amount_fen:
        raise NotAllowed(f"--amount-fen: from 1 to {payout.amount_fen} fen can have come back")
    if proof.returned_fen < payout.returned_fen:
        raise NotAllowed(f"{told}; what came back is told in all, and never falls")


def _check_waits(facts: Facts, now: datetime) -> datetime | None:
    payout = facts.payout
    earliest = possible_from(payout)
    if earliest is None:
        raise NotAllowed(f"{what_it_is(payout)}: a worker has it, and its end is not known yet")
    if now < earliest:
        raise NotAllowed(
            f"{what_it_is(payout)}, and JD's own word may still come: two people decide no earlier"
            f" than {WAIT // timedelta(hours=1)} hours after it was last under way",
            earliest,
        )
    heard, silent = facts.heard_at, silent_since(facts)
    if heard is not None and now - heard <= FRESH_WITHIN:
        return None
    if is_silent(facts, now):
        return silent
    minutes = FRESH_WITHIN // timedelta(minutes=1)
    if silent is not None and now - silent >= SILENT_AFTER:
        raise NotAllowed(
            f"JD has been silent about it since {silent:%Y-%m-%d %H:%M}Z, and must be asked anew"
            f" first: `payouts query` asks now, which counts for {minutes} minutes"
        )
    raise NotAllowed(
        "JD must be asked anew first, and answer, whatever it says: `payouts query` asks now; its"
        f" answer counts for {minutes} minutes. No answer will do once JD has been asked in vain"
        f" for {SILENT_AFTER // timedelta(hours=1)} hours",
        None if silent is None else silent + SILENT_AFTER,
    )


def voiding(dossier: Dossier, proposal: Proposal) -> tuple[Evidence, ...]:
    """
    What JD told since a proposal, and so voids it.
    """
    return news(gather_facts(dossier), proposal.evidence_id)


def check_proposer(person: Person, register: Register, profile: str) -> None:
    """
    Raise `NotAllowed` unless a decision may be this person's to propose.
    """
    if not is_play_money(profile) and not register.may_propose(person):
        raise NotAllowed(f"{person.uid} is no registered user: `payouts people add` registers one")


def check_approver(proposal: Proposal, person: Person, register: Register, profile: str) -> bool:
    """
    Whether another person than its proposer approves it, one who may: in the sandbox all may.

    Raises `NotAllowed` outside the sandbox.
    """
    return check_second(proposal.proposed_by, person, register, profile)


def declined_by(person: Person, why: str) -> str:
    """
    Why a proposal is void that a person declined.
    """
    return f"{person.who} declined it: {why}"


def check_waiting(proposal: Proposal) -> None:
    """
    Raise `NotAllowed` if a proposal was approved already, or is void.
    """
    if proposal.approved_at is not None:
        raise NotAllowed(f"proposal {proposal.id} is approved already")
    if proposal.voided_at is not None:
        raise NotAllowed(f"proposal {proposal.id} is void: {proposal.voided_why}")
