import hashlib
from urllib.parse import quote, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.jdpay.conftest import SIGNATURES
from worker.jdpay.notice import Claim, read
from worker.jdpay.signature import SignKey
from worker.payouts.evidence import Meaning, TradeStatus

KEY = SignKey("test")
VECTOR = SIGNATURES[5]
FIELDS: dict[str, str] = VECTOR["fields"] | {k: VECTOR[k] for k in ("sign_type", "sign_data")}
CLAIM = Claim("360080000000000001", "PAYOUT20240105000001")


@pytest.mark.parametrize(
    "body",
    [
        urlencode(FIELDS),  # as a browser writes it
        "&".join(f"{name}={value}" for name, value in FIELDS.items()),  # not encoded at all
        # percent-encoded, its plus kept
        "&".join(f"{name}={quote(value, safe='+')}" for name, value in FIELDS.items()),
        urlencode(FIELDS) + "&salt=x&trade_finish_date=&encrypt_type=",  # blanks and our own
    ],
    ids=["form", "raw", "percent", "blanks"],
)
def test_every_encoding_verifies(body: str) -> None:
    """
    A notification verifies in each of the encodings that clients report.
    """
    notice = read(body.encode(), KEY)

    assert notice.unverified_claim is None
    assert notice.answer.verified
    assert notice.answer.meaning is Meaning.NONE
    assert notice.answer.trade_status is TradeStatus.FINI
    assert notice.answer.amount_fen == 12345
    assert notice.answer.refund_fen == 0
    assert notice.answer.raw == body.encode()


@pytest.mark.parametrize(
    "body",
    [
        urlencode(FIELDS | {"trade_amount": "12346"}),
        urlencode(FIELDS | {"new": "1"}),
        urlencode({k: v for k, v in FIELDS.items() if k != "sign_data"}),
        urlencode(FIELDS | {"sign_type": "MD5"}),
    ],
)
def test_unverified(body: str) -> None:
    """
    A notification that does not verify is a claim and nothing more.
    """
    notice = read(body.encode(), KEY)

    assert not notice.answer.verified
    assert notice.answer.trade_status is None
    assert notice.answer.number is None
    assert notice.unverified_claim == CLAIM


@pytest.mark.parametrize(
    "body",
    [
        urlencode(FIELDS).encode() + b"&trade_status=CLOS",  # twice
        urlencode(FIELDS).encode() + b"&trade%5Fstatus=FINI",  # twice, in other letters
        urlencode(FIELDS).encode() + b"&x=\xff",
        urlencode(FIELDS).encode() + b"&x=%ff",
        b"",
        b"&&&",
        b"out_trade_no=%00&customer_no=" + b"9" * 99,
    ],
)
def test_refused(body: bytes) -> None:
    """
    A name that occurs twice, or text that is not UTF-8, is not believed whatever its signature.
    """
    notice = read(body, KEY)

    assert not notice.answer.verified
    assert notice.unverified_claim == Claim()


def test_values_may_hold_equals() -> None:
    """
    A value ends at the next ampersand, not at the next equals sign.
    """
    sign_data = hashlib.sha1(b"customer_no=a=b=ctest").hexdigest()
    notice = read(f"customer_no=a=b=c&sign_type=SHA&sign_data={sign_data}".encode(), KEY)

    assert notice.answer.merchant == "a=b=c"


@given(st.binary() | st.text("a=&%+\0é").map(str.encode))
def test_hostile_bodies(body: bytes) -> None:
    """
    No body raises, and none verifies by chance.
    """
    assert not read(body, KEY).answer.verified
