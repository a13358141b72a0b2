"""
What the gateway refuses, over real HTTPS.
"""

import base64
from datetime import UTC, datetime

import pytest
import requests

from tests.integration.sandbox.client import Client, canonical, sign, signed, verified
from tests.unit.sandbox.openssl import ENCRYPT, SIGN
from tests.unit.sandbox.orders import MEMBER, order

PAY = "/npp10/defray_pay"


def code(response: requests.Response) -> str:
    """
    The code of a signed reply.
    """
    return str(verified(response)["response_code"])


def test_acceptance(client: Client, number: str) -> None:
    """
    A good order is accepted and waits for the bank.
    """
    reply = client.pay(out_trade_no=number)

    assert reply.pop("response_datetime")
    assert reply.pop("sign_data")
    assert len(reply.pop("trade_no")) == 26
    assert reply == {
        "customer_no": MEMBER,
        "out_trade_no": number,
        "response_code": "0000",
        "response_message": "成功",
        "trade_status": "WPAR",
        "trade_amount": "12345",
        "trade_currency": "CNY",
        "return_params": "batch+7",
        "sign_type": "SHA-256",
    }


def test_missing_field_is_jds_own_sample(client: Client) -> None:
    """
    An order without pay_tool gets, to the byte, the reply that JD published.
    """
    assert client.pay(pay_tool="") == {
        "response_code": "ILLEGAL_ARGUMENT",
        "response_message": "提交的参数有误 (pay_tool is isRequired not null)",
        "sign_type": "SHA-256",
        "sign_data": "C35A463E712232ED9A8ACB655AC1CB70653672489CC89B1007F9BE90BB8D79DC",
    }


@pytest.mark.parametrize("name", ["sign_type", "sign_data", "encrypt_type", "encrypt_data"])
def test_missing_protection(client: Client, name: str) -> None:
    """
    An outer form without one of its fields is refused, and the field is named.
    """
    form = client.sealed(order())
    del form[name]
    reply = verified(client.post(PAY, form))

    assert reply["response_code"] == "ILLEGAL_ARGUMENT"
    assert name in reply["response_message"]


def test_unknown_member(client: Client) -> None:
    """
    Only the one member is known.
    """
    form = {**client.sealed(order()), "customer_no": "360080000000000002"}

    assert code(client.post(PAY, form)) == "CUSTOMER_NOT_EXIST"


def test_inner_member_differs(client: Client) -> None:
    """
    The member in the envelope must be the one outside it.
    """
    form = client.sealed(order(customer_no="360080000000000002"))

    assert code(client.post(PAY, form)) == "ILLEGAL_SIGN"


def test_wrong_signature(client: Client) -> None:
    """
    A signature of other fields is refused.
    """
    form = {**client.sealed(order()), "sign_data": sign("other=fields")}

    assert code(client.post(PAY, form)) == "ILLEGAL_SIGN"


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(canonical(order()) + "&zz=", id="an empty value"),
        pytest.param("trade_no=1&" + canonical(order()), id="not sorted"),
        pytest.param(canonical(order()) + "\n", id="a line break"),
    ],
)
def test_plaintext_is_not_canonical(client: Client, text: str) -> None:
    """
    What is in the envelope must be the canonical string itself, even if its signature fits.
    """
    sealed = client.merchant.seal(text.encode())
    form = {**client.sealed(order()), "sign_data": sign(text), "encrypt_data": sealed}

    assert code(client.post(PAY, form)) in {"ILLEGAL_SIGN", "ILLEGAL_ARGUMENT"}


@pytest.mark.parametrize("encrypt_data", ["AAAA", "not base64", "签"])
def test_no_envelope(client: Client, encrypt_data: str) -> None:
    """
    What cannot be opened is refused.
    """
    form = {**client.sealed(order()), "encrypt_data": encrypt_data}

    assert code(client.post(PAY, form)) == "ILLEGAL_SECURITY_PROFILE"


def test_text_that_is_not_utf8(client: Client) -> None:
    """
    An envelope around other than UTF-8 is refused.
    """
    sealed = client.merchant.seal("张三".encode("gbk"))

    form = {**client.sealed(order()), "encrypt_data": sealed}

    assert code(client.post(PAY, form)) == "ILLEGAL_SECURITY_PROFILE"


def test_plus_that_became_a_space(client: Client, number: str) -> None:
    """
    An envelope that was not percent-encoded does not arrive.
    """
    form = client.sealed(order(out_trade_no=number))
    raw = "&".join(f"{name}={value}" for name, value in form.items())
    if "+" not in raw:
        raw = raw.replace("encrypt_data=", "encrypt_data=+")
    answer = requests.post(
        f"{client.sandbox.origin}{PAY}", data=raw, verify=client.ca_file, timeout=5
    )

    assert code(answer) == "ILLEGAL_SECURITY_PROFILE"


