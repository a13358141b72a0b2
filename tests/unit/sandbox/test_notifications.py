"""
What a notification holds, and to whom it may go.
"""

import hashlib
from datetime import UTC, datetime
from urllib.parse import parse_qsl

import pytest

from tests.unit.sandbox.orders import order
from worker.sandbox.behaviour import Cause, Notice, Status, Step
from worker.sandbox.notifications import form_of, post
from worker.sandbox.orders import Order
from worker.sandbox.scenarios import scenario_of

PAID_AT = datetime(2024, 1, 5, 1, 31, 2, tzinfo=UTC)
ALWAYS = {
    "trade_no",
    "merchant_no",
    "notify_datetime",
    "customer_no",
    "out_trade_no",
    "trade_class",
    "trade_status",
    "is_success",
    "card_type",
    "buyer_info",
    "seller_info",
    "trade_subject",
    "trade_amount",
    "trade_currency",
    "category_code",
    "return_params",
    "sign_type",
    "sign_data",
}
PAID = {
    "bank_code",
    "pay_tool",
    "refund_amount",
    "trade_pay_date",
    "trade_pay_time",
    "trade_finish_date",
    "trade_finish_time",
}


def form(step: Step, *, forged: bool = False) -> dict[str, str]:
    """
    The form that reports a step of the good order.
    """
    request = order()
    trade_no = "20240105100042000000000001"
    trade = Order(request, scenario_of(""), trade_no, PAID_AT, decided_at=PAID_AT)
    body = form_of(trade, Notice(PAID_AT, step, forged=forged), "test")
    return dict(parse_qsl(body.decode(), strict_parsing=True, keep_blank_values=True))


def signature(fields: dict[str, str]) -> str:
    """
    The signature that JD's rule gives, worked out here.
    """
    kept = sorted((n, v) for n, v in fields.items() if n not in {"sign_type", "sign_data"})
    text = "&".join(f"{n}={v}" for n, v in kept) + "test"
    return hashlib.sha1(text.encode()).hexdigest().upper()


def test_paid() -> None:
    """
    A success is told with its dates and a returned amount of zero.
    """
    fields = form(Step(PAID_AT, Status.FINI))

    assert fields.keys() == ALWAYS | PAID
    assert fields["sign_type"] == "SHA"
    assert fields["sign_data"] == signature(fields)
    assert (fields["trade_status"], fields["is_success"]) == ("FINI", "Y")
    assert fields["refund_amount"] == "0"
    assert fields["trade_pay_date"] == "Fri Jan 05 09:31:02 CST 2024"
    assert fields["buyer_info"] == '{"customerNo":"360080000000000001"}'
    assert fields["trade_subject"] == "测试代付 A+B"


def test_closed() -> None:
    """
    A closed trade is told as a success, without its reason: only its status counts.
    """
    fields = form(Step(PAID_AT, Status.CLOS, cause=Cause("BAC2000006", "账号不存在")))

    assert fields.keys() == ALWAYS
    assert (fields["trade_status"], fields["is_success"]) == ("CLOS", "Y")
    assert fields["sign_data"] == signature(fields)


def test_returned() -> None:
    """
    A return is told with its amount.
    """
    fields = form(Step(PAID_AT, Status.REFU, 6172))

    assert (fields["trade_status"], fields["refund_amount"]) == ("REFU", "6172")


def test_forged() -> None:
    """
    A forged notification's signature is not that of its fields.
    """
    fields = form(Step(PAID_AT, Status.CLOS), forged=True)

    assert fields["sign_data"] != signature(fields)


@pytest.mark.parametrize(
    "url",
    [
        "http://8.8.8.8/notify",
        "http://169.254.169.254/latest",
        "http://127.0.0.1:99999/",
        "http://[/",
        "http://0.0.0.1:1/",
    ],
)
def test_nobody_outside_is_called(url: str) -> None:
    """
    An address outside, a cloud's metadata service or no address at all is a failed delivery.
    """
    assert not post(url, b"")
