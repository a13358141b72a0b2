"""
The canonical string and its signature, as JD defines them.
"""

import enum
import hashlib
import hmac
from collections.abc import Mapping
from typing import assert_never

#: Never signed, however their names are written.
UNSIGNED = frozenset({"sign_type", "sign_data", "encrypt_type", "encrypt_data", "salt"})

#: What Java's `trim` removes: everything up to the space, and nothing above it.
_JAVA_BLANKS = "".join(map(chr, range(33)))


class Signature(enum.StrEnum):
    """
    Whether a message can be believed.
    """

    GOOD = "good"
    BAD = "bad"  #: signed by someone who does not have the key
    NONE = "none"


class SignType(enum.StrEnum):
    """
    A signature's algorithm, spelled as JD spells it.
    """

    SHA256 = "SHA-256"  #: requests and replies
    SHA1 = "SHA"  #: notifications


def canonical(fields: Mapping[str, str | None]) -> str:
    """
    Join the signed fields, sorted by name; absent and blank values are left out.
    """
    return "&".join(
        f"{name}={value}"
        for name, value in sorted(fields.items())
        if name.lower() not in UNSIGNED and value is not None and value.strip(_JAVA_BLANKS)
    )


def sign(text: str, key: str, sign_type: SignType) -> str:
    """
    The signature of a canonical string: the hash of text and key, in upper-case hexadecimal.
    """
    message = (text + key).encode()
    match sign_type:
        case SignType.SHA256:
            return hashlib.sha256(message).hexdigest().upper()
        case SignType.SHA1:
            return hashlib.sha1(message, usedforsecurity=False).hexdigest().upper()


def is_signed(text: str, sign_data: str, key: str) -> bool:
    """
    Whether a request's `sign_data` is the signature of its canonical string.
    """
    expected = sign(text, key, SignType.SHA256)
    return hmac.compare_digest(expected.encode(), sign_data.encode())


def with_signature(
    fields: Mapping[str, str | None], key: str, sign_type: SignType
) -> dict[str, str | None]:
    """
    The same fields, and the two that sign them.
    """
    sign_data = sign(canonical(fields), key, sign_type)
    return {**fields, "sign_type": sign_type.value, "sign_data": sign_data}


def signed_as(
    fields: Mapping[str, str | None], key: str, sign_type: SignType, signature: Signature
) -> dict[str, str | None]:
    """
    The same fields, signed well, badly or not at all.
    """
    match signature:
        case Signature.GOOD:
            return with_signature(fields, key, sign_type)
        case Signature.BAD:
            return with_signature(fields, f"not {key}", sign_type)
        case Signature.NONE:
            return dict(fields)
        case _:
            assert_never(signature)
