"""
What the ledger offers to the operators' desk: decisions carried out, and written down.
"""

from collections.abc import Sequence
from typing import Protocol

from worker.payouts.model import Case, Dossier, Order, Terms
from worker.payouts.policy.actions import Decision, Recorded


class Office(Protocol):
    """
    The ledger's share in what people decide. Every method is one transaction.
    """

    def decide(self, dossier: Dossier, decision: Decision) -> None:
        """
        Carry out and record what a person decided from `dossier`, guarded by its version.

        Moves the row, appends the transition, and closes the case that the action settles. Raises
        `StaleTransition` if the version had moved on, and `NotAllowed` if an obligation to be
        released is free already, or was paid in part by a payout before this one; nothing is
        written then.
        """

    def replace(self, dossier: Dossier, decision: Decision, order: Order, terms: Terms) -> int:
        """
        Release the obligation of a payout and accept the one that pays it instead; return its id.

        Raises `StaleTransition`, or `NotAllowed` if the obligation is free already, the order does
        not fit or its number is taken; nothing is written then.
        """

    def close_case(self, case: Case, who: str, why: str) -> None:
        """
        Close a case that a person has looked into, and raise its payout's version.

        Raises `StaleTransition` if it is closed already.
        """

    def decisions(self, payout_id: int) -> Sequence[Recorded]:
        """
        What was decided about a payout, oldest first, and that it replaces another if it does.
        """
