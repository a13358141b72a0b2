"""
What a message may do, told from what was signed in it and from nothing else.
"""

from collections.abc import Iterator, Mapping, Sequence

from tests.hostile.content import AMOUNT, MERCHANT
from tests.hostile.corpus import Message
from worker.payouts.evidence import Answer
from worker.payouts.model import Dossier
from worker.payouts.status import PayoutStatus

#: Where JD's word for a trade may bring a payout.
_MAY_BECOME = {
    "BUID": {PayoutStatus.PROCESSING},
    "ACSU": {PayoutStatus.PROCESSING},
    "WPAR": {PayoutStatus.PROCESSING},
    "CLOS": {PayoutStatus.FAILED},
    "FINI": {PayoutStatus.PAID},
    "REFU": {PayoutStatus.PAID, PayoutStatus.RETURNED},
}

#: Where a payout stands when the reply to its only submit told nothing.
_SENT_IN_VAIN = {PayoutStatus.QUEUED: {PayoutStatus.QUEUED, PayoutStatus.UNKNOWN}}

#: What an answer may say, and the field that it must have it from.
_SAYS = {
    "merchant": "customer_no",
    "number": "out_trade_no",
    "currency": "trade_currency",
    "trade_status": "trade_status",
    "trade_no": "trade_no",
    "reason_code": "trade_respcode",
    "code": "response_code",
}


def contradiction(
    message: Message, before: Dossier, after: Dossier, answers: Sequence[Answer]
) -> Iterator[str]:
    """
    Tell what happened that this message cannot justify.
    """
    signed = message.signed
    for answer in answers:
        if answer.verified:
            yield from _invented(answer, signed)
    old, new = before.payout, after.payout
    may_be = _SENT_IN_VAIN.get(old.status, {old.status})
    number = old.out_trade_no
    if signed is not None and _names(signed, number):
        if _is_about(signed, number):
            may_be = may_be | _MAY_BECOME.get(signed.get("trade_status", ""), set())
        if old.status is PayoutStatus.QUEUED and "trade_status" not in signed:
            may_be = may_be | {PayoutStatus.FAILED, PayoutStatus.REFUSED}
    elif (old.returned_fen, old.trade_no) != (new.returned_fen, new.trade_no):
        yield f"returned_fen {new.returned_fen}, trade_no {new.trade_no}"
    if new.status not in may_be:
        yield f"moved from {old.status} to {new.status}"


def _invented(answer: Answer, signed: Mapping[str, str] | None) -> Iterator[str]:
    if signed is None:
        yield "verified, and nobody signed it"
        return
    for name, source in _SAYS.items():
        value = getattr(answer, name)
        if value and value != signed.get(source):
            yield f"{name} is not what was signed"
    for name, source in (("amount_fen", "trade_amount"), ("refund_fen", "refund_amount")):
        value = getattr(answer, name)
        if value is not None and value != _whole(signed.get(source, "")):
            yield f"{name} is not what was signed"


def _names(signed: Mapping[str, str], number: str) -> bool:
    """
    Whether nothing that was signed names another payout.
    """
    ours = {"customer_no": MERCHANT, "out_trade_no": number, "trade_currency": "CNY"}
    return all(signed.get(name, value) == value for name, value in ours.items()) and (
        "trade_amount" not in signed or _whole(signed["trade_amount"]) == AMOUNT
    )


def _is_about(signed: Mapping[str, str], number: str) -> bool:
    """
    Whether what was signed names this payout in full, as a trade's status must.
    """
    needed = {"customer_no", "out_trade_no", "trade_amount", "trade_currency"}
    return needed <= signed.keys() and _names(signed, number)


def _whole(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 15 else None
