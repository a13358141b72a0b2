"""
The ledger's share in the life of a payout: acceptance, sending, evidence, and what is due.

Every method is one transaction, and times are the database's own.
"""

from collections.abc import Sequence, Set
from datetime import datetime, timedelta
from typing import Protocol

from worker.payouts.acceptance import Entry
from worker.payouts.claim import Asker, Claimant, Claims, DueQueries
from worker.payouts.evidence import Answer
from worker.payouts.judgement import Judge, Judged, Orphaned
from worker.payouts.model import (
    Attempt,
    Dossier,
    Obligation,
    Order,
    Payout,
    Rejection,
    Terms,
)
from worker.payouts.news import News
from worker.payouts.question import Question
from worker.payouts.update import CaseNote


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

    def producers_of(self, obligation: str) -> Set[str]:
        """
        The producers of all payouts that name that obligation, released ones included.
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

    def questions(self, payout_ids: Sequence[int]) -> Sequence[Question]:
        """
        All that asking JD about these payouts takes, read in one snapshot, in the same order.
        """


class AcceptanceLedger(PayoutReads, Protocol):
    """
    Taking jobs in, or recording why not.
    """

    def accept(self, entries: Sequence[Entry], terms: Terms) -> Sequence[int | None]:
        """
        Insert a queued payout and its first transition for each job: one commit; return their ids.

        Each is due at once. One that is for review, or pays as much to the same payee as another
        debt's payout that was accepted `duplicates_within` before and is neither withdrawn nor
        released, is held in the same transaction, with a second transition and a case, and nobody
        ever sees it queued. Of two that are alike and come at once the second is held.

        None in the place of a job whose number is taken, or whose obligation has no room for it or
        is owed otherwise, by a job before it among these too: nothing was written of it, and the
        caller looks at what is there. What is raised concerns all of them: nothing is written, so
        a caller goes on with each alone.
        """

    def reject(self, rejection: Rejection) -> None:
        """
        Record an entry message that was not accepted.
        """


class LeaseLedger(PayoutReads, Protocol):
    """
    The right to send: claims, leases and attempts.
    """

    def claim_due_sends(self, limit: int, claimant: Claimant) -> Claims:
        """
        Take the claimant's due payouts for sending, the longest due first, as `claim` does.
        """

    def claim(self, payout_ids: Sequence[int], claimant: Claimant) -> Claims:
        """
        Take payouts for sending, those that the claimant decides: one commit, before any socket.

        No more of them than the pace allows, in the order given, and one for each debt. Under the
        debt's lock all that is known is read, of the payout and of those that share its obligation,
        and the claimant decides. Guarded by status, version, no attempt being under way and the
        channel not being stopped. Stores the request (never replacing one), opens an attempt, sets
        a fresh lease and `exposed`, moves to `sending` (reason `CLAIMED`, or `RESENT` from
        `unknown`), clears `next_send_at`, and counts a resend from `unknown`.

        One that is due, and that the claimant does not send or whose debt is not sure, is put off;
        or a case opens on it if its debt is paid already. One whose debt someone else holds at this
        moment stays due. Raises `NoSuchPayout`, and what the claimant raises: then nothing is
        written, so a caller goes on with each alone.
        """

    def put_off(self, payout_id: int, by: timedelta) -> None:
        """
        Look at a payout that is due to be sent no earlier than `by` from now.
        """

    def renew(self, attempt: Attempt, lease: timedelta) -> bool:
        """
        Stretch the lease to `lease` from now, if this attempt still owns it.

        False, and nothing changes, if the lease expired or went to another attempt, or if the
        channel is paused.
        """


class EvidenceLedger(PayoutReads, Protocol):
    """
    What JD told us, and what was made of it.
    """

    def check_writable(self) -> None:
        """
        Do nothing if something could be written now. Raises `StoreUnavailable` or `StoreFault`.
        """

    def take_in(self, news: Sequence[News], judge: Judge | None = None) -> Sequence[Judged | None]:
        """
        Keep what is new of some payouts, and judge all that is known of each: one commit.

        Under the payouts' locks, in the order given: an attempt that ended is closed, its lease
        ends, and what JD told is stored. An attempt that is closed already stays as it is, and its
        answer counts. An identical notification (same raw digest, same payout) is stored once.
        What the judge decided is written as `judge` says; without one the evidence waits,
        unapplied, and None is returned. Raises `NoSuchPayout`, and what the judge raises: then
        nothing is written, so a caller goes on with each alone.
        """

    def notify(
        self, customer_no: str, answers: Sequence[Answer], judge: Judge | None = None
    ) -> Sequence[Judged | Orphaned | None]:
        """
        Record notifications, each with the merchant's payout that has its number: one commit.

        If no payout has it, an orphan case is opened, in a commit of its own, and nothing is
        judged. Without a judge it waits, unapplied, and None is returned. What is raised tells
        nothing of the others: all may be told again, since an identical one is stored once.
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

    def note_foreign(self, customer_no: str, merchant: str) -> None:
        """
        Count a notification, verified with a merchant's key, that names another merchant.
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

    def find_due_sends(self, customer_no: str, limit: int) -> Sequence[int]:
        """
        What one merchant may send by its time, unless that is stopped; the longest due first.

        Rows with an open case are left out: nothing may be sent of them.
        """

    def open_case(self, payout_id: int, note: CaseNote) -> None:
        """
        Open a case about a payout whose row may not open itself. Raises `NoSuchPayout`.
        """

    def until_next_query(self, customer_no: str) -> timedelta | None:
        """
        How long until the merchant's next follow-up query is due: not above zero where one is due.

        None where none is ever to be asked.
        """

    def claim_due_queries(self, limit: int, asker: Asker) -> DueQueries:
        """
        Claim the asker's follow-up queries that are due, the longest due first, as the pace allows.

        `next_query_at` becomes now plus `retry(query_misses)`, `query_misses` rises by one, and
        `updated_at` is now.
        """

    def note_unanswered(self, payout_id: int, asked_at: datetime) -> None:
        """
        Record that JD was asked about a payout in vain; since when begins anew where it told since.
        """

    def end_sweep(self, customer_no: str) -> None:
        """
        Record that a sweep for a merchant ended well just now.
        """
