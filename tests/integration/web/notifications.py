"""
Notifications as JD writes them.

Signed by code of the tests' own, so that a mistake in the code under test cannot be made here too.
"""

import hashlib
from urllib.parse import urlencode

MERCHANT = "360080000000000001"
NUMBER = "PAYOUT20240105000001"
KEY = "test"
AMOUNT_FEN = 12_345

#: The published shape of a notification of success, and its signature by the key `test`.
WORKED_EXAMPLE = {
    "bank_code": "CMB",
    "buyer_info": "{}",
    "card_type": "DE",
    "category_code": "20EN0401",
    "customer_no": MERCHANT,
    "is_success": "Y",
    "merchant_no": "110000000001",
    "notify_datetime": "20243105T092401120",
    "out_trade_no": NUMBER,
    "pay_tool": "TRAN",
    "refund_amount": "0",
    "return_params": "batch+7",
    "seller_info": '{"customerNo":"360080000000000001"}',
    "trade_amount": str(AMOUNT_FEN),
    "trade_class": "DEFY",
    "trade_currency": "CNY",
    "trade_no": "20240105100042000000000001",
    "trade_pay_date": "Fri Jan 05 09:31:02 CST 2024",
    "trade_pay_time": "Fri Jan 05 09:31:02 CST 2024",
    "trade_status": "FINI",
    "trade_subject": "测试代付 A+B",
}
WORKED_SIGNATURE = "59EB289556E579DE055C006CB7D829B818CDF5C4"


def notification(
    *, sign_type: str = "SHA", digest: str = "sha1", key: str = KEY, **changes: str
) -> bytes:
    """
    The worked example with changes, signed and percent-encoded.
    """
    return urlencode(signed({**WORKED_EXAMPLE, **changes}, sign_type, digest, key)).encode()


def unencoded() -> bytes:
    """
    The worked example as the raw text that some clients describe.
    """
    pairs = signed(WORKED_EXAMPLE, "SHA", "sha1", KEY).items()
    return "&".join(f"{name}={value}" for name, value in pairs).encode()


def signed(fields: dict[str, str], sign_type: str, digest: str, key: str) -> dict[str, str]:
    """
    Fields with their signature.
    """
    return {**fields, "sign_type": sign_type, "sign_data": signature(fields, digest, key)}


def refund(fen: int, **changes: str) -> bytes:
    """
    退票: the bank sent an amount back.
    """
    return notification(trade_status="REFU", refund_amount=str(fen), **changes)


def signature(fields: dict[str, str], digest: str, key: str = KEY) -> str:
    """
    The digest over all fields that hold something, sorted by name, and the key.
    """
    canonical = "&".join(f"{name}={fields[name]}" for name in sorted(fields) if fields[name])
    return hashlib.new(digest, (canonical + key).encode()).hexdigest().upper()
