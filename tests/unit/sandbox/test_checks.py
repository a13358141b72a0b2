"""
The rules for fields, one breach at a time.
"""

import pytest

from tests.unit.sandbox.orders import order
from worker.sandbox.checks import PAY, Need, Refused, check

REQUIRED = [rule.name for rule in PAY if rule.need is Need.ALWAYS]


def refusal(fields: dict[str, str]) -> tuple[str, str]:
    """
    The code and the message that an order gets.
    """
    with pytest.raises(Refused) as refused:
        check(fields, PAY)
    return refused.value.code, refused.value.message


def test_good_orders_pass() -> None:
    """
    The smallest order, a company's order and one with every optional field are in order.
    """
    check(order(), PAY)
    check(order(payee_account_type="C", payee_bank_associated_code="308584000013"), PAY)
    check(
        order(
            notify_url="http://127.0.0.1:8000/jd/notify",
            biz_trade_no="B-1",
            out_trade_date="20240105T080000",
            seller_info='{"customer_code":"360080000000000001","customer_type":"CUSTOMER_NO"}',
            category_code="20jd222",
            trade_source="OUT_PC",
            payee_bank_fullname="招商银行",
            payee_bank_country_code="CHN",
            payee_id_type="ID",
            payee_id_no="11010119800101001X",
            payee_mobile="13800000000",
        ),
        PAY,
    )


@pytest.mark.parametrize(
    ("name", "value"),
    [
        # .NET clients leave out the T; a Java pattern with mm for MM writes minutes for the month.
        ("request_datetime", "20240105093000"),
        ("request_datetime", "20243005T093000"),
        ("out_trade_date", "20240105093000"),
        ("trade_source", "OUT_PC"),
        ("trade_source", "OUT_APP"),
        ("trade_source", "JDJR"),
    ],
)
def test_what_deployed_clients_send(name: str, value: str) -> None:
    """
    Forms that clients in production send, and that JD serves, are in order.
    """
    check(order(**{name: value}), PAY)


@pytest.mark.parametrize("name", REQUIRED)
def test_required_fields(name: str) -> None:
    """
    A missing field is named in the words of JD's own sample.
    """
    expected = ("ILLEGAL_ARGUMENT", f"提交的参数有误 ({name} is isRequired not null)")

    assert refusal(order(**{name: ""})) == expected


def test_the_required_fields_are_the_documented_ones() -> None:
    """
    The table demands what was seen to be the smallest working order.
    """
    assert set(REQUIRED) == set(order(return_params=""))


def test_a_company_needs_its_branch() -> None:
    """
    联行号, the branch's number, is demanded for a company alone.
    """
    message = "提交的参数有误 (payee_bank_associated_code is isRequired not null)"

    assert refusal(order(payee_account_type="C")) == ("ILLEGAL_ARGUMENT", message)


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [
        ("trade_amount", "0", "ILLEGAL_AMOUNT_FORMAT"),
        ("trade_amount", "-1", "ILLEGAL_AMOUNT_FORMAT"),
        ("trade_amount", "1.00", "ILLEGAL_AMOUNT_FORMAT"),
        ("trade_amount", "٣", "ILLEGAL_AMOUNT_FORMAT"),
        ("trade_amount", "1e3", "ILLEGAL_AMOUNT_FORMAT"),
        ("trade_currency", "USD", "ILLEGAL_TRADE_CURRENCY"),
        ("pay_tool", "ACCT", "ILLEGAL_PAY_TYPE"),
        ("request_datetime", "20246005T093000", "ILLEGAL_ARGUMENT"),
        ("request_datetime", "20240132T093000", "ILLEGAL_ARGUMENT"),
        ("request_datetime", "20240105T243000", "ILLEGAL_ARGUMENT"),
        ("request_datetime", "2024-01-05T09:30:00", "ILLEGAL_ARGUMENT"),
        ("request_datetime", "20240105 093000", "ILLEGAL_ARGUMENT"),
        ("trade_source", "OUT_WAP", "ILLEGAL_ARGUMENT"),
        ("request_datetime", "20240105T9300", "ILLEGAL_ARGUMENT"),
        ("out_trade_no", "PAYOUT 1", "ILLEGAL_ARGUMENT"),
        ("out_trade_no", "P" * 65, "ILLEGAL_ARGUMENT"),
        ("trade_subject", "题" * 101, "ILLEGAL_ARGUMENT"),
        ("trade_subject", "代付\n", "ILLEGAL_ARGUMENT"),
        ("payee_account_name", "张\0三", "ILLEGAL_ARGUMENT"),
        ("payee_account_no", "1" * 33, "ILLEGAL_ARGUMENT"),
        ("payee_account_type", "X", "ILLEGAL_ARGUMENT"),
        ("payee_card_type", "de", "ILLEGAL_ARGUMENT"),
        ("notify_url", "ftp://127.0.0.1/", "ILLEGAL_ARGUMENT"),
        ("notify_url", "http://127.0.0.1/" + "x" * 256, "ILLEGAL_ARGUMENT"),
        ("payee_bank_asociated_code", "308584000013", "ILLEGAL_ARGUMENT"),
    ],
)
def test_wrong_values(name: str, value: str, code: str) -> None:
    """
    A value of the wrong shape, or a field that JD does not know, is refused and named.
    """
    refused, message = refusal(order(**{name: value}))

    assert refused == code
    assert f"({name} is " in message
