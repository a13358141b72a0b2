import hashlib
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.unit.jdpay.conftest import SIGNATURES, VECTORS
from worker.jdpay.answer import from_reply
from worker.jdpay.signature import SignKey
from worker.payouts.errors import MaybeSent
from worker.payouts.evidence import Answer, Meaning, TradeStatus

KEY = SignKey("test")


def signed(**fields: Any) -> bytes:
    """
    A reply signed by hashlib, not by our code: values are the JSON text, null is left out.
    """
    texts = {
        name: value if isinstance(value, str) else json.dumps(value)
        for name, value in fields.items()
        if value is not None
    }
    text = "&".join(f"{name}={texts[name]}" for name in sorted(texts)) + "test"
    sign_data = hashlib.sha256(text.encode()).hexdigest()
    return json.dumps(fields | {"sign_type": "SHA-256", "sign_data": sign_data}).encode()


def test_accepting_reply() -> None:
    """
    The accepting reply of the vectors is believed field by field.
    """
    vector = SIGNATURES[4]
    body = json.dumps(
        vector["fields"] | {"sign_type": vector["sign_type"], "sign_data": vector["sign_data"]}
    ).encode()

    assert from_reply(body, KEY) == Answer(
        verified=True,
        meaning=Meaning.PROCESSED,
        code="0000",
        merchant="360080000000000001",
        number="PAYOUT20240105000001",
        amount_fen=12345,
        currency="CNY",
        trade_status=TradeStatus.WPAR,
        trade_no="20240105100042000000000001",
        raw=body,
    )


def test_closed_reply() -> None:
    """
    A closed trade carries its reason and its date, nulls are absent.
    """
    answer = from_reply((VECTORS / "closed_reply.json").read_bytes(), KEY)

    assert answer.trade_status is TradeStatus.CLOS
    assert answer.reason_code == "ACC3030007"
    assert answer.traded_at == datetime(2024, 1, 5, 1, 30, tzinfo=UTC)
    assert answer.refund_fen is None


def test_error_reply_names_no_trade() -> None:
    """
    JD's published parameter error verifies and names neither merchant nor number.
    """
    vector = SIGNATURES[0]
    body = json.dumps(vector["fields"] | {k: vector[k] for k in ("sign_type", "sign_data")})
    answer = from_reply(body.encode(), KEY)

    assert (answer.verified, answer.meaning, answer.number) == (True, Meaning.REQUEST, None)


def test_unverified_reply_tells_its_code_alone() -> None:
    """
    Of a reply that does not verify only the code is kept, which may stop the channel.
    """
    body = b'{"response_code":"ILLEGAL_SIGN","trade_status":"CLOS","out_trade_no":"A1"}'

    assert from_reply(body, KEY) == Answer(False, Meaning.CHANNEL, "ILLEGAL_SIGN", raw=body)


@pytest.mark.parametrize("code", ["a\u0000b", "\ud800", "x" * 65, "", None, 5])
def test_unverified_code_is_harmless(code: Any) -> None:
    """
    An unverified code that could not be stored or shown is dropped.
    """
    answer = from_reply(json.dumps({"response_code": code}).encode(), KEY)

    assert answer.code in {"", "5"}
    assert answer.meaning is Meaning.UNCLEAR


@pytest.mark.parametrize(
    "field",
    [
        {"trade_status": "DONE"},
        {"trade_status": "fini"},
        {"trade_amount": "1.00"},
        {"trade_amount": "-1"},
        {"trade_amount": "１"},  # a digit, and not one of ours
        {"trade_amount": "9" * 5000},
        {"trade_amount": 1e5},
        {"trade_no": "x" * 65},
        {"trade_currency": "C\0"},
        {"out_trade_no": "A\u202e1"},
    ],
    ids=repr,
)
def test_an_unreadable_field_makes_it_unreadable(field: dict[str, Any]) -> None:
    """
    A signed message with a field that cannot mean anything tells no status, and is no silence.
    """
    fields = {"response_code": "0000", "trade_status": "FINI", "trade_amount": "1"} | field
    answer = from_reply(signed(**fields), KEY)

    assert (answer.verified, answer.meaning) == (True, Meaning.UNREADABLE)
    assert (answer.trade_status, answer.amount_fen) == (
        None,
        None if "trade_amount" in field else 1,
    )


