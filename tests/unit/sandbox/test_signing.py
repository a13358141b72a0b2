"""
The signature, against examples that were computed elsewhere.
"""

import json

import pytest

from worker.sandbox.signing import SignType, canonical, is_signed, sign, with_signature

# The published error sample of JD's own demo; the others were made with `hashlib` alone.
SIGNED = [
    (
        {
            "response_code": "ILLEGAL_ARGUMENT",
            "response_message": "提交的参数有误 (pay_tool is isRequired not null)",
        },
        SignType.SHA256,
        "C35A463E712232ED9A8ACB655AC1CB70653672489CC89B1007F9BE90BB8D79DC",
    ),
    (
        {
            "customer_no": "360080000000000001",
            "notify_url": "https://payout.example.com/jd/notify",
            "out_trade_no": "PAYOUT20240105000001",
            "pay_tool": "TRAN",
            "payee_account_name": "张三",
            "payee_account_no": "6200000000000000001",
            "payee_account_type": "P",
            "payee_bank_code": "CMB",
            "payee_card_type": "DE",
            "request_datetime": "20240105T093000",
            "return_params": "batch+7",
            "seller_info": ('{"customer_code":"360080000000000001","customer_type":"CUSTOMER_NO"}'),
            "trade_amount": "12345",
            "trade_currency": "CNY",
            "trade_subject": "测试代付 A+B",
            "biz_trade_no": "",
            "sign_type": "SHA-256",
        },
        SignType.SHA256,
        "E11816666F8499824D12EB108BD45174CE817E13DAEAD2C2B214307808F46415",
    ),
    (
        {
            "customer_no": "360080000000000001",
            "out_trade_no": "PAYOUT20240105000001",
            "request_datetime": "20240105T100000",
            "trade_type": "T_AGD",
        },
        SignType.SHA256,
        "C3D2434E43E80414C839D7F0A998439017E42BD359AA07167B9DF66B3E4E6AD2",
    ),
    (
        {
            "buyer_info": ('{"customer_code":"360080000000000001","customer_type":"CUSTOMER_NO"}'),
            "customer_no": "360080000000000001",
            "ledger_type": "00",
            "out_trade_date": "20240105T080000",
            "out_trade_no": "BAL20240105080000",
            "query_type": "BUSINESS_BASIC",
            "request_datetime": "20240105T080000",
        },
        SignType.SHA256,
        "4CE9B7783041EEABBC0579961BD41DA6B2F232A9EBB39C0C11A4D7BB70B2AEB1",
    ),
    (
        {
            "customer_no": "360080000000000001",
            "out_trade_no": "PAYOUT20240105000001",
            "response_code": "0000",
            "response_datetime": "20240105T093001",
            "response_message": "成功",
            "return_params": "batch+7",
            "trade_amount": "12345",
            "trade_currency": "CNY",
            "trade_no": "20240105100042000000000001",
            "trade_status": "WPAR",
        },
        SignType.SHA256,
        "0870A3CBB8D242D173A6EDED0E4C28BDCA8E9E7B374D00783F7568BCCBBE8CF8",
    ),
    (
        {
            "bank_code": "CMB",
            "buyer_info": "{}",
            "card_type": "DE",
            "category_code": "20EN0401",
            "customer_no": "360080000000000001",
            "is_success": "Y",
            "merchant_no": "110000000001",
            "notify_datetime": "20243105T092401120",
            "out_trade_no": "PAYOUT20240105000001",
            "pay_tool": "TRAN",
            "refund_amount": "0",
            "return_params": "batch+7",
            "seller_info": '{"customerNo":"360080000000000001"}',
            "trade_amount": "12345",
            "trade_class": "DEFY",
            "trade_currency": "CNY",
            "trade_no": "20240105100042000000000001",
            "trade_pay_date": "Fri Jan 05 09:31:02 CST 2024",
            "trade_pay_time": "Fri Jan 05 09:31:02 CST 2024",
            "trade_status": "FINI",
            "trade_subject": "测试代付 A+B",
        },
        SignType.SHA1,
        "59EB289556E579DE055C006CB7D829B818CDF5C4",
    ),
]

CLOSED_REPLY = (
    r'{"customer_no":"360080000000000001","out_trade_no":"PAYOUT20240105000002",'
    r'"biz_trade_no":"PAYOUT20240105000002","out_trade_date":"Fri Jan 05 09:30:00 CST 2024",'
    r'"trade_class":"DEFY","trade_subject":"测试代付","trade_no":"20240105100042000000000002",'
    r'"seller_info":"{\"customer_type\":\"CUSTOMER_NO\"}","buyer_info":"{\"customer_code\":'
    r'\"360080000000000001\",\"customer_type\":\"CUSTOMER_NO\"}","trade_amount":"100",'
    r'"trade_currency":"CNY","refund_amount":null,"category_code":"20EN0401",'
    r'"confirm_amount":null,"trade_respcode":"ACC3030007","trade_respmsg":'
    r'"账务申请失败:360080000000000001000801:可用余额不足","trade_status":"CLOS",'
    r'"trade_pay_date":"Fri Jan 05 09:30:01 CST 2024","trade_pay_time":null,"pay_tool":"TRAN",'
    r'"bank_code":"CMB","card_type":"DE","trade_finish_date":"Fri Jan 05 09:30:01 CST 2024",'
    r'"response_datetime":"20240105T100001","response_code":"0000","response_message":"成功",'
    r'"sign_type":"SHA-256","sign_data":'
    r'"93E784E1AC81E1D4CED550CE5B41095D1E83058812EC77A04E5447C08E94CAF3"}'
)


@pytest.mark.parametrize(("fields", "sign_type", "expected"), SIGNED)
def test_known_signatures(fields: dict[str, str], sign_type: SignType, expected: str) -> None:
    """
    Every known message gets its known signature.
    """
    assert sign(canonical(fields), "test", sign_type) == expected


def test_nulls_are_not_signed() -> None:
    """
    A reply with nulls and with its own signature in it is signed over the rest alone.
    """
    reply = json.loads(CLOSED_REPLY)

    assert with_signature(reply, "test", SignType.SHA256) == reply


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("", ""),
        (" \t\r\n", ""),
        # Java's trim leaves the ideographic space alone.
        ("\u3000", "a=\u3000"),
        # Only blank values are dropped: none is trimmed.
        (" x ", "a= x "),
    ],
)
def test_blank_values_are_left_out(value: str, expected: str) -> None:
    """
    A value counts as blank when Java would say so.
    """
    assert canonical({"a": value}) == expected


@pytest.mark.parametrize("name", ["sign_type", "SIGN_DATA", "Encrypt_Type", "encrypt_data", "salt"])
def test_protection_is_not_signed(name: str) -> None:
    """
    The fields that protect the message are not part of it, however they are written.
    """
    assert canonical({name: "x", "a": "1"}) == "a=1"


def test_a_request_is_signed_in_upper_case() -> None:
    """
    A signature in lower case is none: whether JD takes it is not known.
    """
    fields, _, signature = SIGNED[2]
    text = canonical(fields)

    assert is_signed(text, signature, "test")
    assert not is_signed(text, signature.lower(), "test")
    assert not is_signed(text, "签", "test")
