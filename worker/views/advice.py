"""
What happens next, to a payout and to all of a merchant's, and what a person may do about it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from worker.payouts.channel import Channel
from worker.payouts.limits import Limits
from worker.payouts.model import Dossier, Payout
from worker.payouts.pace import Pace
from worker.payouts.status import PayoutStatus
from worker.views.formats import cell, counted, lasting

_JD_DECIDES = (
    "A follow-up query or a notification decides. Where JD never tells, two people do, on proof"
    " from outside: `payouts decide`."
)

#: What becomes of it if nobody does anything, and what a person may do.
_NEXT = {
    PayoutStatus.QUEUED: "A worker sends it.",
    PayoutStatus.HELD: "It waits for a person: `payouts let-go` or `payouts cancel`.",
    PayoutStatus.SENDING: "The reply decides; without one, it becomes unknown when the lease ends.",
    PayoutStatus.REFUSED: (
        "Fix what JD refused, then `payouts resend`: the same number goes out."
        " `payouts fail` ends it instead."
    ),
    PayoutStatus.UNKNOWN: _JD_DECIDES,
    PayoutStatus.PROCESSING: _JD_DECIDES,
    PayoutStatus.FAILED: "Nothing more is sent. `payouts release` frees its obligation, on proof.",
    PayoutStatus.PAID: "Nothing, unless the bank sends the money back; JD is asked for that.",
    PayoutStatus.RETURNED: "Nothing. Confirmed by a query, `payouts release` frees its obligation.",
    PayoutStatus.CANCELLED: "Nothing is sent. `payouts release` frees its obligation.",
}


@dataclass(frozen=True, slots=True)
class Sending:
    """
    What decides whether anything is sent for a merchant, at the database's time.
    """

    channel: Channel
    now: datetime
    #: Payouts that JD must answer for first, since the database was restored.
    in_doubt: int = 0
    #: Payouts that are due to be sent, and payouts that are due to be asked about.
    sends_due: int = 0
    queries_due: int = 0


def is_stopped(found: Sending) -> bool:
    """
    Whether anything keeps this merchant's payouts from being sent.
    """
    return any(_stopped(found))


def sending(found: Sending) -> str:
    """
    Whether anything is sent for a merchant, since when not, and what to do: every reason at once.
    """
    channel = found.channel
    merchant = channel.customer_no
    told = []
    if channel.is_paused:
        told.append(
            f"PAUSED: nothing is sent for merchant {merchant}\n"
            f"since {cell(channel.paused_at)}, by {cell(channel.paused_by)}:"
            f" {cell(channel.paused_why)}\n"
            'fix the cause, then: payouts resume --why "..."'
        )
    if channel.rests_at(found.now):
        told.append(
            f"RESTING: nothing is sent for merchant {merchant} until {cell(channel.broken_until)},"
            " since most of what was sent ended as unknown; it goes on by itself"
        )
    if found.in_doubt:
        told.append(
            f"IN DOUBT: nothing is sent for merchant {merchant}, since the database was restored:"
            f" JD has still to answer for {counted(found.in_doubt, 'payout')}\n"
            "they are asked by themselves while beat and a worker run;"
            " `payouts query NUMBER` asks at once; `payouts set-aside NUMBER` lets the others go on"
        )
    if told:
        return "\n".join(told)
    opened = f"open: payouts of merchant {merchant} are sent"
    if channel.resumed_at is not None:
        by = f"by {cell(channel.resumed_by)}: {cell(channel.resumed_why)}"
        opened += f"\nresumed {cell(channel.resumed_at)}, {by}"
    return opened


def paces(found: Sending, limits: Limits) -> str:
    """
    How fast a merchant's payouts are sent and JD is asked, and how long what is due takes so.
    """
    return "\n".join(
        (
            f"sends: {_pace(limits.send_pace, found.sends_due)}",
            f"questions: {_pace(limits.query_pace, found.queries_due)}",
        )
    )


def _pace(pace: Pace, due: int) -> str:
    if not due:
        return f"at most {pace}; none is due"
    return f"at most {pace}; {due:,} due, which takes {lasting(due * pace.every)}"


def next_step(dossier: Dossier, found: Sending, others: Sequence[Payout] = ()) -> str:
    """
    What happens next to a payout, when, and who moves it on.

    `others` are the other payouts that hold its obligation now.
    """
    payout = dossier.payout
    told = []
    if dossier.open_cases:
        ids = ", ".join(f"`payouts cases show {case.id}`" for case in dossier.open_cases)
        told.append(f"A person has to look: {ids}. Until then it is not sent again.")
    told.append(_decided(payout, others) or _NEXT[payout.status])
    if payout.next_send_at is not None:
        told += list(_stopped(found)) or [f"It is due to be sent at {cell(payout.next_send_at)}."]
    if payout.status is PayoutStatus.SENDING and payout.lease_until is not None:
        told.append(f"The lease ends at {cell(payout.lease_until)}.")
    if payout.next_query_at is not None:
        told.append(f"JD is asked at {cell(payout.next_query_at)}.")
    return " ".join(told)


def _decided(payout: Payout, others: Sequence[Payout]) -> str | None:
    """
    What people's decisions make of a payout; None where they change nothing.
    """
    if payout.status is PayoutStatus.REFUSED and payout.next_send_at is not None:
        return "A person had it sent again, under the same number."
    part = payout.status is PayoutStatus.PAID and payout.returned_fen > 0
    if payout.released_at is None:
        return "`payouts replace` pays anew what came back." if part else None
    other = " and ".join(f"payout {p.out_trade_no} (id {p.id})" for p in others)
    if part:
        return (
            f"What came back is paid by {other}." if other else "What came back may be paid anew."
        )
    if payout.status is PayoutStatus.PAID:
        also = f"{other} pays it too" if other else "another payout may pay it too"
        return f"It is paid although its obligation was freed, and {also}: look at both."
    if other:
        return f"Nothing: {other} pays instead."
    return "Nothing: its obligation is free, so another payout may pay it."


def _stopped(found: Sending) -> Iterator[str]:
    """
    Each reason why what is due is not sent, with its remedy.
    """
    channel = found.channel
    if channel.is_paused:
        why = cell(channel.paused_why)
        yield f"Sending is paused ({why}): fix the cause, then `payouts resume`."
    if channel.rests_at(found.now):
        yield (
            f"Sending rests until {cell(channel.broken_until)}, since most of what was sent ended"
            " as unknown; it goes on by itself."
        )
    if found.in_doubt:
        yield (
            "The database was restored, so nothing is sent until JD has answered for"
            f" {counted(found.in_doubt, 'payout')}; they are asked by themselves."
        )
