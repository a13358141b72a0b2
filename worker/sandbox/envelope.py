"""
Opening an envelope as JD's own library does: decrypt, then verify.
"""

import base64
import hashlib
from dataclasses import dataclass, field
from datetime import datetime

from asn1crypto import cms
from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.ciphers import Cipher, modes
from cryptography.hazmat.primitives.padding import PKCS7

#: What the libraries raise, since they read lazily, for bytes that are not what they should be.
_MALFORMED = (
    ValueError,
    TypeError,
    KeyError,
    IndexError,
    AttributeError,
    UnsupportedAlgorithm,
    x509.InvalidVersion,
)

_DIGESTS: dict[str, hashes.HashAlgorithm] = {"sha1": hashes.SHA1(), "sha256": hashes.SHA256()}  # noqa: S303
_TRIPLE_DES_KEY_BYTES = 24
_PRIMITIVE = 0


class EnvelopeError(Exception):
    """
    The envelope cannot be opened, or its signature does not hold.
    """


@dataclass(frozen=True, slots=True)
class Opened:
    """
    What was in the envelope, and whose signature it carried.
    """

    plaintext: bytes = field(repr=False)
    signer: x509.Certificate


def open_envelope(
    encrypt_data: str,
    jd_key: rsa.RSAPrivateKey,
    jd_cert: x509.Certificate,
    merchant_cert: x509.Certificate | None,
) -> Opened:
    """
    Open `encrypt_data` with JD's key and verify the signature inside.

    The signer must be `merchant_cert` where one is given. Raises `EnvelopeError`; all faults of
    decryption raise it with the same words, so that nobody learns how far a guess came.
    """
    try:
        signed = _decrypt(encrypt_data, jd_key, jd_cert)
    except _MALFORMED as fault:
        raise EnvelopeError("the envelope cannot be decrypted") from fault
    try:
        opened = _verify(signed)
    except _MALFORMED as fault:
        raise EnvelopeError("the signed message is malformed") from fault
    except InvalidSignature as fault:
        raise EnvelopeError("the signature does not verify") from fault
    if merchant_cert is not None and opened.signer != merchant_cert:
        raise EnvelopeError("the signer is not the merchant")
    return opened


def _decrypt(encrypt_data: str, key: rsa.RSAPrivateKey, cert: x509.Certificate) -> cms.SignedData:
    der = base64.b64decode("".join(encrypt_data.splitlines()), validate=True)
    envelope = _content(cms.ContentInfo.load(der, strict=True), "enveloped_data")
    # JD's library looks at the first recipient alone.
    recipient = envelope["recipient_infos"][0].chosen
    if not isinstance(recipient, cms.KeyTransRecipientInfo) or not _is_for(recipient["rid"], cert):
        raise ValueError("another recipient")
    if recipient["key_encryption_algorithm"]["algorithm"].native != "rsaes_pkcs1v15":
        raise ValueError("another key transport")
    content = envelope["encrypted_content_info"]
    if content["content_type"].native != "data":
        raise ValueError("another kind of content")
    cipher = content["content_encryption_algorithm"]
    if cipher["algorithm"].native != "tripledes_3key":
        raise ValueError("another cipher")
    # JD's library fails on a streamed envelope, whose content comes in pieces.
    if content["encrypted_content"].method != _PRIMITIVE:
        raise ValueError("a streamed envelope")
    # A wrong block decrypts to random bytes, not to an error: their length shows most of them.
    session_key = key.decrypt(recipient["encrypted_key"].native, padding.PKCS1v15())
    if len(session_key) != _TRIPLE_DES_KEY_BYTES:
        raise ValueError("not a triple DES key")
    decryptor = Cipher(TripleDES(session_key), modes.CBC(cipher["parameters"].native)).decryptor()
    padded = decryptor.update(content["encrypted_content"].native) + decryptor.finalize()
    unpadder = PKCS7(TripleDES.block_size).unpadder()
    inner = unpadder.update(padded) + unpadder.finalize()
    return _content(cms.ContentInfo.load(inner, strict=True), "signed_data")


def _content(info: cms.ContentInfo, kind: str) -> cms.EnvelopedData | cms.SignedData:
    if info["content_type"].native != kind:
        raise ValueError("another kind of message")
    return info["content"]


def _is_for(
    identifier: cms.RecipientIdentifier | cms.SignerIdentifier, cert: x509.Certificate
) -> bool:
    if identifier.name == "subject_key_identifier":
        try:
            extension = cert.extensions.get_extension_for_class(x509.SubjectKeyIdentifier)
        except x509.ExtensionNotFound:
            return False
        return bool(identifier.chosen.native == extension.value.digest)
    named = identifier.chosen
    return bool(
        named["serial_number"].native == cert.serial_number
        and named["issuer"].dump() == cert.issuer.public_bytes()
    )


def _verify(signed: cms.SignedData) -> Opened:
    if signed["encap_content_info"]["content_type"].native != "data":
        raise ValueError("the signed content is not data")
    plaintext = signed["encap_content_info"]["content"].native
    if not isinstance(plaintext, bytes):
        raise EnvelopeError("the signature is detached")
    if len(signed["signer_infos"]) != 1:
        raise EnvelopeError("not exactly one signature")
    info = signed["signer_infos"][0]
    signer = _signer(signed, info["sid"])
    public_key = signer.public_key()
    digest_name = info["digest_algorithm"]["algorithm"].native
    if not isinstance(public_key, rsa.RSAPublicKey) or digest_name not in _DIGESTS:
        raise EnvelopeError("the signature is not RSA over SHA-1 or SHA-256")
    if info["signature_algorithm"].signature_algo != "rsassa_pkcs1v15":
        raise EnvelopeError("the signature is not PKCS#1 v1.5")
    covered = plaintext
    if attributes := info["signed_attrs"]:
        _check_attributes(attributes, plaintext, digest_name, signer)
        # The signature covers the attributes as a plain SET, not under their tag in the message.
        covered = attributes.untag().dump()
    public_key.verify(info["signature"].native, covered, padding.PKCS1v15(), _DIGESTS[digest_name])
    return Opened(plaintext, signer)


def _signer(signed: cms.SignedData, identifier: cms.SignerIdentifier) -> x509.Certificate:
    for choice in signed["certificates"]:
        certificate = x509.load_der_x509_certificate(choice.chosen.dump())
        if _is_for(identifier, certificate):
            return certificate
    raise EnvelopeError("the signer's certificate is missing")


def _check_attributes(
    attributes: cms.CMSAttributes, plaintext: bytes, digest_name: str, signer: x509.Certificate
) -> None:
    values = {entry["type"].native: entry["values"][0].native for entry in attributes}
    if values.get("content_type") != "data":
        raise EnvelopeError("the content type is not signed")
    digest = hashlib.new(digest_name, plaintext, usedforsecurity=False).digest()
    if values.get("message_digest") != digest:
        raise EnvelopeError("the message digest does not match")
    # As JD's library does: a certificate that had expired when it signed is refused, but only a
    # message that says when it was signed can show it.
    signed_at = values.get("signing_time")
    if isinstance(signed_at, datetime) and not (
        signer.not_valid_before_utc <= signed_at <= signer.not_valid_after_utc
    ):
        raise EnvelopeError("the signer's certificate was not valid at the time of signing")
