"""
The envelope: a request signed with the merchant's key, then encrypted for JD's certificate.

CMS, in the form that JD's own library writes and the stricter form that it reads: SignedData
(attached, the signer's certificate alone) inside EnvelopedData (one recipient, 3DES, PKCS#1 v1.5),
all of it DER, base64 in one line. Opening is not here: only JD can open one.
"""

import base64
import functools
import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from asn1crypto import algos, cms
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives import padding as block_padding
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.ciphers import Cipher, modes
from cryptography.hazmat.primitives.serialization import Encoding

from worker.jdpay.certificates import JdCertificate, MerchantIdentity
from worker.jdpay.der import (
    CONSTRUCTED_0,
    INTEGER,
    OCTET_STRING,
    PRIMITIVE_0,
    SEQUENCE,
    SET,
    element,
    set_of,
)

_HASHES: dict[str, hashes.HashAlgorithm] = {"sha1": hashes.SHA1(), "sha256": hashes.SHA256()}  # noqa: S303 - what JD's own library signs with

_KEY_BYTES = 24
_BLOCK_BYTES = 8

# What is the same in each envelope, encoded once.
_DATA = cms.ContentType("data").dump()
_SIGNED, _ENVELOPED = (cms.ContentType(f"{kind}_data").dump() for kind in ("signed", "enveloped"))
_V0, _V1 = (element(INTEGER, bytes((number,))) for number in (0, 1))
_DIGESTS = {name: algos.DigestAlgorithm({"algorithm": name}).dump() for name in _HASHES}
_RSA_SIGNATURE = algos.SignedDigestAlgorithm({"algorithm": "rsassa_pkcs1v15"}).dump()
_RSA_ENCRYPTION = cms.KeyEncryptionAlgorithm({"algorithm": "rsaes_pkcs1v15"}).dump()
_TRIPLE_DES = algos.EncryptionAlgorithmId("tripledes_3key").dump()
_CONTENT_TYPE, _SIGNING_TIME, _MESSAGE_DIGEST = (
    cms.CMSAttributeType(name).dump() for name in ("content_type", "signing_time", "message_digest")
)


@dataclass(frozen=True, slots=True)
class Style:
    """
    What JD's own clients differ in. The default is that of JD's Java library.

    With `attributes` the signing time is inside, and JD then refuses an expired certificate.
    """

    digest: Literal["sha1", "sha256"] = "sha1"
    attributes: bool = True


def seal(
    plaintext: bytes,
    signer: MerchantIdentity,
    recipient: JdCertificate,
    signed_at: datetime,
    style: Style | None = None,
) -> str:
    """
    Return the `encrypt_data` of a canonical string: signed, encrypted, base64 without line breaks.
    """
    signed = _sign(plaintext, signer, signed_at, style or Style())
    return base64.b64encode(_encrypt(signed, recipient)).decode()


def _sign(plaintext: bytes, signer: MerchantIdentity, at: datetime, style: Style) -> bytes:
    digest = _DIGESTS[style.digest]
    certificate = _encoded(signer.certificate)
    covered, attributes = plaintext, b""
    if style.attributes:
        members = _attributes(plaintext, at, style.digest)
        # What is signed is the plain SET OF, not the [0] that is in its place in the message.
        covered, attributes = set_of(SET, members), set_of(CONSTRUCTED_0, members)
    signature = signer.key.sign(covered, padding.PKCS1v15(), _HASHES[style.digest])
    info = element(
        SEQUENCE,
        *(_V1, _named(signer.certificate), digest, attributes),
        *(_RSA_SIGNATURE, element(OCTET_STRING, signature)),
    )
    content = element(CONSTRUCTED_0, element(OCTET_STRING, plaintext))
    return _content(
        _SIGNED,
        *(_V1, element(SET, digest), element(SEQUENCE, _DATA, content)),
        *(element(CONSTRUCTED_0, certificate), element(SET, info)),
    )


def _attributes(plaintext: bytes, at: datetime, digest: str) -> list[bytes]:
    time = cms.Time({"utc_time": at.replace(microsecond=0)}).dump()
    hashed = hashlib.new(digest, plaintext).digest()
    values = {
        _CONTENT_TYPE: _DATA,
        _SIGNING_TIME: time,
        _MESSAGE_DIGEST: element(OCTET_STRING, hashed),
    }
    return [element(SEQUENCE, kind, element(SET, value)) for kind, value in values.items()]


def _encrypt(signed: bytes, recipient: JdCertificate) -> bytes:
    key, initial = secrets.token_bytes(_KEY_BYTES), secrets.token_bytes(_BLOCK_BYTES)
    padder = block_padding.PKCS7(_BLOCK_BYTES * 8).padder()
    encryptor = Cipher(TripleDES(key), modes.CBC(initial)).encryptor()
    padded = padder.update(signed) + padder.finalize()
    encrypted = encryptor.update(padded) + encryptor.finalize()
    encrypted_key = element(OCTET_STRING, recipient.key.encrypt(key, padding.PKCS1v15()))
    receiver = element(SEQUENCE, _V0, _named(recipient.certificate), _RSA_ENCRYPTION, encrypted_key)
    cipher = element(SEQUENCE, _TRIPLE_DES, element(OCTET_STRING, initial))
    content = element(SEQUENCE, _DATA, cipher, element(PRIMITIVE_0, encrypted))
    return _content(_ENVELOPED, _V0, element(SET, receiver), content)


def _content(kind: bytes, *parts: bytes) -> bytes:
    return element(SEQUENCE, kind, element(CONSTRUCTED_0, element(SEQUENCE, *parts)))


@functools.cache
def _encoded(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(Encoding.DER)


@functools.cache
def _named(certificate: x509.Certificate) -> bytes:
    """
    A certificate's issuer and serial number.
    """
    found = asn1_x509.Certificate.load(_encoded(certificate))
    named = {"issuer": found.issuer, "serial_number": found.serial_number}
    encoded: bytes = cms.IssuerAndSerialNumber(named).dump()
    return encoded
