"""
What one piece of evidence says about one payout.

This is where a message is believed or not. A trade status counts only in a verified message in
which merchant, number, amount and currency are present and equal ours. Whatever else shows that JD
has a trade under the number counts as that, from every source alike. A refusal or a not-found
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
    JD knew the number before we can have sent it, or dates its trade so: someone else used it.
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
class Tampered:
    """
    It is not what was stored, whatever JD told: someone wrote to the database beside us.
    """

    evidence: Evidence


@dataclass(frozen=True, slots=True)
class Silent:
    """
    It says nothing about the payout: unverified, or a code without more.
    """

    evidence: Evidence


Classification = (
    Trade | Refusal | Absent | NoResult | NumberTaken | Known | Mismatch | Tampered | Silent
)


def classify(payout: Payout, evidence: Evidence, tried_since: datetime | None) -> Classification:
    """
    Return what `evidence` says about `payout`.

    `tried_since` is when the payout was first attempted, if any attempt reached JD that is not the
    one which this evidence answers, nor a later one; None if none did.
    """
    answer = evidence.answer
    if not evidence.is_intact:
        return Tampered(evidence)
    if not answer.verified:
        return Silent(evidence)
    if _contradicts(answer, payout):
        return Mismatch(evidence)
    duplicate = evidence.source is Source.REPLY and answer.meaning is Meaning.DUPLICATE
    if duplicate and tried_since is None:
        return NumberTaken(evidence)
    if answer.trade_status is not None or _shows_a_trade(evidence):
        if _precedes(answer, tried_since):
            return NumberTaken(evidence)
        return _trade(evidence, payout) if _names_all(answer) else Known(evidence)
    match evidence.source:
        case Source.REPLY:
            is_refusal = answer.meaning in REFUSALS
            # It speaks for its own attempt alone: of one that is forgotten it says nothing now.
            is_refusal = is_refusal and evidence.attempt_id is not None
            return Refusal(evidence) if is_refusal else Silent(evidence)
        case Source.QUERY:
            return _absence(evidence)
        case Source.NOTIFICATION:
            return Silent(evidence)
        case _:
            assert_never(evidence.source)


def is_odd(trade: Trade) -> bool:
    """
    Whether a question to JD should follow at once: it does not simply say that all came back.
    """
    answer = trade.evidence.answer
    if answer.trade_status is TradeStatus.REFU:
        return answer.refund_fen != answer.amount_fen
    return bool(answer.refund_fen)


def _contradicts(answer: Answer, payout: Payout) -> bool:
    return (
        answer.merchant not in {None, payout.terms.customer_no}
        or answer.number not in {None, payout.out_trade_no}
        or answer.amount_fen not in {None, payout.amount_fen}
        or answer.currency not in {None, payout.currency}
    )


def _names_all(answer: Answer) -> bool:
    named = (answer.merchant, answer.number, answer.amount_fen, answer.currency)
    return None not in (*named, answer.trade_status)


def _precedes(answer: Answer, tried_since: datetime | None) -> bool:
    if tried_since is None or answer.traded_at is None:
        return False
    return answer.traded_at < tried_since - CLOCK_TOLERANCE


#: Without a status these say that JD has the number, and not what became of it.
_KNOWING = frozenset({Meaning.PROCESSED, Meaning.DUPLICATE, Meaning.UNREADABLE})


def _shows_a_trade(evidence: Evidence) -> bool:
    """
    Whether a message without a status tells all the same that JD has a trade under the number.

    Unasked, JD tells of nothing else.
    """
    answer = evidence.answer
    named = answer.trade_no is not None or bool(answer.refund_fen)
    unasked = evidence.source is Source.NOTIFICATION and answer.number is not None
    return named or unasked or answer.meaning in _KNOWING


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
