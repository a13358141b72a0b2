"""
What a person may decide, and on what proof: the actions that evidence alone does not take.

Each action is legal in certain states only, and is recorded with who and why. None of them pays:
what is sent is always claimed by a worker, under all its guards.
"""

import enum
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from worker.payouts.errors import NotAllowed
from worker.payouts.hold import HELD_BACK, Hold
from worker.payouts.model import Case, CaseKind, Dossier
from worker.payouts.policy import proof
from worker.payouts.policy.controls import is_set_aside, over_a_limit
from worker.payouts.policy.description import what_it_is, why_not_free, why_not_replaced
from worker.payouts.policy.facts import Facts, gather_facts
from worker.payouts.policy.outside_proof import check_intact, check_undecided, or_two_people
from worker.payouts.policy.proof import Proof
from worker.payouts.status import PayoutStatus

#: What a rule finds: the proof that an action rests on. Raises `NotAllowed`.
Rule = Callable[[Facts], Proof]


class Action(enum.StrEnum):
    """
    What an operator may do to a payout.
    """

    CANCEL = "cancel"  #: withdraw one that was never exposed
    LET_GO = "let-go"  #: put one that a control held back into the queue
    RESEND = "resend"  #: send one again that JD refused for our fault, which is fixed
    FAIL = "fail"  #: end one that JD refused for our fault, and that shall not be sent again
    RELEASE = "release"  #: free its obligation, so that another payout may pay it
    REPLACE = "replace"  #: free its obligation, and accept the payout that pays it instead
    REDIRECT = "redirect"  #: ask about it, and send it, at another address from now on
    SET_ASIDE = "set-aside"  #: let others be sent, though JD does not answer for this one
    DECIDE = "decide"  #: say how it ended, with another person, where JD's word does not
    RESOLVE = "resolve"  #: close a case that a person has looked into; the status remains


#: Closes what JD's word may never settle: a person has looked, or two people decide.
_TOLD_BY_NOBODY = frozenset({Action.RESOLVE, Action.DECIDE})

#: Looking is not enough: it is sent or it is not. `RESOLVE` is for one that JD has after all.
_SENT_OR_NOT = frozenset({Action.LET_GO, Action.CANCEL, Action.RESOLVE})

#: What closes a case, beside the evidence: acting closes it. An action that is not here for a
#: kind waits until such a case is closed.
CLOSED_BY: dict[CaseKind, frozenset[Action]] = {
    **dict.fromkeys(
        (
            *(CaseKind.CONTRADICTION, CaseKind.VANISHED, CaseKind.SECOND_TRADE_NO),
            *(CaseKind.NUMBER_TAKEN, CaseKind.MISMATCH, CaseKind.RETURN_AMOUNT),
            *(CaseKind.NO_RESULT, CaseKind.NOT_FOUND, CaseKind.UNEXPECTED, CaseKind.FORGOTTEN),
        ),
        _TOLD_BY_NOBODY,
    ),
    CaseKind.PARTIAL_RETURN: _TOLD_BY_NOBODY | {Action.REPLACE},
    # A refused payout has no end by itself: giving it one is the answer.
    CaseKind.UNRESOLVED: _TOLD_BY_NOBODY | {Action.FAIL},
    # Looking lets it be claimed again, which asks the debt again.
    CaseKind.OVERPAYMENT: frozenset({Action.RESOLVE, Action.CANCEL}),
    CaseKind.STALE: _SENT_OR_NOT | {Action.RESEND, Action.FAIL},
    **dict.fromkeys((hold.case for hold in Hold), _SENT_OR_NOT),
    CaseKind.UNREADABLE: _TOLD_BY_NOBODY | {Action.CANCEL, Action.FAIL},
    CaseKind.TAMPERED: _TOLD_BY_NOBODY | {Action.CANCEL, Action.FAIL},
    CaseKind.ORPHAN: frozenset({Action.RESOLVE}),
}


@dataclass(frozen=True, slots=True)
class Decision:
    """
    One action with its reasons. `proof` names the evidence that it rests on.
    """

    action: Action
    who: str
    why: str
    proof: Proof = ()
    #: The case that the action closes.
    case_id: int | None = None
    #: Other cases that it answers as well: each is closed with a decision of its own.
    also_closes: tuple[int, ...] = ()
    #: Where the payout is sent and asked about from now on; None: where it was.
    gateway_url: str | None = None
    #: What two people decided on proof from outside.
    proposal_id: int | None = None
    #: The request that is sent from now on; None: the one that was.
    request: str | None = field(default=None, repr=False)

    @property
    def others(self) -> "tuple[Decision, ...]":
        """
        The decisions that close the other cases, with the same reasons.
        """
        return tuple(
            Decision(Action.RESOLVE, self.who, self.why, case_id=n, proposal_id=self.proposal_id)
            for n in self.also_closes
        )


@dataclass(frozen=True, slots=True)
class Recorded:
    """
    A decision as it was recorded.
    """

    id: int
    action: Action
    who: str
    why: str
    at: datetime
    proof: Proof = ()
    #: None for a case about a number that we do not have.
    payout_id: int | None = None
    case_id: int | None = None
    #: The payout that pays the obligation instead.
    replaced_by: int | None = None
    #: What two people decided on proof from outside.
    proposal_id: int | None = None


def decide(
    action: Action, dossier: Dossier, who: str, why: str, case_id: int | None = None
) -> Decision:
    """
    Return the decision about a payout if it is legal. Raises `NotAllowed`.

    It closes the case that is named, and what else it answers. `REPLACE` takes the new order
    besides, and `RESOLVE` a case: see `may_replace`, `check_resolve`.
    """
    if action not in _RULES:
        raise NotAllowed(f"{action} takes more than a payout")
    return _decision(action, _RULES[action], dossier, who, why, case_id)


