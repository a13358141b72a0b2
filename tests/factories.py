"""
Readable defaults: a payout, what was done about it, and what the gateway may say of it.

Everything begins at NOON: there the payout was sent, and there its lease ended. Times are written
as minutes after it: `at(2)`.
"""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from worker.payouts.claim import Claimant
from worker.payouts.evidence import Answer, Evidence, Meaning, Source, TradeStatus
from worker.payouts.model import (
    Attempt,
    AttemptOutcome,
    Case,
    CaseKind,
    Dossier,
    Order,
    Payee,
    Payout,
    Terms,
)
from worker.payouts.pace import Pace
from worker.payouts.policy.controls import ReviewList
from worker.payouts.status import PayoutStatus, Reason

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
MERCHANT = "360080000000000001"
#: A pace that holds nothing back.
FAST = Pace(1_000_000)
NUMBER = "P2026030200001"
AMOUNT = 12_345
TERMS = Terms("sandbox", MERCHANT, "https://127.0.0.1:9443", "http://127.0.0.1:9080/jdpay/notify")
PAYEE = Payee(
    account_no="6222021234567897312",
    account_name="张三丰",
    bank_code="ICBC",
    account_type="P",
    card_type="DE",
    mobile="13812345678",
    id_type="ID",
    id_no="110101199003077758",
)
#: A payee whose payouts a person looks at first, wherever that list is used.
LISTED = replace(PAYEE, account_no="6222021234567890002")
REVIEW_LIST = ReviewList(frozenset({LISTED.account_no}))

_UNSENT = {PayoutStatus.QUEUED, PayoutStatus.HELD, PayoutStatus.CANCELLED}


def at(minutes: float = 0, **more: float) -> datetime:
    """
    A moment after noon, in minutes or by a timedelta's arguments.
    """
    return NOON + timedelta(minutes=minutes, **more)


def an_order(number: str = NUMBER, **changes: Any) -> Order:
    """
    An order that pays what its own number names.
    """
    fields: dict[str, Any] = {
        "out_trade_no": number,
        "amount_fen": AMOUNT,
        "subject": "提现",
        "payee": PAYEE,
        "obligation": number,
    }
    return Order(**fields | changes)


def a_job(**changes: Any) -> dict[str, Any]:
    """
    A valid job as a producer writes it; a change to None leaves the field out.
    """
    job: dict[str, Any] = {
        "out_trade_no": NUMBER,
        "amount_fen": AMOUNT,
        "payee_account_no": PAYEE.account_no,
        "payee_account_name": PAYEE.account_name,
        "payee_bank_code": PAYEE.bank_code,
        "payee_account_type": "P",
        "subject": "提现",
    }
    return {name: value for name, value in (job | changes).items() if value is not None}


def a_payout(status: PayoutStatus = PayoutStatus.UNKNOWN, **changes: Any) -> Payout:
    """
    A payout of that status: sent at noon with its lease ended at noon, unless it never was.
    """
    fields: dict[str, Any] = {
        "id": 1,
        "terms": TERMS,
        "out_trade_no": NUMBER,
        "amount_fen": AMOUNT,
        "currency": "CNY",
        "obligation": NUMBER,
        "producer": "unsealed",
        "payee_masked": PAYEE.masked,
        "bank_code": PAYEE.bank_code,
        "status": status,
        "reason": Reason.ACCEPTED,
        "version": 4,
        "exposed": status not in _UNSENT,
        "accepted_at": NOON,
        "updated_at": NOON,
    }
    if status not in _UNSENT:
        fields |= {"first_sent_at": NOON, "last_sent_at": NOON, "lease_ended_at": NOON}
    if status.is_final:
        fields["finalized_at"] = NOON
    return Payout(**fields | changes)


def a_claimant(
    request: str = "canonical",
    actor: str = "worker",
    lease: timedelta = timedelta(minutes=3),
) -> Claimant:
    """
    One that sends this request, whatever is known.
    """
    return Claimant(lambda _draft: request, lease, actor, MERCHANT, FAST, timedelta(seconds=30))