def test_a_stream_of_pieces(client: Client) -> None:
    """
    An envelope in pieces, which JD's own library cannot read, is refused.
    """
    signed_message = client.merchant.sign(canonical(order()).encode(), *SIGN)
    streamed = client.merchant.encrypt(signed_message, *ENCRYPT, "-stream")
    form = {**client.sealed(order()), "encrypt_data": base64.b64encode(streamed).decode()}

    assert code(client.post(PAY, form)) == "ILLEGAL_SECURITY_PROFILE"


def test_wrong_amount(client: Client) -> None:
    """
    An amount with a point is refused by its own code.
    """
    assert client.pay(trade_amount="123.45")["response_code"] == "ILLEGAL_AMOUNT_FORMAT"


def test_refusals_book_nothing(client: Client, number: str) -> None:
    """
    A number that was refused is still unknown, and can be used.
    """
    client.pay(out_trade_no=number, payee_bank_code="")

    assert client.query(number)["response_code"] == "TRADE_NOT_EXIST"
    assert client.pay(out_trade_no=number)["response_code"] == "0000"


def test_duplicate_names_the_original(client: Client, number: str) -> None:
    """
    A number that comes again, even with another amount, is answered with the original trade.
    """
    first = client.pay(out_trade_no=number)
    before = client.books()
    again = client.pay(out_trade_no=number, trade_amount="99")
    after = client.books()

    assert again["response_code"] == "OUT_TRADE_NO_EXIST"
    assert [again[name] for name in ("trade_no", "trade_amount")] == [first["trade_no"], "12345"]
    assert again["trade_status"] in {"WPAR", "FINI"}
    assert again["trade_currency"] == "CNY"
    assert after["conflicting"] == before["conflicting"] + 1
    assert after["refused_duplicates"] == before["refused_duplicates"] + 1
    assert after["duplicates"] == 0


def test_no_return_params(client: Client, number: str) -> None:
    """
    What an order did not send is not echoed in any reply about it.
    """
    first = client.pay(out_trade_no=number, return_params="")
    again = client.pay(out_trade_no=number, return_params="batch 8")

    assert (first["response_code"], again["response_code"]) == ("0000", "OUT_TRADE_NO_EXIST")
    assert all("return_params" not in reply for reply in (first, again, client.query(number)))


@pytest.mark.parametrize("moment", ["20240105093000", "20243005T093000"])
def test_deployed_clients_dates(client: Client, number: str, moment: str) -> None:
    """
    An order dated as deployed clients date it is taken and can be asked about.
    """
    taken = client.pay(out_trade_no=number, request_datetime=moment, trade_source="JDJR")
    found = client.query(number, request_datetime=moment)

    assert (taken["response_code"], found["response_code"]) == ("0000", "0000")
    dated = datetime.strptime(found["out_trade_date"], "%a %b %d %H:%M:%S CST %Y")  # noqa: DTZ007
    # Minutes for the month give no date: then it is when the order came.
    assert dated.year == (2024 if moment == "20240105093000" else datetime.now(UTC).year)


def test_query_without_its_type(client: Client, number: str) -> None:
    """
    A query without trade_type, as JD's own demos send it, is answered.
    """
    client.pay(out_trade_no=number)

    assert client.query(number, trade_type="")["response_code"] == "0000"


def test_query_with_a_wrong_type(client: Client) -> None:
    """
    A query with any other trade_type gets a gateway error, not a reply.
    """
    fields = {
        "customer_no": MEMBER,
        "request_datetime": "20240105T100000",
        "out_trade_no": "P1",
        "trade_type": "T_DEFY",
    }
    answer = client.post("/npp10/trade_query", signed(fields))

    assert (answer.status_code, answer.headers["Content-Type"]) == (502, "text/html")


def test_query_that_names_nothing(client: Client) -> None:
    """
    A query names one of the two numbers.
    """
    fields = {"customer_no": MEMBER, "request_datetime": "20240105T100000", "trade_type": "T_AGD"}
    reply = verified(client.post("/npp10/trade_query", signed(fields)))

    assert reply["response_code"] == "ILLEGAL_ARGUMENT"
    assert "out_trade_no" in reply["response_message"]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"sign_data": "0" * 64}, "ILLEGAL_SIGN"),
        ({"customer_no": "360080000000000002"}, "CUSTOMER_NOT_EXIST"),
        ({"sign_type": "SHA"}, "ILLEGAL_ARGUMENT"),
    ],
)
def test_query_with_wrong_protection(
    client: Client, changes: dict[str, str], expected: str
) -> None:
    """
    A query is checked as an order is.
    """
    fields = {
        "customer_no": MEMBER,
        "request_datetime": "20240105T100000",
        "trade_type": "T_AGD",
        "out_trade_no": "P1",
    }

    assert code(client.post("/npp10/trade_query", {**signed(fields), **changes})) == expected


def test_query_of_a_stranger(client: Client) -> None:
    """
    A number that was never sent does not exist.
    """
    assert client.query("PAYOUT_NEVER_SENT")["response_code"] == "TRADE_NOT_EXIST"


