"""
The reply to a question for the balance.
"""

from worker.jdpay import canonical, codes
from worker.jdpay.errors import BadFields, NoBalance
from worker.jdpay.fields import from_json
from worker.jdpay.signature import SignKey
from worker.payouts.errors import InvalidAmount
from worker.payouts.evidence import Meaning
from worker.payouts.money import parse_fen


def available_fen(body: bytes, key: SignKey) -> int:
    """
    What is in the account and not frozen, from a reply that verifies. Raises `NoBalance`.
    """
    try:
        received = from_json(body)
    except BadFields as fault:
        raise NoBalance(f"JD's answer is garbled ({fault}); check the gateway address") from None
    signed = canonical.signed_fields(received)
    listed = codes.look_up(signed.get("response_code", ""))
    told = f"{listed.code[:64]!r}: {listed.says}; {listed.remedy}"
    if not key.verify(received):
        raise NoBalance(f"JD's answer does not verify; check the sign key. It claims {told}")
    if listed.meaning is not Meaning.PROCESSED:
        raise NoBalance(f"JD answers {told}")
    try:
        # An absent amount is zero (seen in production clients).
        return parse_fen(signed.get("account_amount", "0")) - parse_fen(
            signed.get("frozen_amount", "0")
        )
    except InvalidAmount:
        raise NoBalance("JD's answer holds an amount that is not decimal digits") from None
