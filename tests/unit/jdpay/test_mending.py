"""
A mended request pays the same money to the same payee under the same number.
"""

from dataclasses import replace

import pytest

from tests.factories import NOON, PAYEE, TERMS, an_order, at
from worker.jdpay.mending import differences
from worker.jdpay.request import render
from worker.payouts.errors import NotAllowed
from worker.payouts.mending import Difference
from worker.payouts.model import Order, Terms

ORDER = an_order()
SENT = render(ORDER, TERMS, NOON)


def test_what_may_be_mended_is_told_field_by_field() -> None:
    """
    Before and after, by name; the moment of the request is none.
    """
    order = replace(ORDER, subject="wages", biz_trade_no="B1")
    terms = replace(TERMS, notify_url="http://127.0.0.1:9/new")

    found = differences(SENT, render(order, terms, at(60)))

    assert found == (
        Difference("biz_trade_no", None, "B1"),
        Difference("notify_url", TERMS.notify_url, "http://127.0.0.1:9/new"),
        Difference("trade_subject", "提现", "wages"),
    )
    assert differences(SENT, render(ORDER, TERMS, at(60))) == ()
    assert "wages" not in repr(found)


@pytest.mark.parametrize(
    ("order", "terms", "field"),
    [
        (an_order("P2026030200002"), TERMS, "out_trade_no"),
        (replace(ORDER, amount_fen=1), TERMS, "trade_amount"),
        (replace(ORDER, currency="USD"), TERMS, "trade_currency"),
        (ORDER, replace(TERMS, customer_no="360080000000000002"), "customer_no"),
        *(
            (replace(ORDER, payee=replace(PAYEE, **{own: "1" * 12})), TERMS, name)
            for own, name in (
                ("account_no", "payee_account_no"),
                ("account_name", "payee_account_name"),
                ("bank_code", "payee_bank_code"),
                ("account_type", "payee_account_type"),
                ("card_type", "payee_card_type"),
                ("branch_code", "payee_bank_associated_code"),
                ("branch_name", "payee_bank_fullname"),
                ("mobile", "payee_mobile"),
                ("id_type", "payee_id_type"),
                ("id_no", "payee_id_no"),
            )
        ),
    ],
)
def test_another_payment_is_refused_and_no_value_told(
    order: Order, terms: Terms, field: str
) -> None:
    """
    Number, amount, currency, merchant, and everything of the payee.
    """
    with pytest.raises(NotAllowed) as refused:
        differences(SENT, render(order, terms, NOON))

    assert field in str(refused.value)
    assert "1" * 12 not in str(refused.value)