def may_replace(dossier: Dossier, who: str, why: str) -> Decision:
    """
    Return the decision to have another payout pay instead, if that is legal. Raises `NotAllowed`.
    """
    return _decision(Action.REPLACE, _replace, dossier, who, why)


def check_open(case: Case) -> None:
    """
    Raise `NotAllowed` if a case is closed already.
    """
    if case.closed_at is not None:
        raise NotAllowed(f"case {case.id} is closed already")


def check_resolve(case: Case, dossier: Dossier | None) -> None:
    """
    Raise `NotAllowed` unless having looked closes the case. Orphans have no dossier.
    """
    check_open(case)
    held = dossier is not None and dossier.payout.status is PayoutStatus.HELD
    if case.kind in HELD_BACK and held:
        raise NotAllowed("it waits for a decision: `let-go` sends it after all, `cancel` does not")


def legal(case: Case, dossier: Dossier | None) -> tuple[Action, ...]:
    """
    The actions that close a case as things are. Orphans have no dossier.
    """
    return tuple(a for a in Action if a in CLOSED_BY[case.kind] and _is_legal(a, case, dossier))


def _is_legal(action: Action, case: Case, dossier: Dossier | None) -> bool:
    try:
        check_open(case)
        if action is Action.RESOLVE:
            check_resolve(case, dossier)
        elif dossier is None:
            return False
        elif action is Action.DECIDE:
            check_undecided(gather_facts(dossier))
        elif action is Action.REPLACE:
            may_replace(dossier, "", "")
        else:
            decide(action, dossier, "", "")
    except NotAllowed:
        return False
    return True


def _decision(
    action: Action,
    rule: Rule,
    dossier: Dossier,
    who: str,
    why: str,
    case_id: int | None = None,
) -> Decision:
    if any(evidence.applied_at is None for evidence in dossier.evidence):
        raise NotAllowed("JD has just told something of it; try again in a moment")
    others = [case for case in dossier.open_cases if action not in CLOSED_BY[case.kind]]
    if others:
        kinds = ", ".join(case.kind for case in others)
        raise NotAllowed(
            f"{what_it_is(dossier.payout)}, and a case is open ({kinds}): resolve it first"
        )
    facts = gather_facts(dossier)
    check_intact(facts)
    found = rule(facts)
    ids = [case.id for case in dossier.open_cases]
    if case_id is not None and case_id not in ids:
        raise NotAllowed(f"case {case_id} is closed already")
    named = next(iter(ids), None) if case_id is None else case_id
    why += over_a_limit(facts.payout) if action is Action.LET_GO else ""
    return Decision(action, who, why, found, named, tuple(n for n in ids if n != named))


def _cancel(facts: Facts) -> Proof:
    _need(facts, PayoutStatus.QUEUED, PayoutStatus.HELD)
    if facts.exposing or facts.trades:
        told = what_it_is(facts.payout)
        raise NotAllowed(f"{told}, and it may have reached JD, so it cannot be withdrawn")
    return ()


def _let_go(facts: Facts) -> Proof:
    _need(facts, PayoutStatus.HELD)
    return ()


def _fail(facts: Facts) -> Proof:
    _need_certainty(facts)
    return _refused(facts)


def _refused(facts: Facts) -> Proof:
    _need(facts, PayoutStatus.REFUSED, otherwise=or_two_people(facts))
    found = proof.refused(facts)
    if found is None:
        told = what_it_is(facts.payout)
        only = "so only JD's word can end it"
        raise NotAllowed(f"{told}, and JD may have it all the same, {only}{or_two_people(facts)}")
    return found


def _release(facts: Facts) -> Proof:
    _need_certainty(facts)
    return _free(facts, why_not_free(facts.payout))


def _replace(facts: Facts) -> Proof:
    _need_certainty(facts)
    part = proof.partly_returned(facts)
    return _free(facts, why_not_replaced(facts.payout)) if part is None else part


def _free(facts: Facts, otherwise: str) -> Proof:
    found = proof.unpaid(facts)
    if found is None:
        again = proof.closed_again_from(facts)
        raise NotAllowed(f"{otherwise}{or_two_people(facts)}", again)
    if not facts.payout.status.is_final:
        # Freed, it could be sent beside the one that pays instead.
        raise NotAllowed(f"{what_it_is(facts.payout)}, not ended: `payouts fail` comes first")
    return found


def _need_certainty(facts: Facts) -> None:
    """
    Refuse to take a restored row for proof; to withdraw or let go what it holds is no claim.
    """
    if facts.payout.doubted_at is not None:
        raise NotAllowed(
            f"{what_it_is(facts.payout)} in a database that was restored, and JD has not been heard"
            f" about it since: `payouts query` asks now{or_two_people(facts)}"
        )


def _need(facts: Facts, *statuses: PayoutStatus, otherwise: str = "") -> None:
    if facts.payout.status not in statuses:
        wanted = " or ".join(statuses)
        raise NotAllowed(f"{what_it_is(facts.payout)}; this needs {wanted}{otherwise}")


def _set_aside(facts: Facts) -> Proof:
    if facts.payout.doubted_at is None or is_set_aside(facts.payout):
        raise NotAllowed(f"{what_it_is(facts.payout)}, and holds up no other payout")
    return ()


_RULES: dict[Action, Rule] = {
    Action.SET_ASIDE: _set_aside,
    Action.CANCEL: _cancel,
    Action.LET_GO: _let_go,
    Action.RESEND: _refused,
    Action.FAIL: _fail,
    Action.RELEASE: _release,
}
