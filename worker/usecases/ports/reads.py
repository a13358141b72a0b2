"""
Looking things up: nothing here writes.
"""

from collections.abc import Iterable, Sequence, Set
from datetime import datetime
from typing import Protocol

from worker.payouts.channel import Channel
from worker.payouts.checkpoint import Checkpoint
from worker.payouts.model import Case, Dossier, Obligation, Payout, Rejection, Transition
from worker.payouts.record import Message, Records
from worker.payouts.status import PayoutStatus, Reason
from worker.usecases.ports.actions import CaseReads
from worker.usecases.ports.work import PayoutReads


class Reads(PayoutReads, CaseReads, Protocol):
    """
    What people and programs may look up.
    """

    def history(self, payout_id: int) -> Sequence[Transition]:
        """
        Every move, oldest first.
        """

    def cases_of(self, payout_id: int) -> Sequence[Case]:
        """
        All cases of one payout, closed ones included, oldest first.
        """

    def payouts(self, status: PayoutStatus | None, limit: int) -> Sequence[Payout]:
        """
        The newest payouts, optionally of one status.
        """

    def alike(self, status: PayoutStatus, reason: Reason | None) -> Sequence[Payout]:
        """
        All payouts of a status, and of one reason if it is named, oldest first.
        """

    def unreadable(self, payout_ids: Sequence[int]) -> Set[int]:
        """
        Those of these payouts whose order opens with no key at hand.
        """

    def count(self, status: PayoutStatus | None = None) -> int:
        """
        How many payouts there are, optionally of one status.
        """

    def numbered(self, out_trade_no: str) -> Sequence[Payout]:
        """
        The payouts that have an order number, oldest first: each merchant may have one.
        """

    def rejections(self, limit: int) -> Sequence[Rejection]:
        """
        The newest rejections.
        """

    def count_rejections(self) -> int:
        """
        How many rejections there are.
        """

    def count_cases(self, *, open_only: bool) -> int:
        """
        How many cases there are.
        """

    def channel(self, customer_no: str) -> Channel:
        """
        Whether one merchant's payouts may be sent; one that was never paused may.
        """


class AuditReads(Reads, Protocol):
    """
    Everything, a block of payouts at a time: for an audit over millions of them.
    """

    def ids_after(self, payout_id: int, limit: int) -> Sequence[tuple[int, datetime]]:
        """
        The next payouts in order of acceptance, behind this one, and when each last changed.
        """

    def records(self, payout_ids: Sequence[int]) -> Records:
        """
        All that is on record of some payouts, read in one snapshot; none of it is unsealed.
        """

    def debts(
        self, obligation_ids: Sequence[int]
    ) -> Sequence[tuple[Obligation, Sequence[Dossier]]]:
        """
        Some debts with all that is known of their payouts, oldest first, read in one snapshot.
        """

    def messages(self, payout_ids: Sequence[int]) -> Sequence[Message]:
        """
        What JD told of some payouts, each with its raw text and the digest that is stored of it.
        """

    def altered(self, payout_ids: Sequence[int]) -> Sequence[tuple[str, str]]:
        """
        What of some payouts is not what was written: the number, and what it is.
        """

    def altered_checkpoints(self) -> Iterable[int]:
        """
        The numbers of checkpoints that are not what was written, and of those that are missing.
        """

    def gone(self) -> Sequence[tuple[int, int]]:
        """
        Payouts that a checkpoint saw and that are not there: their ids, and its number.
        """

    def checkpoint(self, number: int) -> Checkpoint | None:
        """
        The checkpoint with that number; None if there is none.
        """

    def left_alone(self) -> Sequence[tuple[str, bool]]:
        """
        The numbers of notifications without a payout that are nobody's work.

        True with a number that a payout has all the same, False with one that has no case.
        """
