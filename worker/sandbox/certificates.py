"""
Certificates: a throw-away authority with its TLS server, and the self-signed ones of the envelope.
"""

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from worker.sandbox.dates import utc_now

_LIFETIME = timedelta(days=365)
#: The clocks of two machines may differ.
_SLACK = timedelta(hours=1)

_NO_USAGE = {
    "digital_signature": False,
    "content_commitment": False,
    "key_encipherment": False,
    "data_encipherment": False,
    "key_agreement": False,
    "key_cert_sign": False,
    "crl_sign": False,
    "encipher_only": False,
    "decipher_only": False,
}


@dataclass(frozen=True, slots=True)
class Hosts:
    """
    The addresses and names that a TLS certificate is for.
    """

    addresses: tuple[ipaddress.IPv4Address, ...]
    names: tuple[str, ...]

    @classmethod
    def including(cls, names: Iterable[str]) -> Self:
        """
        Loopback, and the given names.
        """
        return cls((ipaddress.IPv4Address("127.0.0.1"),), ("localhost", *sorted(set(names))))


@dataclass(frozen=True, slots=True)
class Issued:
    """
    One TLS server's certificate with its authority, as PEM. The authority's key is not kept.
    """

    ca_cert: bytes
    server_cert: bytes
    server_key: bytes = field(repr=False)


def issue(hosts: Hosts) -> Issued:
    """
    Make an authority, let it sign one server certificate, and forget its key.
    """
    ca_key, server_key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    ca_name, ca_public = _name("payout sandbox CA"), ca_key.public_key()
    ca_cert = (
        _builder(ca_name, ca_name, ca_public)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage("key_cert_sign", "crl_sign"), critical=True)
        .sign(ca_key, hashes.SHA256())
    )
    alternatives = [
        *(x509.IPAddress(address) for address in hosts.addresses),
        *(x509.DNSName(name) for name in hosts.names),
    ]
    server_cert = (
        _builder(_name("payout sandbox"), ca_name, server_key.public_key())
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage("digital_signature"), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(ca_public), critical=False
        )
        .sign(ca_key, hashes.SHA256())
    )
    return Issued(
        ca_cert.public_bytes(Encoding.PEM),
        server_cert.public_bytes(Encoding.PEM),
        server_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
    )


def is_fit(server_file: Path, ca_file: Path, hosts: Hosts) -> bool:
    """
    Whether a certificate exists, covers all `hosts` and is valid for another day.
    """
    if not (server_file.exists() and ca_file.exists()):
        return False
    certificate = x509.load_pem_x509_certificate(server_file.read_bytes())
    covered = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return (
        set(hosts.names) <= set(covered.get_values_for_type(x509.DNSName))
        and set(hosts.addresses) <= set(covered.get_values_for_type(x509.IPAddress))
        and utc_now() + timedelta(days=1) < certificate.not_valid_after_utc
    )


def self_signed(key: rsa.RSAPrivateKey, subject: str, *, encipherment: bool) -> x509.Certificate:
    """
    A certificate for envelopes: one that receives them, or one that signs what is in them.
    """
    name = _name(subject)
    usage = _usage("key_encipherment") if encipherment else _usage("digital_signature")
    return (
        _builder(name, name, key.public_key())
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .sign(key, hashes.SHA256())
    )


def _name(common_name: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "payout sandbox"),
            x509.NameAttribute(NameOID.COMMON_NAME, common_name),
        ]
    )


def _usage(*wanted: str) -> x509.KeyUsage:
    return x509.KeyUsage(**(_NO_USAGE | dict.fromkeys(wanted, True)))


def _builder(
    subject: x509.Name, issuer: x509.Name, public_key: ec.EllipticCurvePublicKey | rsa.RSAPublicKey
) -> x509.CertificateBuilder:
    now = utc_now()
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _SLACK)
        .not_valid_after(now + _LIFETIME)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
    )
