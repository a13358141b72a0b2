"""
What a notification says, and who may be told.
"""

import contextlib
import http.client
import ipaddress
import json
import socket
import ssl
from urllib.parse import SplitResult, urlencode, urlsplit, urlunsplit

from worker.sandbox.behaviour import Notice
from worker.sandbox.dates import java, scrambled, utc_now
from worker.sandbox.keys import MERCHANT
from worker.sandbox.orders import Order
from worker.sandbox.replies import DEFAULT_CATEGORY, Fields
from worker.sandbox.signing import Signature, SignType, signed_as
from worker.sandbox.trade import Status

_MERCHANT_NO = "110000000001"
_TIMEOUT_SECONDS = 3.0
#: More than this is not an answer.
_ANSWER_BYTES = 1024


def fields_of(order: Order, notice: Notice) -> Fields:
    """
    The fields that report one step, unsigned. A closed trade is reported without a reason.
    """
    asked, step = order.request, notice.step
    holder = json.dumps({"customerNo": MERCHANT}, separators=(",", ":"))
    fields: dict[str, str | None] = {
        "trade_no": order.trade_no,
        "merchant_no": _MERCHANT_NO,
        "notify_datetime": scrambled(utc_now()),
        "customer_no": MERCHANT,
        "out_trade_no": order.number,
        "trade_class": "DEFY",
        "trade_status": step.status,
        "is_success": "Y",
        "card_type": asked["payee_card_type"],
        "buyer_info": holder,
        "seller_info": holder,
        "trade_subject": asked["trade_subject"],
        "trade_amount": asked["trade_amount"],
        "trade_currency": asked["trade_currency"],
        "category_code": asked.get("category_code", DEFAULT_CATEGORY),
        "biz_trade_no": asked.get("biz_trade_no"),
        "return_params": asked.get("return_params"),
    }
    if step.status is not Status.CLOS:
        paid_at = java(order.decided_at or step.at)
        fields |= {
            "bank_code": asked["payee_bank_code"],
            "pay_tool": asked["pay_tool"],
            "refund_amount": str(step.refund_fen),
            "trade_pay_date": paid_at,
            "trade_pay_time": paid_at,
            "trade_finish_date": java(step.at),
            "trade_finish_time": java(step.at),
        }
    return fields


def form_of(order: Order, notice: Notice, sign_key: str) -> bytes:
    """
    The form as it is posted. A forged one is signed by someone who does not have the key.
    """
    fields, signature = fields_of(order, notice), Signature.GOOD
    if notice.said:
        fields, signature = notice.said.over(fields), notice.said.signature
    elif notice.forged:
        signature = Signature.BAD
    signed = signed_as(fields, sign_key, SignType.SHA1, signature)
    return urlencode({name: value for name, value in signed.items() if value is not None}).encode()


def post(url: str, body: bytes) -> bool:
    """
    Deliver a form; whether the receiver acknowledged it. No answer is an answer like any other.
    """
    headers = {"Content-Type": "application/x-www-form-urlencoded; charset=UTF-8"}
    try:
        parts = urlsplit(url)
        target = urlunsplit(("", "", parts.path or "/", parts.query, ""))
        with contextlib.closing(_connection(parts)) as connection:
            connection.request("POST", target, body, headers)
            response = connection.getresponse()
            return response.status == http.client.OK and response.read(_ANSWER_BYTES) == b"success"
    except (OSError, ValueError, http.client.HTTPException):
        return False


def _connection(parts: SplitResult) -> http.client.HTTPConnection:
    """
    A connection to a private address; raises `ValueError` for any other.
    """
    host, port = parts.hostname or "", parts.port
    for *_, address in socket.getaddrinfo(host, port or parts.scheme, type=socket.SOCK_STREAM):
        if not _is_private(ipaddress.ip_address(address[0])):
            raise ValueError("the sandbox calls nobody outside")
    if parts.scheme == "https":
        context = ssl.create_default_context()
        return http.client.HTTPSConnection(host, port, timeout=_TIMEOUT_SECONDS, context=context)
    return http.client.HTTPConnection(host, port, timeout=_TIMEOUT_SECONDS)


def _is_private(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    # A link-local address would reach a cloud's metadata service.
    return address.is_private and not address.is_link_local
