"""
What the use cases need from the world, as protocols.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from worker.payouts.evidence import Answer, Source
from worker.payouts.model import (
    Attempt,
    AttemptOutcome,
    Case,
    Dossier,
    Order,
    Payout,
    Rejection,
    Terms,
    Transition,
)
from worker.payouts.status import PayoutStatus
from worker.payouts.update import Standing
from worker.usecases.office import Office
from worker.usecases.vigil import Beat, Vigil


class Gateway(Protocol):
    """
    JD Pay, or anything that speaks like it.
    """

    def render(self, order: Order, terms: Terms, requested_at: datetime) -> str:
        """
        Return the exact canonical text to be stored, then sent, then sent again.
        """

    def submit(self, request: str, terms: Terms, before_connect: Callable[[], None]) -> Answer:
        """
        Transmit a stored request and return the answer, verified or not.

        `before_connect` runs immediately before each connection, safe retries included; what it
        raises passes through unchanged, and nothing was sent by that try. Raises `NotSent` or
        `MaybeSent`.
        """

    def query(self, out_trade_no: str, terms: Terms, asked_at: datetime) -> Answer:
        """
        Ask what became of a number. Raises `NotSent` or `MaybeSent`, which mean the same here.
        """


@dataclass(frozen=True, slots=True)
class Room:
    """
    How many more wake-ups of each kind may wait for a worker.
    """

    sends: int
    queries: int


class Dispatcher(Protocol):
    """
    Wakes a worker. A hint: it may be lost, late or repeated, and it never raises.
    """

    def room(self) -> Room:
        """
        How many more wake-ups are of use; none where nobody could be woken.
        """

    def submit(self, payout_id: int) -> None:
        """
        Ask for `Payouts.submit`.
        """

    def query(self, payout_id: int) -> None:
        """
        Ask for `Payouts.follow_up`.
        """


class Witness(Protocol):
    """
    Something outside the database that remembers how far its count had come.

    It may forget, and it never raises.
    """

    def seen(self, uid: str) -> int:
        """
        The highest count that it was told; 0 if it knows none.
        """

    def remember(self, beat: Beat) -> None:
        """
        Keep the newest count.
        """


class Ledger(Office, Vigil, Protocol):
    """
    The durable truth. Every method is one transaction, and times are the database's own.
    """

    def now(self) -> datetime:
        """
        The database's clock, aware UTC.
        """

    # --- acceptance

    def accept(
        self, order: Order, terms: Terms, sweep_after: timedelta = timedelta(0)
    ) -> int | None:
        """
        Insert a queued payout and its first transition; return its id.

        It is due for the sweep `sweep_after` from now: whoever wakes a worker itself leaves time.

        None if a unique constraint stood in the way: nothing was written, and the caller looks at
        what stands there.
        """

    def reject(self, rejection: Rejection) -> None:
        """
        Record an entry message that was not accepted.
        """

    # --- reading

    def find(self, customer_no: str, out_trade_no: str) -> Payout | None:
        """
        The payout with that number, if there is one.
        """

    def paying(self, customer_no: str, obligation: str) -> Payout | None:
        """
        The payout that holds that obligation, if one does.
        """

    def dossier(self, payout_id: int) -> Dossier:
        """
        Everything known of one payout, read in one snapshot. Raises `NoSuchPayout`.
        """

    def order(self, payout_id: int) -> Order:
        """
        What the producer asked for, payee data unsealed. Raises `NoSuchPayout`.
        """

    def request(self, payout_id: int) -> str | None:
        """
        The stored canonical request, unsealed; None before the first claim.
        """

    def history(self, payout_id: int) -> Sequence[Transition]:
        """
        Every move, oldest first.
        """

    def payouts(self, status: PayoutStatus | None, limit: int) -> Sequence[Payout]:
        """
        The newest payouts, optionally of one status.
        """

    def cases(self, *, open_only: bool, limit: int) -> Sequence[Case]:
        """
        The newest cases.
        """

    def rejections(self, limit: int) -> Sequence[Rejection]:
        """
        The newest rejections.
        """

    # --- sending

    def claim(self, payout: Payout, request: str, lease: timedelta, actor: str) -> Attempt | None:
        """
        Take the payout for sending: one commit, before any socket opens.

        Guarded by id, status, version and the channel not being paused. Stores the request (never
        replacing one), opens an attempt, sets a fresh lease and `exposed`, moves to `sending`
        (reason `CLAIMED`, or `RESENT` from `unknown`), clears `next_send_at`, and counts a resend
        from `unknown`. None if any guard missed.
        """

    def renew(self, attempt: Attempt, lease: timedelta) -> bool:
        """
        Stretch the lease to `lease` from now, if this attempt still owns it.

        False, and nothing changes, if the lease expired or went to another attempt, or if the
        channel is paused.
        """

    def close_attempt(self, attempt: Attempt, outcome: AttemptOutcome, detail: str) -> None:
        """
        Record how the attempt ended and end its lease now. Without effect if it is closed already.
        """

    # --- evidence

    def record(
        self,
        payout: Payout | None,
        source: Source,
        answer: Answer,
        *,
        attempt: Attempt | None = None,
        asked_at: datetime | None = None,
    ) -> None:
        """
        Store one piece of evidence, unapplied, and raise the payout's version.

        An identical notification (same raw digest, same payout) is stored once. Without a payout,
        an orphan case is opened.
        """

    def settle(
        self, dossier: Dossier, standing: Standing, actor: str, unverifiable_limit: int
    ) -> None:
        """
        Write what was decided from `dossier`, guarded by its version, in one transaction.

        Updates the row, appends a transition if the status changed, opens the cases (once for each
        kind and piece of evidence; one open case of a kind), marks the dossier's evidence applied,
        pauses the channel if the standing says so, or once `unverifiable_limit` answers in a row
        did not verify. Raises `StaleTransition`, and changes nothing, if the version had moved on.
        """

    # --- the sweep

    def expired(self, limit: int) -> Sequence[int]:
        """
        Close, as lost, the attempts whose lease has run out; return the payouts to settle.
        """

    def unapplied(self, limit: int) -> Sequence[int]:
        """
        Payouts with evidence that waits to be weighed.
        """

    def due_sends(self, limit: int, again_after: timedelta) -> Sequence[int]:
        """
        Claim the right to wake the submit task for what is due on channels that are not paused.

        `next_send_at` becomes now plus `again_after`, so that a row is not woken at every sweep.
        Rows with an open case are left as they are: nothing may be sent of them.
        """

    def due_queries(self, limit: int, retry: Callable[[int], timedelta]) -> Sequence[int]:
        """
        Claim the follow-up queries that are due.

        `next_query_at` becomes now plus `retry(query_misses)`, `query_misses` rises by one, and
        `updated_at` is now.
        """

    def hurry(self, payout_id: int, spacing: timedelta) -> None:
        """
        Make the next follow-up query due now, unless the row was touched within `spacing`.

        Without effect where no query is due at all.
        """

    # --- the channel

    def pause(self, customer_no: str, why: str, actor: str) -> None:
        """
        Stop sending for one member. Changes no payout.
        """

    def resume(self, customer_no: str, why: str, actor: str) -> None:
        """
        Let sending go on, and forget the count of unverifiable replies.
        """
