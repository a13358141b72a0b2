"""
A notification on its way: signed by JD, perhaps written anew by somebody else, and read by us.

All of it is the product's own path from the bytes on; what JD signed is kept beside it.
"""

from urllib.parse import urlencode

from tests.exploration.words import Travels
from tests.simulation.words import Fields
from worker.jdpay import canonical, notice
from worker.jdpay.signature import SHA_256, SignKey
from worker.payouts.evidence import Answer

OURS, ANOTHER = SignKey("the key that we have"), SignKey("the key that JD has since")
_ODD = {"trade_subject": "货款 & 手续费"}
_HIDDEN = "trade_status"


def signed(fields: Fields, travels: Travels) -> Fields:
    """
    What JD signs.
    """
    return fields | _ODD if travels is Travels.ODDLY else fields


def carried(fields: Fields, key: SignKey, travels: Travels) -> bytes:
    """
    The body that arrives; whoever writes one anew cannot sign it, and needs not.
    """
    sign_data = key.sign(canonical.write(fields))
    if travels is Travels.MERGED and _HIDDEN in fields:
        fields = _merged(fields)
    return urlencode(fields | {"sign_type": SHA_256, "sign_data": sign_data}).encode()


def read(body: bytes) -> Answer:
    """
    What we make of it.
    """
    return notice.read(body, OURS).answer


def _merged(fields: Fields) -> Fields:
    """
    The same canonical text from one field less: its status is a part of the value before it.
    """
    names = sorted(fields)
    before = names[names.index(_HIDDEN) - 1]
    value = f"{fields[before]}&{_HIDDEN}={fields[_HIDDEN]}"
    return {name: text for name, text in fields.items() if name != _HIDDEN} | {before: value}
