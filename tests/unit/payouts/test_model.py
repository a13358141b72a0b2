"""
What the nouns say of themselves.
"""

from dataclasses import replace

import pytest

from tests.factories import PAYEE, an_answer, an_order
from worker.payouts.acceptance import differing
from worker.payouts.masking import mask


@pytest.mark.parametrize(
    ("account", "shown"),
    [
        ("6222021234567897312", "6222 **** **** 7312"),
        ("622202123456", "6222 **** **** 3456"),
        ("62220212345", "**** 45"),  # four and four would be most of it
        ("12345", "**** 45"),
    ],
)
def test_an_account_is_shown_masked(account: str, shown: str) -> None:
    """
    People see enough to recognise an account and not enough to use it.
    """
    assert shown == mask(account)


def test_a_payee_hides_itself() -> None:
    """
    The repr, which exceptions and logs may hold, names no person.
    """
    written = repr(PAYEE)

    assert not [v for v in ("7897312", "张三丰", "13812345678", "19900307") if v in written]


def test_an_answer_hides_its_raw_form() -> None:
    """
    A received message may hold payee data.
    """
    assert "6222" not in repr(an_answer(raw=b"6222021234567897312"))


def test_equal_orders_do_not_differ() -> None:
    """
    The same content is the same payout.
    """
    assert differing(an_order(), an_order()) == ()


@pytest.mark.parametrize(
    ("field", "other"),
    [
        ("amount_fen", 1),
        ("subject", "other"),
        ("obligation", "other"),
        ("producer", "other"),  # another producer's number
        ("biz_trade_no", "other"),
        ("return_params", "other"),
        ("metadata", {"a": "b"}),
    ],
)
def test_a_difference_is_named_by_its_field(field: str, other: object) -> None:
    """
    What differs is told by name.
    """
    assert (field,) == differing(an_order("P-1"), an_order("P-1", **{field: other}))


def test_payee_fields_are_named_without_values() -> None:
    """
    Another payee under the same number is told by the fields' names alone.
    """
    other = replace(PAYEE, account_no="6222021234567897313", account_name="李四")

    assert differing(an_order(), an_order(payee=other)) == (
        "payee.account_no",
        "payee.account_name",
    )
