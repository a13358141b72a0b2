"""
The envelope: a request signed with the merchant's key, then encrypted for JD's certificate.

CMS, in the form that JD's own library writes and the stricter form that it reads: SignedData
(attached, the signer's certificate alone) inside EnvelopedData (one recipient, 3DES, PKCS#1 v1.5),
all of it DER, base64 in one line. Opening is not here: only JD can open one.
"""

import base64
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

_HASHES: dict[str, hashes.HashAlgorithm] = {"sha1": hashes.SHA1(), "sha256": hashes.SHA256()}  # noqa: S303 - what JD's own library signs with

_KEY_BYTES = 24
_BLOCK_BYTES = 8


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
    digest = algos.DigestAlgorithm({"algorithm": style.digest})
    certificate = _asn1(signer.certificate)
    info = cms.SignerInfo(
        {
            "version": "v1",
            "sid": cms.SignerIdentifier({"issuer_and_serial_number": _named(certificate)}),
            "digest_algorithm": digest,
            "signature_algorithm": algos.SignedDigestAlgorithm({"algorithm": "rsassa_pkcs1v15"}),
        }
    )
    covered = plaintext
    if style.attributes:
        info["signed_attrs"] = attributes = _attributes(plaintext, at, style.digest)
        # What is signed is the plain SET OF, not the [0] that is in its place in the message.
        covered = attributes.untag().dump()
    info["signature"] = signer.key.sign(covered, padding.PKCS1v15(), _HASHES[style.digest])
    return _content(
        "signed_data",
        cms.SignedData(
            {
                "version": "v1",
                "digest_algorithms": [digest],
                "encap_content_info": {"content_type": "data", "content": plaintext},
                "certificates": [certificate],
                "signer_infos": [info],
            }
        ),
    )


def _attributes(plaintext: bytes, at: datetime, digest: str) -> cms.CMSAttributes:
    return cms.CMSAttributes(
        [
            {"type": "content_type", "values": ["data"]},
            {"type": "signing_time", "values": [cms.Time({"utc_time": at.replace(microsecond=0)})]},
            {"type": "message_digest", "values": [hashlib.new(digest, plaintext).digest()]},
        ]
    )


def _encrypt(signed: bytes, recipient: JdCertificate) -> bytes:
    key, initial = secrets.token_bytes(_KEY_BYTES), secrets.token_bytes(_BLOCK_BYTES)
    padder = block_padding.PKCS7(_BLOCK_BYTES * 8).padder()
    encryptor = Cipher(TripleDES(key), modes.CBC(initial)).encryptor()
    padded = padder.update(signed) + padder.finalize()
    receiver = cms.KeyTransRecipientInfo(
        {
            "version": "v0",
            "rid": cms.RecipientIdentifier(
                {"issuer_and_serial_number": _named(_asn1(recipient.certificate))}
            ),
            "key_encryption_algorithm": {"algorithm": "rsaes_pkcs1v15"},
            "encrypted_key": recipient.key.encrypt(key, padding.PKCS1v15()),
        }
    )
    return _content(
        "enveloped_data",
        cms.EnvelopedData(
            {
                "version": "v0",
                "recipient_infos": [cms.RecipientInfo("ktri", receiver)],
                "encrypted_content_info": {
                    "content_type": "data",
                    "content_encryption_algorithm": {
                        "algorithm": "tripledes_3key",
                        "parameters": initial,
                    },
                    "encrypted_content": encryptor.update(padded) + encryptor.finalize(),
                },
            }
        ),
    )


def _content(kind: str, content: cms.SignedData | cms.EnvelopedData) -> bytes:
    encoded: bytes = cms.ContentInfo({"content_type": kind, "content": content}).dump()
    return encoded


def _asn1(certificate: x509.Certificate) -> asn1_x509.Certificate:
    return asn1_x509.Certificate.load(certificate.public_bytes(Encoding.DER))


def _named(certificate: asn1_x509.Certificate) -> cms.IssuerAndSerialNumber:
    return cms.IssuerAndSerialNumber(
        {"issuer": certificate.issuer, "serial_number": certificate.serial_number}
    )
