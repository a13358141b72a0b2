import base64
import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.unit.jdpay.conftest import Openssl
from tests.unit.jdpay.test_answer import signed
from worker.jdpay.certificates import load_jd, load_merchant
from worker.jdpay.client import JdPayClient
from worker.jdpay.errors import NoBalance, UnsafeValue
from worker.jdpay.signature import SignKey
from worker.jdpay.transport import Transport
from worker.payouts.errors import NotSent
from worker.payouts.evidence import TradeStatus
from worker.payouts.model import Order, Payee, Terms
from worker.usecases.ports import Gateway

TERMS = Terms(
    profile="sandbox",
    customer_no="360080000000000001",
    gateway_url="https://mapi.example.com/npp10/",
    notify_url="https://payout.example.com/jd/notify",
)
PAYEE = Payee("6200000000000000001", "张三", "CMB", "P", "DE")
ORDER = Order("PAYOUT20240105000001", 12345, "测试代付 A+B", PAYEE, obligation="1")
AT = datetime(2024, 1, 5, 1, 30, tzinfo=UTC)


class Wire:
    """
    Stands for the transport: keeps what is posted and answers with `reply`.
    """

    def __init__(self, reply: bytes = b"{}") -> None:
        self.reply = reply
        self.url = ""
        self.fields: dict[str, str] = {}
        self.questions = 0

    def post(
        self, url: str, fields: Mapping[str, str], before_connect: Callable[[], None]
    ) -> bytes:
        """
        Record a request.
        """
        before_connect()
        self.url, self.fields = url, dict(fields)
        return self.reply

    def ask(self, url: str, fields: Mapping[str, str]) -> bytes:
        """
        Record what may be repeated.
        """
        self.questions += 1
        return self.post(url, fields, lambda: None)


@pytest.fixture
def wire(monkeypatch: pytest.MonkeyPatch) -> Wire:
    """
    What the client posts to.
    """
    wire = Wire()
    monkeypatch.setattr(Transport, "post", lambda _, *arguments: wire.post(*arguments))
    monkeypatch.setattr(Transport, "ask", lambda _, *arguments: wire.ask(*arguments))
    return wire


@pytest.fixture
def client(wire: Wire, keys: Path, pfx: Callable[..., bytes], key: SignKey) -> JdPayClient:
    """
    A client of the throw-away merchant.
    """
    return JdPayClient(
        key=key,
        merchant=load_merchant(pfx(), "secret1"),
        jd_certificate=load_jd((keys / "jd.crt").read_bytes()),
        transport=Transport(),
        addresses=frozenset({TERMS.gateway_url.rstrip("/")}),
        clock=lambda: AT,
    )


def test_it_is_a_gateway(client: JdPayClient) -> None:
    """
    The client has the shape that the domain asks for.
    """
    gateway: Gateway = client

    assert gateway is client


def test_smallest_request(client: JdPayClient) -> None:
    """
    The request is the smallest set that production clients sent, its time Beijing's.
    """
    assert client.render(ORDER, TERMS, AT) == (
        "customer_no=360080000000000001&notify_url=https://payout.example.com/jd/notify"
        "&out_trade_no=PAYOUT20240105000001&pay_tool=TRAN&payee_account_name=张三"
        "&payee_account_no=6200000000000000001&payee_account_type=P&payee_bank_code=CMB"
        "&payee_card_type=DE&request_datetime=20240105T093000&trade_amount=12345"
        "&trade_currency=CNY&trade_subject=测试代付 A+B"
    )


def test_full_request(client: JdPayClient) -> None:
    """
    What the order names beyond that is sent under JD's names.
    """
    payee = replace(
        PAYEE,
        branch_code="308584001024",
        branch_name="招商银行深圳分行",
        mobile="13800000000",
        id_type="ID",
        id_no="110101199001010000",
    )
    order = replace(ORDER, payee=payee, biz_trade_no="B1", return_params="batch+7")
    fields = dict(part.split("=", 1) for part in client.render(order, TERMS, AT).split("&"))
    smallest = dict(part.split("=", 1) for part in client.render(ORDER, TERMS, AT).split("&"))

    assert {name: fields[name] for name in fields.keys() - smallest.keys()} == {
        "payee_bank_associated_code": "308584001024",
        "payee_bank_fullname": "招商银行深圳分行",
        "payee_mobile": "13800000000",
        "payee_id_type": "ID",
        "payee_id_no": "110101199001010000",
        "biz_trade_no": "B1",
        "return_params": "batch+7",
    }


