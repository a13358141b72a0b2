"""
The status of a payout, and which moves are legal.

What the gateway evidenced has an order, ``unknown < processing < failed < paid < returned``, and a
payout has the highest ever evidenced, so the order in which evidence arrives cannot change where
it ends.
"""

import enum

from worker.payouts.errors import IllegalMove


class PayoutStatus(enum.StrEnum):
    """
    What has become of a payout. Each one says what it means and who moves it on.
    """

    #: Durable, never exposed. Whoever is woken sends it once it is due.
    QUEUED = "queued"
    #: A control stopped it before sending. The control clearing, or an operator, lets it go.
    HELD = "held"
    #: A worker owns the lease and the request may be on the wire. The reply moves it on; a lease
    #: that expires makes it `UNKNOWN`.
    SENDING = "sending"
    #: JD refused every attempt that reached it, the last one for our own fault: nothing was booked.
    #: After the fix an operator sends the same number again; follow-up queries go on.
    REFUSED = "refused"
    #: Exposed, and JD may or may not have it. Only evidence moves it on, or the resend rule.
    UNKNOWN = "unknown"
    #: JD has it and has not finished. A notification or a follow-up query moves it on.
    PROCESSING = "processing"
    #: A signed CLOS, or a refusal of every attempt that reached JD, the last one for the payee's
    #: data; or a person ended a refused one. Only higher evidence moves it, and opens a case.
    FAILED = "failed"
    #: A signed FINI; part of it may have come back. A return, weeks later, moves it on.
    PAID = "paid"
    #: 退票: the bank sent the whole amount back after success. Nobody moves it on.
    RETURNED = "returned"
    #: Withdrawn before any exposure. Evidence would move it, with a case: there should be none.
    CANCELLED = "cancelled"

    @property
    def rank(self) -> int:
        """
        How much has been evidenced: 0 for nothing, then rising with the evidenced order.
        """
        return _RANKS.get(self, 0)

    @property
    def is_final(self) -> bool:
        """
        Whether this is the payout's end, as far as anyone can know today.
        """
        return self in _FINAL

    @property
    def awaits_gateway(self) -> bool:
        """
        Whether JD may hold it without having told us the end: follow-up queries run.
        """
        return self in _AWAITING


_EVIDENCED = (
    PayoutStatus.UNKNOWN,
    PayoutStatus.PROCESSING,
    PayoutStatus.FAILED,
    PayoutStatus.PAID,
    PayoutStatus.RETURNED,
)
_RANKS = {status: place for place, status in enumerate(_EVIDENCED, 1)}
_FINAL = frozenset(
    {PayoutStatus.FAILED, PayoutStatus.PAID, PayoutStatus.RETURNED, PayoutStatus.CANCELLED}
)
_AWAITING = frozenset(
    {
        PayoutStatus.SENDING,
        PayoutStatus.REFUSED,
        PayoutStatus.UNKNOWN,
        PayoutStatus.PROCESSING,
    }
)

_EVIDENCE_MOVES = frozenset(_EVIDENCED)

#: Every legal move. A move that is not here is a fault of ours and is refused.
TRANSITIONS: dict[PayoutStatus, frozenset[PayoutStatus]] = {
    PayoutStatus.QUEUED: _EVIDENCE_MOVES
    | {PayoutStatus.SENDING, PayoutStatus.HELD, PayoutStatus.CANCELLED},
    PayoutStatus.HELD: _EVIDENCE_MOVES | {PayoutStatus.QUEUED, PayoutStatus.CANCELLED},
    PayoutStatus.SENDING: _EVIDENCE_MOVES | {PayoutStatus.QUEUED, PayoutStatus.REFUSED},
    PayoutStatus.REFUSED: _EVIDENCE_MOVES | {PayoutStatus.SENDING},
    PayoutStatus.UNKNOWN: (_EVIDENCE_MOVES - {PayoutStatus.UNKNOWN})
    # A late verified refusal of the only attempt shows that the payout was never exposed.
    | {PayoutStatus.SENDING, PayoutStatus.REFUSED},
    PayoutStatus.PROCESSING: frozenset(
        {PayoutStatus.FAILED, PayoutStatus.PAID, PayoutStatus.RETURNED}
    ),
    # A refusal does not speak for an attempt that a restored database had forgotten.
    PayoutStatus.FAILED: frozenset(
        {PayoutStatus.PAID, PayoutStatus.RETURNED, PayoutStatus.UNKNOWN}
    ),
    PayoutStatus.PAID: frozenset({PayoutStatus.RETURNED}),
    PayoutStatus.RETURNED: frozenset(),
    PayoutStatus.CANCELLED: _EVIDENCE_MOVES,
}


def check_move(old: PayoutStatus, new: PayoutStatus) -> None:
    """
    Raise `IllegalMove` if the status changes in a way that the table does not allow.
    """
    if new is not old and new not in TRANSITIONS[old]:
        raise IllegalMove(f"a payout may not move from {old} to {new}")


class Reason(enum.StrEnum):
    """
    Why a payout moved: it tells two ways to the same status apart.
    """

    ACCEPTED = "accepted"  #: a producer's job was committed
    CLAIMED = "claimed"  #: a worker took it to send it for the first time
    RESENT = "resent"  #: a worker took it to send the same number again
    NOT_CONNECTED = "not_connected"  #: no connection was made, so nothing was sent
    NO_ANSWER = "no_answer"  #: the request may have arrived, and no answer came
    UNCLEAR_ANSWER = "unclear_answer"  #: an answer came that decides nothing
    LEASE_EXPIRED = "lease_expired"  #: the worker that held it did not report back
    PAYEE_REFUSED = "payee_refused"  #: JD refused the card, the name or the ID
    REQUEST_REFUSED = "request_refused"  #: JD refused what we wrote in this request
    CHANNEL_REFUSED = (
        "channel_refused"  #: JD refused us: key, certificate, merchant, permission, IP
    )
    BALANCE_REFUSED = "balance_refused"  #: JD refused it because our balance is too small
    NUMBER_TAKEN = "number_taken"  #: JD knew the number before we ever sent it
    IN_PROGRESS = "in_progress"  #: BUID, ACSU or WPAR
    CLOSED = "closed"  #: CLOS
    CLOSED_BALANCE_SHORT = "closed_balance_short"  #: CLOS because our balance was too small
    PAID = "paid"  #: FINI
    RETURNED = "returned"  #: REFU of the whole amount
    STALE = "stale"  #: it could not be sent in time
    REVIEW = "review"  #: its payee is on the review list, so a person looks first
    DUPLICATE = "duplicate"  #: as much was to go to the same payee a short while before
    LIMIT = "limit"  #: it would exceed a limit of its producer's
    CANCELLED = "cancelled"  #: a person withdrew it
    LET_GO = "let_go"  #: a person let it go
    APPROVED = "approved"  #: a person let it go over a limit, as the sandbox profile allows
    DECIDED = "decided"  #: two people decided how it ended, on proof from outside
    FAILED_BY_HAND = "failed_by_hand"  #: a person gave up what JD had refused
    PARTLY_RETURNED = "partly_returned"  #: REFU of a part, or of an amount that makes no sense
