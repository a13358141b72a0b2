"""
What a decision writes: each legal change of a payout's row, built in one place.

Every function takes the row as it was read and returns the row as it will be; a ledger writes the
difference, guarded by status and version. Raises `IllegalMove` for a move that the table of
transitions does not allow.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from worker.payouts.hold import Hold
from worker.payouts.model import CaseKind, Payout
from worker.payouts.status import PayoutStatus, Reason, check_move


@dataclass(frozen=True, slots=True)
class CaseNote:
    """
    A case that should be open, and the piece of evidence that completed it.
    """

    kind: CaseKind
    evidence_id: int | None = None
    #: Whether it opens again although a person closed one like it.
    reopens: bool = False


@dataclass(frozen=True, slots=True)
class Update:
    """
    Where all that is known puts a payout: what its row should say, and what goes with it.
    """

    status: PayoutStatus
    reason: Reason
    #: The evidence that decided the status; None where no evidence did.
    evidence_id: int | None
    exposed: bool
    trade_no: str | None
    returned_fen: int
    finalized_at: datetime | None
    next_send_at: datetime | None
    next_query_at: datetime | None
    #: Queries since the last answer that said something.
    query_misses: int = 0
    #: Since when JD must be asked before anything is sent; None once it answered.
    doubted_at: datetime | None = None
    cases: tuple[CaseNote, ...] = ()
    #: Why sending must stop for this merchant; None to leave the channel as it is.
    pause: str | None = None
    #: Whether each newly judged reply or query answer verified, oldest first: several in a row
    #: that did not also stop the channel.
    verified: tuple[bool, ...] = ()


def hold_back(payout: Payout, hold: Hold, now: datetime) -> Payout:
    """
    The row of a payout that waits for a person before it is sent.
    """
    check_move(payout.status, PayoutStatus.HELD)
    return replace(
        payout,
        status=PayoutStatus.HELD,
        reason=hold.reason,
        version=payout.version + 1,
        next_send_at=None,
        updated_at=now,
    )


def claim(payout: Payout, token: str, lease: timedelta, now: datetime) -> Payout:
    """
    The row of a payout that a worker takes in order to send it: exposed from here on.
    """
    check_move(payout.status, PayoutStatus.SENDING)
    again = payout.status is PayoutStatus.UNKNOWN
    return replace(
        payout,
        status=PayoutStatus.SENDING,
        reason=Reason.RESENT if again else Reason.CLAIMED,
        version=payout.version + 1,
        exposed=True,
        resends=payout.resends + again,
        lease_token=token,
        lease_until=now + lease,
        first_sent_at=payout.first_sent_at or now,
        last_sent_at=now,
        next_send_at=None,
        updated_at=now,
    )


def end_lease(payout: Payout, ended_at: datetime, now: datetime) -> Payout:
    """
    The row of a payout whose worker may not send any more.
    """
    return replace(
        payout,
        lease_token=None,
        lease_until=None,
        lease_ended_at=ended_at,
        version=payout.version + 1,
        updated_at=now,
    )


def recall(
    payout: Payout, claimed_at: datetime, ended_at: datetime, now: datetime, *, is_behind: bool
) -> Payout:
    """
    The row of a payout of which a claim was forgotten: JD may have it, and is asked now.

    `ended_at` is when that claim's lease has ended for sure. Where the row is behind the claim, it
    is not known any more what became of it; else what is known stays.
    """
    if is_behind:
        check_move(payout.status, PayoutStatus.UNKNOWN)
    return replace(
        payout,
        status=PayoutStatus.UNKNOWN if is_behind else payout.status,
        reason=Reason.LEASE_EXPIRED if is_behind else payout.reason,
        version=payout.version + 1,
        exposed=True,
        lease_ended_at=ended_at,
        first_sent_at=min(payout.first_sent_at or claimed_at, claimed_at),
        last_sent_at=max(payout.last_sent_at or claimed_at, claimed_at),
        finalized_at=None if is_behind else payout.finalized_at,
        next_send_at=None,
        next_query_at=now,
        updated_at=now,
    )


def ask_first(payout: Payout, now: datetime) -> Payout:
    """
    The row of a payout of which a restored database may have forgotten something: JD is asked now.
    """
    return replace(
        payout,
        version=payout.version + 1,
        doubted_at=now,
        next_query_at=now,
        query_misses=0,
        updated_at=now,
    )


def apply(payout: Payout, update: Update, now: datetime) -> Payout:
    """
    The row of a payout after all evidence was judged.
    """
    check_move(payout.status, update.status)
    return replace(
        payout,
        status=update.status,
        reason=update.reason,
        version=payout.version + 1,
        exposed=update.exposed,
        trade_no=update.trade_no,
        returned_fen=update.returned_fen,
        finalized_at=update.finalized_at,
        next_send_at=update.next_send_at,
        next_query_at=update.next_query_at,
        query_misses=update.query_misses,
        doubted_at=update.doubted_at,
        updated_at=now,
    )


def release(payout: Payout, now: datetime) -> Payout:
    """
    The row of a payout whose obligation is free for another.
    """
    return replace(payout, version=payout.version + 1, released_at=now, updated_at=now)
