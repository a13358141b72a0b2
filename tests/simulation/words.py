"""
What JD's messages hold, as fields: all that can be signed, told in truth or not.

A message is read by the product's own reader of the wire, so what that makes of an odd field is
part of every world; `fields_of` reads the same message again without it.
"""

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Protocol, TypeVar

from tests.factories import MERCHANT
from worker.jdpay import codes, times
from worker.jdpay.answer import believe
from worker.payouts.evidence import Answer, Meaning, TradeStatus

T = TypeVar("T")

#: One code for each meaning, as JD spells it.
CODES = {
    Meaning.PROCESSED: "0000",
    Meaning.DUPLICATE: "OUT_TRADE_NO_EXIST",
    Meaning.NOT_FOUND: "TRADE_NOT_EXIST",
    Meaning.NO_RESULT: "NO_RESULT",
    Meaning.PAYEE: "ILLEGAL_BANK_CARD_NO",
    Meaning.REQUEST: "ILLEGAL_ARGUMENT",
    Meaning.CHANNEL: "ILLEGAL_AUTHORITY",
    Meaning.BALANCE: "ACCOUNT_BALANCE_NOT_ENOUGH",
    Meaning.UNCLEAR: "SYSTEM_ERROR",
}

#: A status that is in no table of ours.
UNLISTED = "DEAL"

Fields = dict[str, str]


class Chooser(Protocol):
    """
    What draws one of several: a `Random`, or a strategy's `draw`.
    """

    def __call__(self, options: "list[T]") -> T:
        """
        One of them.
        """


def telling(
    number: str,
    amount_fen: int,
    status: str,
    *,
    code: str = CODES[Meaning.PROCESSED],
    trade_no: str | None = None,
    refund_fen: int | None = None,
    reason: str | None = None,
    dated: datetime | None = None,
) -> Fields:
    """
    A message about a trade, with all that belongs into it.
    """
    told = {
        "response_code": code,
        "customer_no": MERCHANT,
        "out_trade_no": number,
        "trade_amount": str(amount_fen),
        "trade_currency": "CNY",
        "trade_status": status,
        "trade_no": trade_no,
        "refund_amount": None if refund_fen is None else str(refund_fen),
        "trade_respcode": reason,
        "out_trade_date": None if dated is None else times.write(dated),
    }
    return {name: value for name, value in told.items() if value is not None}


def bare(meaning: Meaning) -> Fields:
    """
    A message that holds nothing but its code.
    """
    return {"response_code": CODES[meaning]}


def read(fields: Mapping[str, str]) -> Answer:
    """
    What the product makes of a message whose signature is good. A notification has no code.
    """
    code = fields.get("response_code", "")
    meaning = codes.look_up(code).meaning if code else Meaning.NONE
    return believe(fields, meaning, json.dumps(fields, sort_keys=True).encode())


def fields_of(answer: Answer) -> Fields:
    """
    What a stored message holds, past the product's reader; of one that was made up, what it says.
    """
    if answer.raw.startswith(b"{"):
        fields: Fields = json.loads(answer.raw)
        return fields
    said = {
        "response_code": CODES.get(answer.meaning, ""),
        "customer_no": answer.merchant,
        "out_trade_no": answer.number,
        "trade_amount": answer.amount_fen,
        "trade_currency": answer.currency,
        "trade_status": UNLISTED if answer.meaning is Meaning.UNREADABLE else answer.trade_status,
        "trade_no": answer.trade_no,
        "refund_amount": answer.refund_fen,
        "trade_respcode": answer.reason_code,
    }
    return {name: str(value) for name, value in said.items() if value not in {None, ""}}


def strange(fields: Fields, amount_fen: int, choose: Callable[[list[str]], str]) -> Fields:
    """
    The message with one to three of its fields missing, odd, or another's.
    """
    spoilt = dict(fields)
    for _ in range(int(choose(["1", "1", "2", "3"]))):
        name = choose(list(_strange(amount_fen)))
        value = choose(_strange(amount_fen)[name])
        spoilt.pop(name, None)
        if value:
            spoilt[name] = value
    return spoilt


def _strange(amount_fen: int) -> dict[str, list[str]]:
    """
    What each field may hold instead; nothing where it is missing.
    """
    part = str(max(1, amount_fen * 4 // 10))
    whole, more = str(amount_fen), str(amount_fen + 1)
    return {
        "trade_status": ["", *(s.value for s in TradeStatus), UNLISTED, "fini"],
        "response_code": [*CODES.values(), "A_NEW_CODE"],
        "refund_amount": ["", "0", part, whole, more, "1.5"],
        "trade_no": ["", "JD-other", "x" * 80],
        "trade_amount": ["", part, more, "0", "one"],
        "trade_currency": ["", "USD"],
        "customer_no": ["", "another"],
        "out_trade_no": ["", "P-another"],
    }
