"""
The controls that people set, in the ledger in memory.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime

from tests.doubles.producers import MemoryProducers
from tests.doubles.proposals import MemoryProposals
from tests.doubles.rows import transactions
from worker.payouts.control_change import ControlChange, Controls, NewChange
from worker.payouts.errors import NoSuchProducer, NoSuchProposal
from worker.payouts.hold import Hold
from worker.payouts.masking import mask
from worker.payouts.model import Order, Payout
from worker.payouts.person import Person
from worker.payouts.policy.control_changes import (
    check_change,
    check_waiting,
    in_force,
    same_subject,
    takes_two_people,
)
from worker.payouts.policy.outside_proof import check_proposer, declined_by
from worker.payouts.policy.producer_limits import (
    ProducerDay,
    count,
    counts,
    day_of,
    exceeded,
    is_waived,
)
from worker.payouts.policy.two_people import check_second
from worker.payouts.profile import is_play_money
from worker.store.base import new_token


@transactions
class MemoryControls(MemoryProposals, MemoryProducers):
    """
    The register over a list. What was claimed in a day is counted anew each time.
    """

    profile = "sandbox"

    def __init__(
        self, clock: Callable[[], datetime], new_token: Callable[[], str] = new_token
    ) -> None:
        super().__init__(clock, new_token)
        self._changes: dict[int, ControlChange] = {}

    def controls(self) -> Controls:
        """
        What is in force.
        """
        return in_force(self._changes.values())

    def control_changes(self) -> Sequence[ControlChange]:
        """
        All changes, newest first, without whom they deny.
        """
        return [_shown(one) for one in reversed(self._changes.values())]

    def change_controls(self, change: NewChange, person: Person) -> ControlChange:
        """
        Change a control, or propose that. Raises `NotAllowed` or `NoSuchProducer`.
        """
        check_proposer(person, self.register(), self.profile)
        if change.producer is not None and change.producer not in self._producers:
            raise NoSuchProducer(f"there is no producer {change.producer}")
        check_change(change, self._changes.values())
        takes_two = takes_two_people(change, self.controls())
        for other in [*self._changes.values()]:
            if other.waits and same_subject(change, other.change):
                self._end_change(other, "another was proposed instead")
        masked = None if change.account_no is None else mask(change.account_no)
        number = next(self._ids["control_changes"])
        made = ControlChange(number, change, person, self._clock(), masked)
        self._changes[number] = made
        if not takes_two or is_play_money(self.profile):
            return self._enforce(made, person, unchecked=takes_two)
        return _shown(made)

    def approve_change(self, change_id: int, person: Person) -> ControlChange:
        """
        Let another person's change come into force. Raises `NoSuchProposal` or `NotAllowed`.
        """
        found = self._change(change_id)
        check_waiting(found)
        checked = check_second(found.proposed_by, person, self.register(), self.profile)
        return self._enforce(found, person, unchecked=not checked)

    def decline_change(self, change_id: int, person: Person, why: str) -> ControlChange:
        """
        Let what was proposed count no more. Raises `NoSuchProposal` or `NotAllowed`.
        """
        found = self._change(change_id)
        check_waiting(found)
        check_proposer(person, self.register(), self.profile)
        return self._end_change(found, declined_by(person, why))

    def _change(self, change_id: int) -> ControlChange:
        if change_id not in self._changes:
            raise NoSuchProposal(f"there is no change {change_id}")
        return self._changes[change_id]

    def _enforce(self, found: ControlChange, person: Person, *, unchecked: bool) -> ControlChange:
        now = self._clock()
        made = replace(found, approved_by=person, approved_at=now, unchecked=unchecked)
        self._changes[found.id] = made
        return _shown(made)

    def _end_change(self, found: ControlChange, why: str) -> ControlChange:
        void = replace(found, voided_at=self._clock(), voided_why=why)
        self._changes[found.id] = void
        return _shown(void)

    def _denies(self, order: Order) -> bool:
        return order.payee.account_no in self.controls().denied

    def _claim_hold(self, row: Payout) -> Hold | None:
        """
        What holds back a payout that is about to be claimed.
        """
        order, dossier = self._orders[row.id], self.dossier(row.id)
        if self._denies(order):
            return Hold.DENIED
        limits = self.controls().limits.get(row.producer)
        if limits is None or not counts(dossier) or is_waived(dossier):
            return None
        day, known = self._day(row.producer)
        is_new = _payee(order) not in known
        return exceeded(limits, day, row.amount_fen, is_new=is_new)

    def _day(self, producer: str) -> tuple[ProducerDay, set[tuple[str, str]]]:
        """
        What was claimed of a producer's today, and to whom at any time.
        """
        today = day_of(self._clock())
        day, known = ProducerDay(producer, today), set[tuple[str, str]]()
        sent = [row for row in self._rows.values() if row.producer == producer]
        claimed = [(row.first_sent_at, row) for row in sent if row.first_sent_at is not None]
        for at, row in sorted(claimed, key=lambda each: each[0]):
            payee = _payee(self._orders[row.id])
            if day_of(at) == today:
                amount_fen = 0 if row.released_at is not None else row.amount_fen
                day = count(day, amount_fen, is_new=payee not in known)
            known.add(payee)
        return day, known


def _shown(change: ControlChange) -> ControlChange:
    return replace(change, change=replace(change.change, account_no=None))


def _payee(order: Order) -> tuple[str, str]:
    return order.payee.account_no, order.payee.account_name