def an_attempt(
    number: int = 1, outcome: AttemptOutcome | None = AttemptOutcome.NO_ANSWER, **changes: Any
) -> Attempt:
    """
    A transmission of payout 1, begun at noon; its id is its number.
    """
    fields: dict[str, Any] = {
        "id": number,
        "payout_id": 1,
        "number": number,
        "lease_token": f"lease-{number}",
        "started_at": NOON,
        "closed_at": None if outcome is None else NOON,
        "outcome": outcome,
    }
    return Attempt(**fields | changes)


def an_answer(**changes: Any) -> Answer:
    """
    A verified message that names all of our payout and says nothing of it.
    """
    fields: dict[str, Any] = {
        "verified": True,
        "meaning": Meaning.PROCESSED,
        "code": "0000",
        "merchant": MERCHANT,
        "number": NUMBER,
        "amount_fen": AMOUNT,
        "currency": "CNY",
    }
    return Answer(**fields | changes)


def a_trade(status: TradeStatus, **changes: Any) -> Answer:
    """
    A verified message with a trade status; a return names the whole amount.
    """
    fields: dict[str, Any] = {"trade_status": status, "trade_no": "JD1"}
    if status is TradeStatus.REFU:
        fields["refund_fen"] = AMOUNT
    return an_answer(**fields | changes)


def a_bare(meaning: Meaning, **changes: Any) -> Answer:
    """
    A verified answer that names nothing but its code, as JD's signed errors do.
    """
    fields: dict[str, Any] = {"verified": True, "meaning": meaning, "code": meaning.value.upper()}
    return Answer(**fields | changes)


def a_reply(answer: Answer, **changes: Any) -> Evidence:
    """
    The answer to attempt 1, which began at noon.
    """
    fields: dict[str, Any] = {"attempt_id": 1, "asked_at": NOON, "received_at": NOON}
    return _evidence(Source.REPLY, answer, fields | changes)


def a_query(answer: Answer, minutes: float = 1, **changes: Any) -> Evidence:
    """
    The answer to a query that was asked so many minutes after noon.
    """
    fields: dict[str, Any] = {"asked_at": at(minutes), "received_at": at(minutes)}
    return _evidence(Source.QUERY, answer, fields | changes)


def a_notification(answer: Answer, minutes: float = 1, **changes: Any) -> Evidence:
    """
    A notification that came so many minutes after noon.
    """
    return _evidence(Source.NOTIFICATION, answer, {"received_at": at(minutes)} | changes)


def not_found(minutes: float, **changes: Any) -> Evidence:
    """
    JD's signed word, to a query of that minute, that it knows no such trade.
    """
    return a_query(a_bare(Meaning.NOT_FOUND), minutes, **changes)


def a_case(kind: CaseKind, **changes: Any) -> Case:
    """
    An open case of payout 1.
    """
    fields: dict[str, Any] = {
        "id": 1,
        "kind": kind,
        "customer_no": MERCHANT,
        "out_trade_no": NUMBER,
        "opened_at": NOON,
        "payout_id": 1,
    }
    return Case(**fields | changes)


def a_dossier(
    payout: Payout | None = None,
    *evidence: Evidence,
    attempts: tuple[Attempt, ...] | None = None,
    cases: tuple[Case, ...] = (),
) -> Dossier:
    """
    All that is known: by default of a payout whose only attempt got no answer.

    Evidence is numbered as it is given, from 1.
    """
    payout = payout or a_payout()
    if attempts is None:
        attempts = () if payout.status in _UNSENT else (an_attempt(),)
    return Dossier(payout, attempts, numbered(evidence), cases)


def numbered(evidence: tuple[Evidence, ...]) -> tuple[Evidence, ...]:
    """
    The same evidence as the ledger would number it on arrival.
    """
    return tuple(replace(e, id=place, payout_id=1) for place, e in enumerate(evidence, 1))


def _evidence(source: Source, answer: Answer, changes: dict[str, Any]) -> Evidence:
    fields: dict[str, Any] = {"id": 1, "payout_id": 1, "source": source, "answer": answer}
    return Evidence(**fields | changes)
