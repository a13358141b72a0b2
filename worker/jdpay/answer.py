"""
From a received message to an `Answer`: verified first, believed after.
"""

from collections.abc import Mapping

from worker.jdpay import canonical, codes, times
from worker.jdpay.errors import BadFields
from worker.jdpay.fields import from_json
from worker.jdpay.signature import SignKey
from worker.payouts.errors import InvalidAmount, MaybeSent
from worker.payouts.evidence import Answer, Meaning, TradeStatus
from worker.payouts.money import parse_fen

#: The longest text that a field read here may have; JD's order and trade numbers have up to 64.
MAX_TEXT = 64


class _Unreadable(Exception):
    """
    A field that we know holds something that it cannot mean.
    """


def from_reply(body: bytes, key: SignKey) -> Answer:
    """
    Read the reply to a request. Raises `MaybeSent` where it is not one flat JSON object.

    A reply that does not verify tells nothing but its code, which can only stop the channel.
    """
    try:
        received = from_json(body)
    except BadFields:
        raise MaybeSent("garbled") from None
    if not key.verify(received):
        code = readable(received.get("response_code")) or ""
        return Answer(False, codes.look_up(code).meaning, code, raw=body)
    code = canonical.signed_fields(received).get("response_code", "")
    return believe(received, codes.look_up(code).meaning, body)


def believe(received: Mapping[str, str | None], meaning: Meaning, raw: bytes) -> Answer:
    """
    Turn the fields of a verified message into an `Answer`.

    Only signed fields are read. One that is there and cannot be read makes the whole message
    unreadable, except a date, which decides nothing, and a return's amount, whose absence is
    noticed.
    """
    signed = canonical.signed_fields(received)
    try:
        return Answer(
            verified=True,
            meaning=meaning,
            code=_text(signed, "response_code") or "",
            merchant=_text(signed, "customer_no"),
            number=_text(signed, "out_trade_no"),
            amount_fen=_fen(signed, "trade_amount"),
            currency=_text(signed, "trade_currency"),
            trade_status=_status(signed),
            trade_no=_text(signed, "trade_no"),
            refund_fen=_refund(signed),
            reason_code=_text(signed, "trade_respcode"),
            traded_at=times.read(signed.get("out_trade_date", "")),
            raw=raw,
        )
    except _Unreadable:
        return Answer(
            verified=True,
            meaning=Meaning.UNREADABLE,
            code=readable(signed.get("response_code")) or "",
            merchant=readable(signed.get("customer_no")),
            number=readable(signed.get("out_trade_no")),
            amount_fen=_readable_fen(signed, "trade_amount"),
            currency=readable(signed.get("trade_currency")),
            trade_no=readable(signed.get("trade_no")),
            raw=raw,
        )


def readable(value: str | None) -> str | None:
    """
    The value if it can be stored and shown: printable and not overlong. None otherwise.
    """
    return value if value and len(value) <= MAX_TEXT and value.isprintable() else None


def _text(signed: Mapping[str, str], name: str) -> str | None:
    if name not in signed:
        return None
    value = readable(signed[name])
    if value is None:
        raise _Unreadable
    return value


def _fen(signed: Mapping[str, str], name: str) -> int | None:
    if name not in signed:
        return None
    try:
        return parse_fen(signed[name])
    except InvalidAmount:
        raise _Unreadable from None


def _refund(signed: Mapping[str, str]) -> int | None:
    if signed.get("trade_status") == TradeStatus.REFU:
        return _readable_fen(signed, "refund_amount")
    return _fen(signed, "refund_amount")


def _readable_fen(signed: Mapping[str, str], name: str) -> int | None:
    try:
        return _fen(signed, name)
    except _Unreadable:
        return None


def _status(signed: Mapping[str, str]) -> TradeStatus | None:
    if "trade_status" not in signed:
        return None
    try:
        return TradeStatus(signed["trade_status"])
    except ValueError:
        raise _Unreadable from None
