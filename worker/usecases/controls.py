"""
People set controls: what a producer may have sent, and to whom nothing is sent.
"""

from dataclasses import replace

from worker.payouts.control_change import (
    ChangeKind,
    ControlChange,
    NewChange,
    ProducerLimits,
)
from worker.payouts.errors import NotAllowed
from worker.payouts.person import Person
from worker.usecases.ports import ControlLedger


class Controller:
    """
    One of them, at work.
    """

    def __init__(self, ledger: ControlLedger, person: Person) -> None:
        self._ledger = ledger
        self._person = person

    def limits(self, producer: str) -> ProducerLimits:
        """
        What a producer may have sent without a person's look.
        """
        return self._ledger.controls().limits.get(producer, ProducerLimits())

    def limit(self, producer: str, changes: dict[str, int | None], why: str) -> ControlChange:
        """
        Set those of a producer's limits that are named, or lift them by None.

        To lower one takes one person; to raise or lift one takes two, outside the sandbox. Raises
        `NoSuchProducer` or `NotAllowed`.
        """
        before = self.limits(producer)
        limits = replace(before, **changes)
        if limits == before:
            raise NotAllowed(f"producer {producer} has these limits already")
        return self._change(NewChange(ChangeKind.LIMITS, why, producer, limits))

    def deny(self, account_no: str, why: str) -> ControlChange:
        """
        Send nothing to a payee from now on. Raises `NotAllowed`.
        """
        return self._change(NewChange(ChangeKind.DENY, why, account_no=account_no))

    def allow(self, entry_id: int, why: str) -> ControlChange:
        """
        Take an entry off the deny list, which takes two people outside the sandbox.

        What was held for it stays so until it is let go. Raises `NotAllowed`.
        """
        return self._change(NewChange(ChangeKind.ALLOW, why, removes=entry_id))

    def confirm(self, why: str) -> ControlChange:
        """
        Let the records count as they stand, though someone wrote to the database beside us.

        Takes two people outside the sandbox. What waits is void. Raises `NotAllowed`.
        """
        return self._change(NewChange(ChangeKind.CONFIRM, why))

    def approve(self, change_id: int) -> ControlChange:
        """
        Let another person's change come into force. Raises `NoSuchProposal` or `NotAllowed`.
        """
        return self._ledger.approve_change(change_id, self._person)

    def decline(self, change_id: int, why: str) -> ControlChange:
        """
        Let what was proposed count no more. Raises `NoSuchProposal` or `NotAllowed`.
        """
        return self._ledger.decline_change(change_id, self._person, why)

    def _change(self, change: NewChange) -> ControlChange:
        return self._ledger.change_controls(change, self._person)
