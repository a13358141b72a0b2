"""
JD's notifications: a form body, signed, and percent-encoded in ways that clients do not agree on.
"""

from dataclasses import dataclass

from worker.jdpay import answer
from worker.jdpay.errors import BadFields
from worker.jdpay.fields import FORM_DECODERS, from_form
from worker.jdpay.signature import SignKey
from worker.payouts.evidence import Answer, Meaning


@dataclass(frozen=True, slots=True)
class Claim:
    """
    What an unverified notification says it is about: good for asking JD, for nothing else.
    """

    customer_no: str | None = None
    out_trade_no: str | None = None


@dataclass(frozen=True, slots=True)
class Notice:
    """
    A notification as far as it can be trusted.
    """

    answer: Answer
    #: None where the answer is verified and speaks for itself.
    unverified_claim: Claim | None = None


def read(body: bytes, key: SignKey) -> Notice:
    """
    Verify a raw notification body and read it. Never raises, whatever the body holds.
    """
    fields = verified_fields(body, key)
    if fields is not None:
        return Notice(answer.believe(fields, Meaning.NONE, body))
    return Notice(Answer(False, Meaning.NONE, raw=body), claim(body))


def verified_fields(body: bytes, key: SignKey) -> dict[str, str | None] | None:
    """
    The fields under the first decoding whose signature is right; None if there is none.
    """
    for decode in FORM_DECODERS:
        try:
            fields = from_form(body, decode)
        except BadFields:
            continue
        if key.verify(fields):
            return fields
    return None


def claim(body: bytes) -> Claim:
    """
    What a body says it is about, before or without verifying it: also picks the key to verify by.
    """
    try:
        fields = from_form(body, FORM_DECODERS[0])
    except BadFields:
        return Claim()
    return Claim(
        customer_no=answer.readable(fields.get("customer_no")),
        out_trade_no=answer.readable(fields.get("out_trade_no")),
    )
