"""
What people decide: carried out, and recorded with who and why.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Protocol

from worker.payouts.health import Looked
from worker.payouts.model import Case, Dossier, Order, Terms
from worker.payouts.policy.actions import Decision, Recorded
from worker.usecases.ports.health import EpochLedger
from worker.usecases.ports.work import PayoutReads


class CaseReads(Protocol):
    """
    Cases, looked up.
    """

    def case(self, case_id: int) -> Case:
        """
        One case, open or closed. Raises `NoSuchCase`.
        """

    def cases(self, *, open_only: bool, limit: int) -> Sequence[Case]:
        """
        The newest cases.
        """

    def closing(self, case_id: int) -> Recorded | None:
        """
        The decision that closed a case; None while it is open.
        """

    def decisions(self, payout_id: int) -> Sequence[Recorded]:
        """
        What was decided about a payout, oldest first, and that it replaces another if it does.
        """


class ActionLedger(PayoutReads, CaseReads, EpochLedger, Protocol):
    """
    The ledger's share in what people decide. Every method is one transaction.
    """

    def carry_out(self, dossier: Dossier, decision: Decision) -> None:
        """
        Carry out and record what a person decided from `dossier`, guarded by its version.

        Moves the row, appends the transition, and closes the cases that the action answers. Raises
        `StaleTransition` if the version had moved on or a case is closed already, and `NotAllowed`
        if an obligation to be released is free already, or JD was not asked anew; nothing is
        written then.
        """

    def replace(
        self,
        dossier: Dossier,
        decision: Decision,
        order: Order,
        terms: Terms,
        *,
        for_review: bool = False,
        duplicates_within: timedelta = timedelta(0),
    ) -> int:
        """
        Release the obligation of a payout and accept the one that pays it instead; return its id.

        It is queued, or held, as `AcceptanceLedger.accept` has it.
        Raises `StaleTransition`, or `NotAllowed` if the obligation is free already, JD was not
        asked anew, the order does not fit or its number is taken; nothing is written then.
        """

    def close_case(self, case: Case, who: str, why: str) -> None:
        """
        Close a case that a person has looked into, and raise its payout's version.

        Raises `StaleTransition` if it is closed already.
        """

    def pause(self, customer_no: str, why: str, actor: str) -> None:
        """
        Stop sending for one merchant. Changes no payout.
        """

    def resume(self, customer_no: str, why: str, actor: str) -> None:
        """
        Let sending go on, and forget the count of unverifiable replies.
        """

    def look(self, customer_no: str, who: str) -> Looked:
        """
        Take all rejections, and all notifications about others, as looked at; return how many.
        """