def test_unsafe_order(client: JdPayClient) -> None:
    """
    A payee name that would add a field is refused before anything is stored.
    """
    order = replace(ORDER, payee=replace(PAYEE, account_name="张三&trade_amount=1"))
    with pytest.raises(UnsafeValue, match="payee_account_name"):
        client.render(order, TERMS, AT)


def test_submit(client: JdPayClient, wire: Wire, keys: Path, openssl: Openssl) -> None:
    """
    The stored text goes out signed and sealed, and openssl finds exactly that text inside.
    """
    text = client.render(ORDER, TERMS, AT)
    wire.reply = signed(response_code="0000", trade_status="WPAR")
    asked: list[int] = []
    answer = client.submit(text, TERMS, lambda: asked.append(1))
    inner = openssl(
        *("cms", "-decrypt", "-inform", "DER", "-binary"),
        *("-inkey", keys / "jd.key", "-recip", keys / "jd.crt"),
        stdin=base64.b64decode(wire.fields.pop("encrypt_data")),
    )
    digest = openssl("dgst", "-sha256", "-r", stdin=(text + "test").encode())

    assert openssl("cms", "-verify", "-inform", "DER", "-noverify", stdin=inner) == text.encode()
    assert (asked, wire.questions) == ([1], 0)
    assert answer.trade_status is TradeStatus.WPAR
    assert wire.url == "https://mapi.example.com/npp10/defray_pay"
    assert wire.fields == {
        "customer_no": "360080000000000001",
        "sign_type": "SHA-256",
        "sign_data": digest[:64].decode().upper(),
        "encrypt_type": "RSA",
    }


def test_query(client: JdPayClient, wire: Wire) -> None:
    """
    A query is signed, in clear, and always names its trade type.
    """
    client.query("PAYOUT20240105000001", TERMS, datetime(2024, 1, 5, 2, tzinfo=UTC))

    assert (wire.url, wire.questions) == ("https://mapi.example.com/npp10/trade_query", 1)
    assert wire.fields == {
        "customer_no": "360080000000000001",
        "out_trade_no": "PAYOUT20240105000001",
        "request_datetime": "20240105T100000",
        "trade_type": "T_AGD",
        "sign_type": "SHA-256",
        "sign_data": "C3D2434E43E80414C839D7F0A998439017E42BD359AA07167B9DF66B3E4E6AD2",
    }


def test_balance(client: JdPayClient, wire: Wire) -> None:
    """
    The balance is what is in the account and not frozen.
    """
    wire.reply = signed(response_code="0000", account_amount="500", frozen_amount="200")

    assert client.balance(TERMS, datetime(2024, 1, 5, tzinfo=UTC)) == 300
    assert wire.fields["sign_data"] == (
        "4CE9B7783041EEABBC0579961BD41DA6B2F232A9EBB39C0C11A4D7BB70B2AEB1"
    )


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (b"<html>", "garbled"),
        (json.dumps({"response_code": "ILLEGAL_SIGN"}).encode(), "does not verify.*sign key"),
        (signed(response_code="ILLEGAL_CLIENT_IP"), "register our address"),
        (signed(response_code="0000", account_amount="5.00"), "decimal digits"),
    ],
)
def test_no_balance(reply: bytes, said: str, client: JdPayClient, wire: Wire) -> None:
    """
    Without a balance the error says why, and what to do.
    """
    wire.reply = reply
    with pytest.raises(NoBalance, match=said):
        client.balance(TERMS, AT)


def test_secrets_are_hidden(client: JdPayClient) -> None:
    """
    Nothing secret is in the client's repr.
    """
    assert "test" not in repr(client)


@pytest.mark.parametrize(
    "url", ["https://npp.example.com", "https://mapi.example.com", TERMS.gateway_url + "more"]
)
@pytest.mark.parametrize("call", ["submit", "query", "balance"])
def test_nothing_goes_to_an_address_that_the_settings_do_not_name(
    client: JdPayClient, wire: Wire, url: str, call: str
) -> None:
    """
    Whatever a row says: no connection is made, so it is provably safe to try again.
    """
    terms = replace(TERMS, gateway_url=url)
    calls: dict[str, Callable[[], object]] = {
        "submit": lambda: client.submit(client.render(ORDER, terms, AT), terms, lambda: None),
        "query": lambda: client.query(ORDER.out_trade_no, terms, AT),
        "balance": lambda: client.balance(terms, AT),
    }
    with pytest.raises(NotSent, match="foreign_address"):
        calls[call]()

    assert wire.url == ""
