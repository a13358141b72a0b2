"""
The signature of a webhook, as Standard Webhooks has it: symmetric, version 1.
"""

import base64
import binascii
import hashlib
import hmac
import secrets
from collections.abc import Sequence

_PREFIX = "whsec_"
_KEY_BYTES = 32


def new_key() -> str:
    """
    A random key, in the form in which both sides keep it.
    """
    return _PREFIX + base64.b64encode(secrets.token_bytes(_KEY_BYTES)).decode()


def sign(keys: Sequence[str], uid: str, timestamp: int, body: bytes) -> str:
    """
    The header `webhook-signature`: one signature for each key, so that an old one may go out.

    `timestamp` is in seconds since 1970. Raises `ValueError` if a key has not that form.
    """
    signed = f"{uid}.{timestamp}.".encode() + body
    made = (hmac.digest(_secret(key), signed, hashlib.sha256) for key in keys)
    return " ".join("v1," + base64.b64encode(digest).decode() for digest in made)


def _secret(key: str) -> bytes:
    try:
        return base64.b64decode(key.removeprefix(_PREFIX), validate=True)
    except binascii.Error:
        raise ValueError("a webhook's key is whsec_ and base64") from None
