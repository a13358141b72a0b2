"""
Key files of producers: a JWK, and for whom what is sealed with it is meant.
"""

import base64
import binascii
import json
from collections.abc import Mapping

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from worker.intake import json_text
from worker.payouts.errors import InvalidJob, UnreadableJobs
from worker.payouts.job_keys import JobKey

#: Of either half of a key, in bytes.
_LENGTH = 32


def shared(key: JobKey, merchant: str, profile: str) -> str:
    """
    The file of a producer that shares a key with us: a secret.
    """
    return _file({"kty": "oct", "k": _text(key.material), **_meant_for(key, merchant, profile)})


def signing(key: JobKey, secret: bytes, own: JobKey, merchant: str, profile: str) -> str:
    """
    The file of a producer whose pair of keys was made here: a secret, which is kept nowhere else.
    """
    return _file({**_pair(secret), **_signed(key, own, merchant, profile)})


def public(key: JobKey, own: JobKey, merchant: str, profile: str) -> str:
    """
    What a producer needs beside a secret of its own: nothing of it is secret.
    """
    return _file(_signed(key, own, merchant, profile))


def public_half(secret: bytes) -> bytes:
    """
    The key by which is verified what is signed with a secret.
    """
    return Ed25519PrivateKey.from_private_bytes(secret).public_key().public_bytes_raw()


def read_public(content: bytes) -> bytes:
    """
    The public key that a producer brings, as a JWK. Raises `InvalidJob`, which says what is wrong.
    """
    try:
        jwk = json_text.parse(content)
    except UnreadableJobs as fault:
        raise InvalidJob((f"key: {fault}",)) from None
    if not isinstance(jwk, dict) or (jwk.get("kty"), jwk.get("crv")) != ("OKP", "Ed25519"):
        raise InvalidJob(('key: must be a JWK with "kty": "OKP" and "crv": "Ed25519"',))
    if "d" in jwk:
        raise InvalidJob(("key: holds the secret half, which nobody but its producer may have",))
    try:
        raw = base64.urlsafe_b64decode(str(jwk.get("x")) + "=")
    except (binascii.Error, ValueError):
        raw = b""
    if len(raw) != _LENGTH:
        raise InvalidJob(("key: x must be 32 bytes in base64url",))
    return raw


def _pair(secret: bytes) -> Mapping[str, object]:
    return {"kty": "OKP", "crv": "Ed25519", "x": _text(public_half(secret)), "d": _text(secret)}


def _signed(key: JobKey, own: JobKey, merchant: str, profile: str) -> Mapping[str, object]:
    half = X25519PrivateKey.from_private_bytes(own.material).public_key().public_bytes_raw()
    recipient = {"kty": "OKP", "crv": "X25519", "x": _text(half), "kid": own.name}
    return {**_meant_for(key, merchant, profile), "recipient": recipient}


def _meant_for(key: JobKey, merchant: str, profile: str) -> Mapping[str, object]:
    return {"kid": key.name, "merchant": merchant, "profile": profile}


def _file(content: Mapping[str, object]) -> str:
    return json.dumps(content, indent=1) + "\n"


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
