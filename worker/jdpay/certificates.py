"""
The merchant's identity (key and certificate, from a pfx) and JD's certificate.

Loading a pfx takes about 40 ms: load once a process and keep the object.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from asn1crypto import pkcs12 as asn1_pkcs12
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_der_private_key,
    pkcs12,
)

from worker.jdpay.errors import BadCertificate, WrongPassword

#: How long before its end a certificate is warned about.
EXPIRES_SOON = timedelta(days=30)

_CONVERT = (
    "an old container may be rewritten with"
    " `openssl pkcs12 -legacy -in old.pfx -nodes | openssl pkcs12 -export -out new.pfx`"
)


@dataclass(frozen=True, slots=True)
class MerchantIdentity:
    """
    What the merchant signs with. `warnings` are for the operator.
    """

    key: rsa.RSAPrivateKey = field(repr=False)
    certificate: x509.Certificate = field(repr=False)
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class JdCertificate:
    """
    The certificate that requests are sealed for, pinned as installed: its chain is not checked.
    """

    certificate: x509.Certificate = field(repr=False)
    key: rsa.RSAPublicKey = field(repr=False)
    warnings: tuple[str, ...] = ()


def load_merchant(pfx: bytes, password: str, now: datetime | None = None) -> MerchantIdentity:
    """
    Open the merchant's pfx, whose containers may be as old as RC2-40 and 3DES.

    Of several entries the first wins whose certificate may sign and is in date, as in JD's own
    loader. Raises `WrongPassword` or `BadCertificate`.
    """
    at = now or datetime.now(UTC)
    entries = list(_entries(pfx, password.encode()))
    if not entries:
        raise BadCertificate(
            "the merchant's pfx holds no RSA key with its certificate; export both from where the"
            " key was made"
        )
    key, certificate = max(entries, key=lambda entry: _fitness(entry[1], at))
    warnings = _date_warnings("the merchant's certificate", certificate, at)
    if not _may_sign(certificate):
        warnings = (*warnings, "the merchant's certificate is not marked for digital signatures")
    return MerchantIdentity(key, certificate, warnings)


def load_jd(certificate: bytes, now: datetime | None = None) -> JdCertificate:
    """
    Read JD's certificate, DER or PEM.

    Expired, RSA-1024 and e=3 are warnings: clients in production have used such a certificate of
    JD's two years past its date. Raises `BadCertificate`.
    """
    loader = (
        x509.load_pem_x509_certificate
        if b"-----BEGIN" in certificate
        else x509.load_der_x509_certificate
    )
    try:
        parsed = loader(certificate)
        key = parsed.public_key()
    except (ValueError, UnsupportedAlgorithm):
        raise BadCertificate(
            "JD's certificate is neither DER nor PEM; install the file as JD sent it"
        ) from None
    if not isinstance(key, rsa.RSAPublicKey):
        raise BadCertificate("JD's certificate holds no RSA key; ask JD for the right one")
    warnings = _date_warnings("JD's certificate", parsed, now or datetime.now(UTC))
    if key.key_size < 2048:
        warnings = (*warnings, f"JD's certificate has a short key: RSA-{key.key_size}")
    if key.public_numbers().e == 3:
        warnings = (*warnings, "JD's certificate has the weak public exponent 3")
    return JdCertificate(parsed, key, warnings)


def _entries(pfx: bytes, password: bytes) -> Iterator[tuple[rsa.RSAPrivateKey, x509.Certificate]]:
    try:
        loaded = pkcs12.load_pkcs12(pfx, password)
        certificates = [loaded.cert, *loaded.additional_certs]
        by_key = {_spki(item.certificate): item.certificate for item in certificates if item}
        keys = [loaded.key, *_other_keys(pfx, password)]
    except (ValueError, UnsupportedAlgorithm) as fault:
        raise _cannot_open(pfx, fault) from None
    seen: set[bytes] = set()
    for key in keys:
        if not isinstance(key, rsa.RSAPrivateKey):
            continue
        public = _public(key)
        if public in by_key and public not in seen:
            seen.add(public)
            yield key, by_key[public]


def _other_keys(pfx: bytes, password: bytes) -> Iterator[object]:
    # The loader above returns one key even where the container holds several.
    for content in asn1_pkcs12.Pfx.load(pfx).authenticated_safe:
        if content["content_type"].native != "data":
            continue
        for bag in asn1_pkcs12.SafeContents.load(content["content"].native):
            if bag["bag_id"].native == "pkcs8_shrouded_key_bag":
                yield load_der_private_key(bag["bag_value"].untag().dump(), password)


def _cannot_open(pfx: bytes, fault: Exception) -> BadCertificate:
    try:
        whole = asn1_pkcs12.Pfx.load(pfx, strict=True)["version"].native == "v3"
    except ValueError:
        whole = False
    if not whole:
        return BadCertificate("the merchant's pfx is not a whole PKCS#12 file; copy it again")
    if isinstance(fault, UnsupportedAlgorithm):
        return BadCertificate(f"the merchant's pfx uses an unsupported cipher; {_CONVERT}")
    return WrongPassword(
        f"the password does not open the merchant's pfx; if it is right, {_CONVERT}"
    )


def _fitness(certificate: x509.Certificate, at: datetime) -> tuple[bool, bool]:
    in_date = certificate.not_valid_before_utc <= at <= certificate.not_valid_after_utc
    return in_date and _may_sign(certificate), in_date


def _may_sign(certificate: x509.Certificate) -> bool:
    try:
        usage = certificate.extensions.get_extension_for_class(x509.KeyUsage).value
    except x509.ExtensionNotFound:
        return True
    return usage.digital_signature


def _date_warnings(whose: str, certificate: x509.Certificate, at: datetime) -> tuple[str, ...]:
    begin, end = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    if at < begin:
        return (f"{whose} is valid only from {begin:%Y-%m-%d}",)
    if at > end:
        return (f"{whose} expired on {end:%Y-%m-%d}; ask JD for a new one",)
    if end - at < EXPIRES_SOON:
        return (f"{whose} expires on {end:%Y-%m-%d}; ask JD for a new one",)
    return ()


def _spki(certificate: x509.Certificate) -> bytes:
    return certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def _public(key: rsa.RSAPrivateKey) -> bytes:
    return key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