def test_query_by_jds_number(client: Client, number: str) -> None:
    """
    A trade is found by JD's number too.
    """
    trade_no = client.pay(out_trade_no=number)["trade_no"]

    assert client.query("", trade_no=trade_no)["out_trade_no"] == number


ACCOUNT = {
    "customer_no": MEMBER,
    "request_datetime": "20240105T080000",
    "out_trade_no": "BAL20240105080000",
    "out_trade_date": "20240105T080000",
    "buyer_info": '{"customer_code":"360080000000000001","customer_type":"CUSTOMER_NO"}',
    "query_type": "BUSINESS_BASIC",
    "ledger_type": "00",
}


def test_balance(client: Client, number: str) -> None:
    """
    The balance falls by the amount and the fee of an order, and is the books' own.
    """
    before = verified(client.post("/npp10/account_query", signed(ACCOUNT)))
    client.pay(out_trade_no=number, trade_amount="7")
    after = verified(client.post("/npp10/account_query", signed(ACCOUNT)))

    assert int(before["account_amount"]) - int(after["account_amount"]) == 107
    assert (after["frozen_amount"], after["account_currency"]) == ("0", "CNY")
    assert after["out_trade_no"] == "BAL20240105080000"
    assert int(after["account_amount"]) == client.books()["balance_fen"]


def test_balance_under_a_uuid(client: Client) -> None:
    """
    The question's own number may be any unique id.
    """
    unique = "3f2b8a64-9d0c-4b7e-8a35-1c2d3e4f5a6b"
    reply = verified(
        client.post("/npp10/account_query", signed({**ACCOUNT, "out_trade_no": unique}))
    )

    assert (reply["response_code"], reply["out_trade_no"]) == ("0000", unique)


@pytest.mark.parametrize(
    "changes",
    [
        {"query_type": "OTHER"},
        {"ledger_type": "01"},
        {"buyer_info": '{"customer_code":"360080000000000002","customer_type":"CUSTOMER_NO"}'},
        {"buyer_info": "{x}"},
        {"out_trade_date": "yesterday"},
    ],
)
def test_balance_with_wrong_fields(client: Client, changes: dict[str, str]) -> None:
    """
    A wrong field is named.
    """
    reply = verified(client.post("/npp10/account_query", signed({**ACCOUNT, **changes})))

    assert reply["response_code"] == "ILLEGAL_ARGUMENT"
    assert next(iter(changes)) in reply["response_message"]


@pytest.mark.parametrize("path", ["/npp10/refund", "/npp10/defray_pay/", "/"])
def test_unknown_path(client: Client, path: str) -> None:
    """
    A wrong address is answered as JD answers it.
    """
    reply = verified(client.post(path, {}))

    assert reply["response_code"] == "API0000003"
    assert reply["response_message"] == "未能找到合适的接口"


def test_a_field_that_comes_twice(client: Client) -> None:
    """
    A form with two values for one name is refused.
    """
    url = f"{client.sandbox.origin}{PAY}"
    answer = requests.post(url, data="a=1&a=2", verify=client.ca_file, timeout=5)

    assert code(answer) == "ILLEGAL_ARGUMENT"


@pytest.mark.parametrize("body", ["a=%FF", "a=签".encode()])
def test_wrong_charset(client: Client, body: str | bytes) -> None:
    """
    A form that is not percent-encoded UTF-8 is refused.
    """
    url = f"{client.sandbox.origin}{PAY}"
    answer = requests.post(url, data=body, verify=client.ca_file, timeout=5)

    assert code(answer) == "ILLEGAL_CHARSET"


def test_a_large_body(client: Client) -> None:
    """
    A body of more than 64 KiB is not read.
    """
    assert client.post(PAY, {"a": "x" * 65_536}).status_code == 413


def test_wrong_switches(client: Client) -> None:
    """
    A switch that does not exist, or is neither on nor off, is refused.
    """
    url = f"{client.sandbox.origin}/sandbox/switches"
    for body in (b"{", b"[]", b'{"drop_all": true}', b'{"drop_replies": 1}'):
        answer = requests.post(url, data=body, verify=client.ca_file, timeout=5)

        assert answer.status_code == 400


def test_health(client: Client) -> None:
    """
    It says that it is there.
    """
    url = f"{client.sandbox.origin}/sandbox/health"

    assert requests.get(url, verify=client.ca_file, timeout=5).json() == {"status": "ok"}


def test_the_books_name_no_account(client: Client, number: str) -> None:
    """
    No account number and no name is in the books' page.
    """
    client.pay(out_trade_no=number, payee_account_no="6222020200112233445")
    url = f"{client.sandbox.origin}/sandbox/books"
    page = requests.get(url, verify=client.ca_file, timeout=5).text

    assert number in page
    assert "6222020200112233445" not in page
    assert "张三" not in page
