"""
What people do: decide about a payout or a case, and stop or start the sending.

Each action is legal in certain states only, and is recorded with who and why; none of them pays.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from worker.payouts.errors import AmbiguousNumber, NoSuchPayout, NotAllowed
from worker.payouts.health import Looked
from worker.payouts.model import Case, Dossier, Order, Payout, Terms
from worker.payouts.policy.actions import (
    CLOSED_BY,
    Action,
    Recorded,
    check_open,
    check_resolve,
    decide,
    legal,
    may_replace,
)
from worker.payouts.policy.controls import ReviewList, needs_review
from worker.payouts.policy.obligation import expired
from worker.payouts.policy.obligation import faults as replacement_faults
from worker.payouts.policy.provenance import unsealed
from worker.payouts.policy.redirection import redirection
from worker.usecases.ports import ActionLedger, PayoutReads, Reads


@dataclass(frozen=True, slots=True)
class Done:
    """
    What came of an action.
    """

    payout: Payout
    decision: Recorded
    #: The payout that pays the obligation instead.
    replacement: Payout | None = None


def find_payout(ledger: Reads, number: str) -> int:
    """
    The id of the one payout that has this order number, or else this id.

    Raises `NoSuchPayout`, or `AmbiguousNumber` where several merchants have it.
    """
    found = ledger.numbered(number)
    if len(found) > 1:
        ids = ", ".join(str(payout.id) for payout in found)
        raise AmbiguousNumber(
            f"several merchants have a payout {number}: name one of them by its id, {ids}"
        )
    if found:
        return found[0].id
    if number.isascii() and number.isdigit() and len(number) < 19:
        try:
            ledger.number_of(int(number))
        except NoSuchPayout:
            pass
        else:
            return int(number)
    raise NoSuchPayout(
        f"there is no payout {number}; if its job was just enqueued, no worker has taken it yet, or"
        " it was rejected (`payouts rejections`)"
    )


def done(ledger: ActionLedger, payout_id: int) -> Done:
    """
    A payout after the decision that was made of it last.
    """
    *_, recorded = ledger.decisions(payout_id)
    return Done(ledger.dossier(payout_id).payout, recorded)


def dossier_of(ledger: PayoutReads, case: Case) -> Dossier | None:
    """
    What an open case is about; None for an orphan, and for a closed case, which nothing closes.
    """
    if case.payout_id is None or case.closed_at is not None:
        return None
    return ledger.dossier(case.payout_id)


def closing_actions(ledger: PayoutReads, case: Case) -> tuple[Action, ...]:
    """
    The actions that close a case as things are.
    """
    return legal(case, dossier_of(ledger, case))


class Operator:
    """
    One person at work. `who` is how records name them.
    """

    def __init__(self, ledger: ActionLedger, who: str) -> None:
        self._ledger = ledger
        self._who = who

    def act(self, action: Action, payout_id: int, why: str, *, case_id: int | None = None) -> Done:
        """
        Take an action on a payout.

        Raises `NotAllowed`, which says what is missing, or `StaleTransition`.
        """
        dossier = self._ledger.dossier(payout_id)
        self._ledger.carry_out(dossier, decide(action, dossier, self._who, why, case_id))
        return self._done(payout_id)

    def resend_at(self, payout_id: int, terms: Terms, why: str) -> Done:
        """
        Send a refused payout again, and ask about it, at the address of these terms from now on.

        JD booked nothing, so nothing of it can be known at the old address. Raises `NotAllowed` or
        `StaleTransition`.
        """
        dossier = self._ledger.dossier(payout_id)
        told = self._told_at(dossier.payout, terms, why)
        decision = decide(Action.RESEND, dossier, self._who, told)
        self._ledger.carry_out(dossier, replace(decision, gateway_url=terms.gateway_url))
        return self._done(payout_id)

    def redirect(self, payout_id: int, terms: Terms, why: str) -> Done:
        """
        Send a payout, and ask about it, at the address of these terms from now on.

        It is for an address of JD's that has changed. Raises `NotAllowed` or `StaleTransition`.
        """
        dossier = self._ledger.dossier(payout_id)
        told = self._told_at(dossier.payout, terms, why)
        self._ledger.carry_out(dossier, redirection(dossier.payout, terms, self._who, told))
        return self._done(payout_id)

    def _told_at(self, payout: Payout, terms: Terms, why: str) -> str:
        """
        The reason, with the address. Raises `NotAllowed` if that is another merchant's.
        """
        if terms.customer_no != payout.terms.customer_no:
            raise NotAllowed("it is another merchant's: these settings name another's gateway")
        return f"{why} (from now on at {terms.gateway_url})"

    def close_case(self, case_id: int, action: Action, why: str) -> tuple[Case, Done | None]:
        """
        Close a case, by an action on its payout or because someone has looked into it.

        Raises `NotAllowed` if the action does not close such a case.
        """
        case = self._ledger.case(case_id)
        if action not in CLOSED_BY[case.kind]:
            known = ", ".join(sorted(CLOSED_BY[case.kind]))
            raise NotAllowed(f"{action} does not close a case of {case.kind}; it takes {known}")
        if action is Action.REPLACE:
            raise NotAllowed("replacing takes the new job: `payouts replace NUMBER FILE`")
        if action is Action.DECIDE:
            raise NotAllowed("two people decide, on proof: `payouts decide NUMBER --as ...`")
        check_open(case)
        done = None
        if action is not Action.RESOLVE and case.payout_id is not None:
            done = self.act(action, case.payout_id, why, case_id=case_id)
        else:
            check_resolve(case, dossier_of(self._ledger, case))
            self._ledger.close_case(case, self._who, why)
        return self._ledger.case(case_id), done

    def check_replaceable(self, payout_id: int, terms: Terms) -> None:
        """
        Raise `NotAllowed` unless another payout may pay the obligation of this one.
        """
        dossier = self._ledger.dossier(payout_id)
        if terms.customer_no != dossier.payout.terms.customer_no:
            raise NotAllowed("it is another merchant's: these settings cannot pay instead")
        may_replace(dossier, self._who, "")

    def misfits(
        self,
        payout: Payout,
        *,
        out_trade_no: str | None,
        obligation: object,
        amount_fen: object,
        send_before: datetime | None,
    ) -> tuple[str, ...]:
        """
        What a job's own rules do not know: why it cannot pay instead of a payout.

        A job that breaks its own rules is looked at all the same, so its fields may be anything.
        """
        dossier = self._ledger.dossier(payout.id)
        faults = [
            *replacement_faults(
                dossier, out_trade_no=out_trade_no, obligation=obligation, amount_fen=amount_fen
            )
        ]
        found = out_trade_no and self._ledger.find(payout.terms.customer_no, out_trade_no)
        if found and found.id != payout.id:
            faults.append("out_trade_no: another payout has this number")
        return (*faults, *expired(send_before, self._ledger.now()))

    def replace(
        self,
        payout_id: int,
        order: Order,
        terms: Terms,
        why: str,
        review_list: ReviewList,
        duplicates_within: timedelta = timedelta(0),
    ) -> Done:
        """
        Free a payout's obligation and accept the order that pays it instead; both or neither.

        A person decides that it is paid, not to whom: a payee on the review list is held as ever,
        and where money moves, only its producer's seal says whom to pay. Raises `NotAllowed` or
        `StaleTransition`.
        """
        if unsealed(terms) is not None:
            raise NotAllowed(
                "with real money nobody but the producer says whom to pay: `payouts release` frees"
                " the obligation, and the producer seals a new job for it"
            )
        self.check_replaceable(payout_id, terms)
        dossier = self._ledger.dossier(payout_id)
        decision = may_replace(dossier, self._who, why)
        order = replace(order, producer=dossier.payout.producer)
        for_review = needs_review(order, review_list)
        new_id = self._ledger.replace(
            dossier,
            decision,
            order,
            terms,
            for_review=for_review,
            duplicates_within=duplicates_within,
        )
        return replace(self._done(payout_id), replacement=self._ledger.dossier(new_id).payout)

    def pause(self, customer_no: str, why: str) -> None:
        """
        Stop sending for one merchant, resends included. Changes no payout.
        """
        self._ledger.pause(customer_no, why, self._who)

    def resume(self, customer_no: str, why: str) -> None:
        """
        Let sending go on.
        """
        self._ledger.resume(customer_no, why, self._who)

    def look(self, customer_no: str) -> Looked:
        """
        Take all rejections, and all notifications about others, as looked at; return how many.
        """
        return self._ledger.look(customer_no, self._who)

    def declare_restored(self, why: str, ask_first_for: timedelta) -> int:
        """
        Say that the database was restored; return how many payouts are unfinished.

        JD is asked about each of them, and nothing is sent before it has answered; for so long it
        is asked about what is accepted, too, before that is sent.
        """
        return self._ledger.begin_epoch(self._who, why, ask_first_for)

    def _done(self, payout_id: int) -> Done:
        return done(self._ledger, payout_id)
