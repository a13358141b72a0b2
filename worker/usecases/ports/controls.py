"""
The register of the controls that people set.
"""

from collections.abc import Sequence
from typing import Protocol

from worker.payouts.control_change import ControlChange, Controls, NewChange
from worker.payouts.person import Person


class ControlLedger(Protocol):
    """
    Limits of producers, and the deny list. Every method is one transaction.

    A claim holds back what exceeds a limit or goes to a denied payee, in its own transaction; an
    acceptance the latter. A limited producer's claims are counted by day, in Beijing, at the first
    claim of each payout; a debt that is freed gives its room back on the same day.
    """

    def controls(self) -> Controls:
        """
        What is in force. Raises `BrokenSeal` where the records are not what was written.
        """

    def control_changes(self) -> Sequence[ControlChange]:
        """
        All changes, newest first, without whom they deny.
        """

    def change_controls(self, change: NewChange, person: Person) -> ControlChange:
        """
        Change a control, or propose that: what loosens one takes another person's approval.

        In the sandbox profile one person suffices, and the record says so. It takes the place of a
        proposal about the same that waits. Raises `NotAllowed` or `NoSuchProducer`.
        """

    def approve_change(self, change_id: int, person: Person) -> ControlChange:
        """
        Let another person's change come into force. Raises `NoSuchProposal` or `NotAllowed`.
        """

    def decline_change(self, change_id: int, person: Person, why: str) -> ControlChange:
        """
        Let what was proposed count no more. Raises `NoSuchProposal` or `NotAllowed`.
        """
