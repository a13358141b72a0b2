"""
Sealed jobs, made by hand with AES, curves and SHA-256 alone, as RFC 7515, 7516 and 7518 have it.
"""

import base64
import hashlib
import json
import os
from collections.abc import Mapping
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from tests.factories import MERCHANT
from worker.payouts.model import Order

Json = Mapping[str, Any]


def encoded(raw: bytes) -> str:
    """
    Base64url without padding.
    """
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def jwe(header: Json | str, key: bytes, plain: bytes) -> str:
    """
    A compact JWE of A256GCM, encrypted with that key directly.
    """
    protected = encoded((header if isinstance(header, str) else json.dumps(header)).encode())
    nonce = os.urandom(12)
    found = AESGCM(key).encrypt(nonce, plain, protected.encode())
    return ".".join((protected, "", encoded(nonce), encoded(found[:-16]), encoded(found[-16:])))


def jws(header: Json, secret: bytes, plain: bytes) -> str:
    """
    A compact JWS of Ed25519.
    """
    signed = f"{encoded(json.dumps(header).encode())}.{encoded(plain)}"
    signature = Ed25519PrivateKey.from_private_bytes(secret).sign(signed.encode())
    return f"{signed}.{encoded(signature)}"


def shared(kid: str, key: bytes, claims: Json, **header: object) -> str:
    """
    A job that is sealed with a key that its producer shares.
    """
    named = {"alg": "dir", "enc": "A256GCM", "kid": kid, "typ": "payout+jwe", **header}
    return jwe(named, key, json.dumps(claims).encode())


def agreed(own: str, public: bytes, plain: bytes, **header: object) -> str:
    """
    A JWE of ECDH-ES over X25519, with the key derivation of RFC 7518, 4.6.2.
    """
    ephemeral = X25519PrivateKey.generate()
    epk = {"kty": "OKP", "crv": "X25519", "x": encoded(ephemeral.public_key().public_bytes_raw())}
    named = {"alg": "ECDH-ES", "enc": "A256GCM", "kid": own, "typ": "payout+jwe", "epk": epk}
    secret = ephemeral.exchange(X25519PublicKey.from_public_bytes(public))
    algorithm = b"A256GCM"
    rounds = (1).to_bytes(4, "big")
    other = len(algorithm).to_bytes(4, "big") + algorithm + bytes(4) + bytes(4)
    key = hashlib.sha256(rounds + secret + other + (256).to_bytes(4, "big")).digest()
    return jwe({**named, **header}, key, plain)


def signed(kid: str, secret: bytes, own: str, public: bytes, claims: Json) -> str:
    """
    A job that its producer signed, encrypted for our public key.
    """
    header = {"alg": "Ed25519", "kid": kid, "typ": "payout+jws"}
    return agreed(own, public, jws(header, secret, json.dumps(claims).encode()).encode())


def public_x25519(secret: bytes) -> bytes:
    """
    The public half of a secret.
    """
    return X25519PrivateKey.from_private_bytes(secret).public_key().public_bytes_raw()


def public_ed25519(secret: bytes) -> bytes:
    """
    The public half of a secret that signs.
    """
    return Ed25519PrivateKey.from_private_bytes(secret).public_key().public_bytes_raw()


def job_of(order: Order) -> dict[str, Any]:
    """
    The job that an order is made of.
    """
    payee = order.payee
    named = {
        "out_trade_no": order.out_trade_no,
        "amount_fen": order.amount_fen,
        "payee_account_no": payee.account_no,
        "payee_account_name": payee.account_name,
        "payee_bank_code": payee.bank_code,
        "payee_account_type": payee.account_type,
        "payee_card_type": payee.card_type,
        "payee_mobile": payee.mobile,
        "payee_id_type": payee.id_type,
        "payee_id_no": payee.id_no,
        "subject": order.subject,
        "obligation": order.obligation,
        "send_before": order.send_before and order.send_before.isoformat(),
    }
    return {name: value for name, value in named.items() if value is not None}


def claims(job: Json, **changes: object) -> dict[str, Any]:
    """
    What is sealed for a job, for the merchant and the profile of the tests.
    """
    return {
        "purpose": "pay",
        "merchant": MERCHANT,
        "profile": "sandbox",
        "issued": "2026-03-02T11:00:00+00:00",
        "expires": "2026-03-03T11:00:00+00:00",
        "job": dict(job),
        **changes,
    }