@pytest.mark.parametrize("refund", ["1.5", "-1", "all"])
@pytest.mark.parametrize(
    ("status", "meaning"), [("FINI", Meaning.UNREADABLE), ("REFU", Meaning.PROCESSED)]
)
def test_an_amount_that_came_back_must_be_readable(
    refund: str, status: str, meaning: Meaning
) -> None:
    """
    A return stays one without its amount, which a case tells; nothing else may name one like that.
    """
    answer = from_reply(
        signed(response_code="0000", trade_status=status, refund_amount=refund), KEY
    )

    assert (answer.meaning, answer.refund_fen) == (meaning, None)


def test_an_unreadable_message_keeps_what_can_be_compared() -> None:
    """
    Another's amount or trade number is seen beside a status that is in no table.
    """
    told = {"trade_status": "DEAL", "trade_amount": "7", "trade_no": "JD9", "trade_currency": "USD"}
    answer = from_reply(signed(response_code="0000", **told), KEY)

    assert (answer.amount_fen, answer.trade_no, answer.currency) == (7, "JD9", "USD")


def test_numbers_may_be_numbers() -> None:
    """
    A scalar that is not a string is signed and read as its JSON text.
    """
    answer = from_reply(signed(response_code="0000", trade_amount=12345, flag=True), KEY)

    assert (answer.verified, answer.amount_fen) == (True, 12345)


def test_a_malformed_refund_is_absent() -> None:
    """
    A refund amount that cannot be read counts as absent, and the status stands.
    """
    answer = from_reply(signed(response_code="0000", trade_status="REFU", refund_amount="all"), KEY)

    assert (answer.trade_status, answer.refund_fen) == (TradeStatus.REFU, None)


def test_unsigned_fields_are_not_believed() -> None:
    """
    A field that the signature leaves out is not read, even if its name is one that we know.
    """
    message = json.loads(signed(response_code="0000")) | {"trade_no": " ", "SALT": "x"}
    answer = from_reply(json.dumps(message).encode(), KEY)

    assert (answer.verified, answer.trade_no) == (True, None)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("Mon Feb 27 15:03:13 CST 2017", datetime(2017, 2, 27, 7, 3, 13, tzinfo=UTC)),
        ("2016-12-13 09:30:48", datetime(2016, 12, 13, 1, 30, 48, tzinfo=UTC)),
        ("20240105T073000", datetime(2024, 1, 4, 23, 30, tzinfo=UTC)),
        ("Mon Feb 27 15:03:13 UTC 2017", None),
        ("Mon Xxx 27 15:03:13 CST 2017", None),
        ("2016-13-13 09:30:48", None),
        ("00010101T000000", None),  # before the first year in UTC
        ("00000101T000000", None),
        ("２０２４0105T073000", None),
        ("x", None),
    ],
)
def test_trade_dates(text: str, moment: datetime | None) -> None:
    """
    JD's dates are Beijing time in three forms; any other is None and spoils nothing else.
    """
    answer = from_reply(signed(response_code="0000", out_trade_date=text), KEY)

    assert (answer.meaning, answer.traded_at) == (Meaning.PROCESSED, moment)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"null",
        b"[]",
        b'"x"',
        b'{"a":1',
        b'{"a":"1","a":"1"}',
        b'{"a":{}}',
        b'{"a":[]}',
        b'{"a":NaN}',
        b'{"a":"\xff"}',
        b"\xef\xbb\xbf{}",
        b"\xff\xfe{\x00}\x00",
        b'{"a":' + b"[" * 200_000,
        b'{"a":' * 200_000,
    ],
    ids=lambda body: repr(body[:20]),
)
def test_garbled(body: bytes) -> None:
    """
    Anything but one flat JSON object, each name once, is no answer.
    """
    with pytest.raises(MaybeSent, match="garbled"):
        from_reply(body, KEY)


_SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text()
_NAMES = st.sampled_from(["response_code", "trade_status", "trade_amount", "sign_data", "x"])


@given(st.binary() | st.dictionaries(_NAMES | st.text(), _SCALARS).map(json.dumps))
@example('{"trade_amount":' + "9" * 6000 + "}")
@example('{"response_code":"\\ud800","sign_type":"SHA","sign_data":"\\udfff"}')
@example('{"\\ud800":"\\u0000","sign_type":"SHA"}')
def test_hostile_bodies(body: bytes | str) -> None:
    """
    No body raises anything but `MaybeSent`, and nothing unsigned is ever believed.
    """
    raw = body.encode() if isinstance(body, str) else body
    try:
        answer = from_reply(raw, KEY)
    except MaybeSent:
        return

    assert not answer.verified
    assert answer.trade_status is None
