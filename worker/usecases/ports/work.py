"""
The ledger's share in the life of a payout: acceptance, sending, evidence, and what is due.

Every method is one transaction, and times are the database's own.
"""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Protocol

from worker.payouts.claim import Claim, Claimant
from worker.payouts.evidence import Answer, Source
from worker.payouts.judgement import Judge, Judged, Orphaned
from worker.payouts.model import (
    Attempt,
    AttemptOutcome,
    Dossier,
    Obligation,
    Order,
    Payout,
    Question,
    Rejection,
    Terms,
)


class PayoutReads(Protocol):
    """
    One payout, looked up.
    """

    def now(self) -> datetime:
        """
        The database's clock, aware UTC.
        """

    def find(self, customer_no: str, out_trade_no: str) -> Payout | None:
        """
        The payout with that number, if there is one.
        """

    def number_of(self, payout_id: int) -> str:
        """
        A payout's order number, though its row cannot be read. Raises `NoSuchPayout`.
        """

    def holders_of(self, obligation: str) -> Sequence[Payout]:
        """
        The payouts that hold that obligation, oldest first: those that were not released.
        """

    def obligation(self, name: str) -> Obligation | None:
        """
        What is owed under a name; None if no job has named it.
        """

    def dossier(self, payout_id: int) -> Dossier:
        """
        Everything known of one payout, read in one snapshot. Raises `NoSuchPayout`.
        """

    def order(self, payout_id: int) -> Order:
        """
        What the producer asked for, payee data unsealed. Raises `NoSuchPayout`.
        """

    def question(self, payout_id: int) -> Question:
        """
        All that asking JD about a payout takes, read in one snapshot. Raises `NoSuchPayout`.
        """


class AcceptanceLedger(PayoutReads, Protocol):
    """
    Taking jobs in, or recording why not.
    """

    def accept(
        self,
        order: Order,
        terms: Terms,
        sweep_after: timedelta = timedelta(0),
        *,
        for_review: bool = False,
    ) -> int | None:
        """
        Insert a queued payout and its first transition; return its id.

        It is due for the sweep `sweep_after` from now: a caller that wakes a worker leaves time.
        `for_review`, it is held in the same transaction, with a second transition and a case, and
        nobody ever sees it queued.

        None if its number is taken, or its obligation has no room for it or is owed otherwise:
        nothing was written, and the caller looks at what is there.
        """

    def reject(self, rejection: Rejection) -> None:
        """
        Record an entry message that was not accepted.
        """


class LeaseLedger(PayoutReads, Protocol):
    """
    The right to send: claims, leases and attempts.
    """

    def claim(self, payout_id: int, claimant: Claimant) -> Claim | None:
        """
        Take a payout for sending, if the claimant decides so: one commit, before any socket opens.

        Under the debt's lock all that is known is read, of the payout and of those that share its
        obligation, and the claimant decides. Guarded by status, version, no attempt being under way
        and the channel not being stopped. Stores the request (never replacing one), opens an
        attempt, sets a fresh lease and `exposed`, moves to `sending` (reason `CLAIMED`, or `RESENT`
        from `unknown`), clears `next_send_at`, and counts a resend from `unknown`. None if the
        claimant says no, if a guard missed, or if the debt does not allow it: then a case opens, or
        questions about older payouts are due now and this one is put off.

        Raises `NoSuchPayout`, and what the claimant raises: then nothing is written.
        """

    def renew(self, attempt: Attempt, lease: timedelta) -> bool:
        """
        Stretch the lease to `lease` from now, if this attempt still owns it.

        False, and nothing changes, if the lease expired or went to another attempt, or if the
        channel is paused.
        """

    def close_attempt(
        self,
        attempt: Attempt,
        outcome: AttemptOutcome,
        detail: str,
        answer: Answer | None = None,
        judge: Judge | None = None,
    ) -> Judged | None:
        """
        Record how the attempt ended, with its answer if one came, and judge: one transaction.

        Its lease ends now. An attempt that is closed already stays as it is, and its answer counts.
        """


class EvidenceLedger(PayoutReads, Protocol):
    """
    What JD told us, and what was made of it.
    """

    def check_writable(self) -> None:
        """
        Do nothing if something could be written now. Raises `StoreUnavailable` or `StoreFault`.
        """

    def record(
        self,
        payout: Payout,
        source: Source,
        answer: Answer,
        *,
        asked_at: datetime | None = None,
        judge: Judge | None = None,
    ) -> Judged | None:
        """
        Store one piece of evidence and judge all there is, under the payout's lock: one commit.

        An identical notification (same raw digest, same payout) is stored once. Without a judge it
        waits, unapplied. What the judge decided is written as `judge` says.
        """

    def notify(
        self, customer_no: str, answer: Answer, judge: Judge | None = None
    ) -> Judged | Orphaned | None:
        """
        Record a notification with the merchant's payout that has its number: one commit.

        If no payout has it, an orphan case is opened, and nothing is judged. Without a judge it
        waits, unapplied, and None is returned.
        """

    def judge(self, payout_id: int, judge: Judge) -> Judged:
        """
        Read all that is known under the payout's lock, decide, and write it: one commit.

        Updates the row, appends a transition if the status changed, opens the cases (once for each
        kind and piece of evidence; one open case of a kind), marks all evidence applied, pauses the
        channel if the update says so, or once `unverifiable_limit` answers in a row did not
        verify. Raises `NoSuchPayout`.
        """

    def hurry(self, payout_id: int, spacing: timedelta) -> None:
        """
        Make the next follow-up query due now, unless the row was touched within `spacing`.

        Without effect where no query is due at all.
        """


class DueWork(Protocol):
    """
    Due work that no message announced: found, and claimed for a while.
    """

    def expire_leases(self, limit: int) -> Sequence[int]:
        """
        Close, as lost, the attempts whose lease has run out; return them.
        """

    def find_unapplied(self, limit: int) -> Sequence[int]:
        """
        Payouts with evidence that waits to be judged.
        """

    def claim_due_sends(self, limit: int, again_after: timedelta) -> Sequence[int]:
        """
        Claim the right to wake the submit task for what is due on channels that are not paused.

        `next_send_at` becomes now plus `again_after`, so that a row is not woken at every sweep.
        Rows with an open case are left as they are: nothing may be sent of them.
        """

    def claim_due_queries(self, limit: int, retry: Callable[[int], timedelta]) -> Sequence[int]:
        """
        Claim the follow-up queries that are due.

        `next_query_at` becomes now plus `retry(query_misses)`, `query_misses` rises by one, and
        `updated_at` is now.
        """
