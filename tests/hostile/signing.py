"""
JD's signature, worked out here, so that a fault of ours cannot hide behind itself.
"""

import hashlib
from collections.abc import Mapping

KEY = "test"

#: `sign_type` to digest, as JD writes them on replies and on notifications.
REPLY, NOTICE = "SHA-256", "SHA"
_DIGESTS = {REPLY: hashlib.sha256, NOTICE: hashlib.sha1}

#: Java's blanks: the space and everything below it.
_BLANKS = "".join(map(chr, range(33)))
_OUTSIDE = {"sign_type", "sign_data", "encrypt_type", "encrypt_data", "salt"}


def covered(fields: Mapping[str, str | None]) -> dict[str, str]:
    """
    The fields that a signature covers.
    """
    return {
        name: value
        for name, value in fields.items()
        if name.lower() not in _OUTSIDE and value is not None and value.strip(_BLANKS)
    }


def sign(fields: Mapping[str, str | None], sign_type: str, key: str = KEY) -> str:
    """
    The signature of these fields. Halves of surrogate pairs cannot be signed: any text will do.
    """
    inside = covered(fields)
    order = sorted(inside, key=lambda name: name.encode("utf-16-be", "surrogatepass"))
    text = "&".join(f"{name}={inside[name]}" for name in order) + key
    return _DIGESTS[sign_type](text.encode("utf-8", "surrogatepass")).hexdigest().upper()
