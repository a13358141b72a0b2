"""
What one piece of evidence says about one payout.

This is where a message is believed or not. A trade status counts only in a verified message in
which merchant, number, amount and currency are present and equal ours. A refusal or a not-found
counts only as the answer to our own request; JD's signed error replies name nothing, so there the
four may be absent, but what is present must be equal.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import assert_never

from worker.payouts.evidence import REFUSALS, Answer, Evidence, Meaning, Source, TradeStatus
from worker.payouts.model import Payout
from worker.payouts.status import PayoutStatus, Reason

#: 可用余额不足: the `trade_respcode` of a trade that JD closed because our balance was too small.
BALANCE_SHORT = "ACC3030007"

#: A close counts as proof once JD repeats it so long after: nobody has seen a CLOS turn to FINI,
#: and nobody has promised that it cannot.
CLOSED_TWICE_AFTER = timedelta(hours=24)

#: How far JD's clock and ours may differ when a trade's date is compared with an attempt's.
CLOCK_TOLERANCE = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Trade:
    """
    JD has the payout, and this is what became of it.
    """

    evidence: Evidence
    status: PayoutStatus
    reason: Reason


@dataclass(frozen=True, slots=True)
class Refusal:
    """
    JD refused one attempt, so that attempt booked nothing.
    """

    evidence: Evidence


@dataclass(frozen=True, slots=True)
class Absent:
    """
    JD knows no such trade, as of the moment at which the question was asked.
    """

    evidence: Evidence
    asked_at: datetime


@dataclass(frozen=True, slots=True)
class NoResult:
    """
    The trade is not in JD's database, which only JD's support can explain.
    """

    evidence: Evidence


@dataclass(frozen=True, slots=True)
class NumberTaken:
    """
    JD knew the number before we can have sent it: someone else used it.
    """

    evidence: Evidence


@dataclass(frozen=True, slots=True)
class Known:
    """
    JD knows the number, but does not say, or not in full, what became of it.
    """

    evidence: Evidence


@dataclass(frozen=True, slots=True)
class Mismatch:
    """
    A signed message about our number, or to our request, names something that is not ours.
    """

    evidence: Evidence


@dataclass(frozen=True, slots=True)
class Silent:
    """
    It says nothing about the payout: unverified, incomplete or unclassified.
    """

    evidence: Evidence


Classification = Trade | Refusal | Absent | NoResult | NumberTaken | Known | Mismatch | Silent


def classify(payout: Payout, evidence: Evidence, exposed_since: datetime | None) -> Classification:
    """
    Return what `evidence` says about `payout`.

    `exposed_since` is when the payout was first attempted, if any attempt but the one that this
    evidence answers, and before it, may have reached JD; None if none may have.
    """
    answer = evidence.answer
    if not answer.verified:
        return Silent(evidence)
    if _contradicts(answer, payout):
        return Mismatch(evidence)
    duplicate = evidence.source is Source.REPLY and answer.meaning is Meaning.DUPLICATE
    if duplicate and (exposed_since is None or _precedes(answer, exposed_since)):
        return NumberTaken(evidence)
    if answer.trade_status is not None:
        return _trade(evidence, payout) if _names(answer, payout) else Known(evidence)
    if duplicate:
        return Known(evidence)
    match evidence.source:
        case Source.REPLY:
            return _reply(evidence)
        case Source.QUERY:
            return _absence(evidence)
        case Source.NOTIFICATION:
            return Silent(evidence)
        case _:
            assert_never(evidence.source)


def is_odd(trade: Trade) -> bool:
    """
    Whether a question to JD should follow at once: a return that does not name the whole amount.
    """
    answer = trade.evidence.answer
    return answer.trade_status is TradeStatus.REFU and answer.refund_fen != answer.amount_fen


def _contradicts(answer: Answer, payout: Payout) -> bool:
    pairs = (
        (answer.merchant, payout.terms.customer_no),
        (answer.number, payout.out_trade_no),
        (answer.amount_fen, payout.amount_fen),
        (answer.currency, payout.currency),
    )
    return any(theirs is not None and theirs != ours for theirs, ours in pairs)


def _names(answer: Answer, payout: Payout) -> bool:
    named = (answer.merchant, answer.number, answer.amount_fen, answer.currency)
    return None not in named and not _contradicts(answer, payout)


def _precedes(answer: Answer, exposed_since: datetime) -> bool:
    return answer.traded_at is not None and answer.traded_at < exposed_since - CLOCK_TOLERANCE


def _reply(evidence: Evidence) -> Classification:
    if evidence.answer.meaning in REFUSALS:
        return Refusal(evidence)
    if evidence.answer.meaning is Meaning.PROCESSED:
        # Taken in, and not said what became of it.
        return Known(evidence)
    return Silent(evidence)


def _absence(evidence: Evidence) -> Classification:
    meaning = evidence.answer.meaning
    if meaning is Meaning.NOT_FOUND and evidence.asked_at is not None:
        return Absent(evidence, evidence.asked_at)
    if meaning is Meaning.NO_RESULT:
        return NoResult(evidence)
    return Silent(evidence)


def _trade(evidence: Evidence, payout: Payout) -> Trade:
    answer = evidence.answer
    match answer.trade_status:
        case TradeStatus.BUID | TradeStatus.ACSU | TradeStatus.WPAR:
            return Trade(evidence, PayoutStatus.PROCESSING, Reason.IN_PROGRESS)
        case TradeStatus.FINI:
            return Trade(evidence, PayoutStatus.PAID, Reason.PAID)
        case TradeStatus.CLOS:
            short = answer.reason_code == BALANCE_SHORT
            reason = Reason.CLOSED_BALANCE_SHORT if short else Reason.CLOSED
            return Trade(evidence, PayoutStatus.FAILED, reason)
        case TradeStatus.REFU:
            if answer.refund_fen == payout.amount_fen:
                return Trade(evidence, PayoutStatus.RETURNED, Reason.RETURNED)
            return Trade(evidence, PayoutStatus.PAID, Reason.PARTLY_RETURNED)
        case None:
            raise AssertionError("a trade has a status")
        case _:
            assert_never(answer.trade_status)
