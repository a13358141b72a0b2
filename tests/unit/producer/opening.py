"""
Sealed jobs opened by the letter of RFC 7516, 7518 and 8037: AES, SHA-256 and curves alone.
"""

import base64
import hashlib
import json
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

Found = dict[str, Any]

MERCHANT = "360080000000000001"

SECRET = bytes(range(32))
SIGNING = Ed25519PrivateKey.from_private_bytes(bytes(range(1, 33)))
OPENING = X25519PrivateKey.from_private_bytes(bytes(range(2, 34)))


def base64url(octets: bytes) -> str:
    """
    RFC 7515: base64url without padding.
    """
    return base64.urlsafe_b64encode(octets).decode().rstrip("=")


def octets(text: str) -> bytes:
    """
    Its inverse, which takes no other letters.
    """
    found = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    assert base64url(found) == text
    return found


#: Key files, as `payouts producers key add` makes them.
SHARED: Found = {
    "kty": "oct",
    "k": base64url(SECRET),
    "kid": "shop.1",
    "merchant": MERCHANT,
    "profile": "sandbox",
}
SIGNED: Found = {
    "kty": "OKP",
    "crv": "Ed25519",
    "x": base64url(SIGNING.public_key().public_bytes_raw()),
    "d": base64url(SIGNING.private_bytes_raw()),
    "kid": "shop.2",
    "merchant": MERCHANT,
    "profile": "sandbox",
    "recipient": {
        "kty": "OKP",
        "crv": "X25519",
        "x": base64url(OPENING.public_key().public_bytes_raw()),
        "kid": "installation.1",
    },
}


def write_key(path: Path, content: Found) -> str:
    """
    Write a key file that nobody else may read; its path.
    """
    path.touch(0o600)
    path.write_text(json.dumps(content))
    return str(path)


def open_shared(sealed: str) -> tuple[Found, Found]:
    """
    The header and the claims of one that is sealed with `SHARED`.
    """
    header, key, *rest = sealed.split(".")
    assert key == ""
    return json.loads(octets(header)), json.loads(_decrypted(SECRET, header, *rest))


def open_signed(sealed: str) -> tuple[Found, Found, Found]:
    """
    The header, that of what is signed in it, and the claims of one that is sealed with `SIGNED`.
    """
    header, key, *rest = sealed.split(".")
    assert key == ""
    outer = json.loads(octets(header))
    agreed = OPENING.exchange(X25519PublicKey.from_public_bytes(octets(outer["epk"]["x"])))
    signed = _decrypted(_derived(agreed, outer["enc"]), header, *rest).decode()
    said, signature = signed.rsplit(".", 1)
    public = Ed25519PublicKey.from_public_bytes(octets(SIGNED["x"]))
    public.verify(octets(signature), said.encode())
    inner, claims = said.split(".")
    return outer, json.loads(octets(inner)), json.loads(octets(claims))


def _derived(agreed: bytes, enc: str) -> bytes:
    """
    RFC 7518, 4.6.2: one round of Concat KDF, with neither party named.
    """
    named = len(enc).to_bytes(4) + enc.encode()
    parties = bytes(4) + bytes(4)
    return hashlib.sha256((1).to_bytes(4) + agreed + named + parties + (256).to_bytes(4)).digest()


def _decrypted(key: bytes, header: str, iv: str, ciphertext: str, tag: str) -> bytes:
    sealed = octets(ciphertext) + octets(tag)
    assert (len(octets(iv)), len(octets(tag))) == (12, 16)
    return AESGCM(key).decrypt(octets(iv), sealed, header.encode())
