"""
In which form a certificate's file is that cannot be read, and the command that converts it.
"""

import base64
import binascii
import contextlib
import shlex
import warnings
from collections.abc import Sequence
from pathlib import Path

from asn1crypto import pkcs12 as asn1_pkcs12
from cryptography import x509
from cryptography.hazmat.primitives.serialization import pkcs7

_TO = "jd.pem"
#: What a file may begin with that says in which order its bytes come.
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")

#: The labels of PEM that are no certificate's, and what they are.
_OTHER_LABELS = {
    b"PRIVATE KEY-----": "a private key",
    b"-----BEGIN PUBLIC KEY": "a public key without its certificate",
    b"CERTIFICATE REQUEST-----": "a request for a certificate",
}


def conversion(content: bytes, path: Path) -> tuple[str, str] | None:
    """
    What a file that is no certificate is instead, and what to do; None if that is not known.
    """
    name = shlex.quote(str(path))
    if content.startswith(_UTF_16):
        return "is text in UTF-16", f"`iconv -f UTF-16 -t UTF-8 {name} > {_TO}`"
    if certificates := _pkcs7(content):
        form = "PEM" if content.lstrip().startswith(b"-----BEGIN") else "DER"
        # The first one is taken, so the one that is nobody's issuer must come first.
        pick = _picked(leaf(certificates))
        printed = f"openssl pkcs7 -inform {form} -in {name} -print_certs"
        return "is a PKCS#7 file", f"`{printed} | {pick}openssl x509 -out {_TO}`"
    if _is_pkcs12(content):
        opened = f"openssl pkcs12 -in {name} -nokeys -clcerts"
        return "is a PKCS#12 file", f"`{opened} | openssl x509 -out {_TO}`"
    for label, what in _OTHER_LABELS.items():
        if label in content:
            return f"holds {what}", "install the certificate that JD sent instead"
    if _is_bare_base64(content):
        decoded = f"openssl base64 -d -A -in {name}"
        if len(content.split()) > 1:
            decoded = f"openssl base64 -d -in {name}"
        return (
            "is Base64 without the lines BEGIN and END",
            f"`{decoded} | openssl x509 -inform DER -out {_TO}`",
        )
    return None


def leaf(certificates: Sequence[x509.Certificate]) -> int:
    """
    The place of the first of some certificates that issued none of the others.
    """
    for place, one in enumerate(certificates):
        others = [other for other in certificates if other is not one]
        if not any(other.issuer == one.subject for other in others):
            return place
    return 0


def reordering(certificates: Sequence[x509.Certificate], path: Path) -> str:
    """
    The command that takes the one which issued none of the others out of a PEM file of several.
    """
    picked = _picked(leaf(certificates), shlex.quote(str(path)))
    return f"`{picked}openssl x509 -out {_TO}`"


def _picked(place: int, name: str = "") -> str:
    """
    What leaves one of several certificates in PEM; nothing where it is the first anyway.
    """
    if place == 0 and not name:
        return ""
    source = f" {name}" if name else ""
    return f"awk '/BEGIN CERT/{{n++}} n=={place + 1}'{source} | "


def _pkcs7(content: bytes) -> list[x509.Certificate]:
    for load in (pkcs7.load_pem_pkcs7_certificates, pkcs7.load_der_pkcs7_certificates):
        # What it says of files that openssl itself makes is not for whoever runs the doctor.
        with contextlib.suppress(ValueError), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return load(content)
    return []


def _is_pkcs12(content: bytes) -> bool:
    try:
        version: object = asn1_pkcs12.Pfx.load(content, strict=True)["version"].native
    except (ValueError, TypeError):
        return False
    return version == "v3"


def _is_bare_base64(content: bytes) -> bool:
    try:
        decoded = base64.b64decode(b"".join(content.split()), validate=True)
        x509.load_der_x509_certificate(decoded)
    except (ValueError, binascii.Error):
        return False
    return True
