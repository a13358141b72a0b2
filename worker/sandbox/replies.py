"""
What the gateway says: signed JSON, or one of the ways not to answer.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from worker.sandbox.behaviour import Status, Step
from worker.sandbox.dates import compact, java, read_compact
from worker.sandbox.keys import MEMBER
from worker.sandbox.orders import Order
from worker.sandbox.signing import SignType, with_signature

Fields = Mapping[str, str | None]

#: What JD fills in when a request names no product class.
DEFAULT_CATEGORY = "20EN0401"


@dataclass(frozen=True, slots=True)
class Page:
    """
    A whole HTTP answer.
    """

    status: int
    content_type: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Cut:
    """
    The connection is closed without a byte.
    """


@dataclass(frozen=True, slots=True)
class Held:
    """
    The connection stays open, silent, and is closed in the end.
    """


Answer = Page | Cut | Held

BAD_GATEWAY = Page(
    502, "text/html", b"<html><head><title>502 Bad Gateway</title></head><body>502</body></html>"
)
HTML_PAGE = Page(200, "text/html", b"<html><body><h1>System upgrade</h1></body></html>")


def json_page(document: object) -> Page:
    """
    A JSON document with HTTP 200.
    """
    body = json.dumps(document, ensure_ascii=False).encode()
    return Page(200, "application/json;charset=UTF-8", body)


def signed_page(fields: Fields, key: str) -> Page:
    """
    A reply of the payment interface.
    """
    return json_page(with_signature(fields, key, SignType.SHA256))


def plain(code: str, message: str) -> Fields:
    """
    A reply that says nothing but its code, as JD's own sample of an error.
    """
    return {"response_code": code, "response_message": message}


def common(code: str, message: str, out_trade_no: str | None, now: datetime) -> Fields:
    """
    What a reply to a good request carries in any case.
    """
    return {
        "customer_no": MEMBER,
        "out_trade_no": out_trade_no,
        "response_datetime": compact(now),
        "response_code": code,
        "response_message": message,
    }


def submitted(order: Order, code: str, message: str, now: datetime) -> Fields:
    """
    The reply that names a trade: the one just made, or the original of a duplicate.
    """
    asked = order.request
    return {
        **common(code, message, order.number, now),
        "trade_no": order.trade_no,
        "trade_status": order.step.status if order.step else Status.WPAR,
        "trade_amount": asked["trade_amount"],
        "trade_currency": asked["trade_currency"],
        # What was not sent is not echoed, not even as null.
        **({"return_params": asked["return_params"]} if "return_params" in asked else {}),
    }


def queried(order: Order, step: Step, now: datetime) -> Fields:
    """
    The answer about a booked trade.
    """
    asked = order.request
    return {
        **submitted(order, "0000", "成功", now),
        "biz_trade_no": asked.get("biz_trade_no", order.number),
        "trade_class": "DEFY",
        "trade_subject": asked["trade_subject"],
        "refund_amount": str(step.refund_fen) if step.refund_fen else None,
        "confirm_amount": None,
        "trade_respcode": step.cause.code if step.cause else None,
        "trade_respmsg": step.cause.message if step.cause else None,
        "out_trade_date": java(_traded_at(order)),
        "trade_pay_date": java(order.decided_at) if order.decided_at else None,
        "trade_pay_time": None,
        "trade_finish_date": java(step.at) if order.decided_at else None,
        "trade_finish_time": None,
        "buyer_info": json.dumps(
            {"customer_code": MEMBER, "customer_type": "CUSTOMER_NO"}, separators=(",", ":")
        ),
        "seller_info": '{"customer_type":"CUSTOMER_NO"}',
        "pay_tool": asked["pay_tool"],
        "bank_code": asked["payee_bank_code"],
        "card_type": asked["payee_card_type"],
        "category_code": asked.get("category_code", DEFAULT_CATEGORY),
    }


def _traded_at(order: Order) -> datetime:
    """
    When the merchant says it was ordered, or when it came if what it says is no date.
    """
    asked = order.request
    try:
        return read_compact(asked.get("out_trade_date") or asked["request_datetime"])
    except ValueError:
        return order.received_at
