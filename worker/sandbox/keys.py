"""
The sandbox's keys: made once for a directory, reused ever after.
"""

import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
    pkcs12,
)

from worker.sandbox import certificates
from worker.sandbox.private_files import write_private

#: The one merchant that the sandbox knows.
MERCHANT = "360080000000000001"

#: The payee whom `sandbox.env` puts on the worker's review list.
REVIEWED_ACCOUNT = "620000000000000007"

_RSA_BITS = 2048
_NO_PASSWORD = NoEncryption()


@dataclass(frozen=True, slots=True)
class Keys:
    """
    What the gateway itself needs of the directory.
    """

    directory: Path
    jd_key: rsa.RSAPrivateKey = field(repr=False)
    jd_cert: x509.Certificate
    merchant_cert: x509.Certificate
    sign_key: str = field(repr=False)

    @property
    def ca_file(self) -> Path:
        """
        The authority that a client of the gateway has to trust.
        """
        return self.directory / "ca.pem"

    @property
    def server_files(self) -> tuple[Path, Path]:
        """
        The certificate and the key of the TLS server.
        """
        return self.directory / "server_cert.pem", self.directory / "server_key.pem"


def prepare(directory: Path, names: Iterable[str] = ()) -> Keys:
    """
    Load the keys in `directory`, making those that are missing.

    The TLS certificate is for loopback and for `names`. It is made again, with a new authority,
    when the one that is there does not fit.
    """
    if not directory.is_dir():
        directory.mkdir(parents=True)
        directory.chmod(0o700)
    if not (directory / "jd_cert.der").exists():
        _make_jd(directory)
    if not (directory / "merchant.password").exists():
        _make_merchant(directory)
    if not (directory / "sign.key").exists():
        write_private(directory / "sign.key", b"test")
    hosts = certificates.Hosts.including(names)
    keys = _load(directory)
    if not certificates.is_fit(keys.server_files[0], keys.ca_file, hosts):
        issued = certificates.issue(hosts)
        # Removed first and written last: what was left half done is never found fit.
        keys.ca_file.unlink(missing_ok=True)
        write_private(keys.server_files[1], issued.server_key)
        write_private(keys.server_files[0], issued.server_cert)
        write_private(keys.ca_file, issued.ca_cert)
    return keys


def write_settings(keys: Keys, gateway_url: str | None) -> Path:
    """
    Write `sandbox.env`, the settings of a worker that is to pay through this sandbox.
    """
    directory = keys.directory.absolute()
    settings = {
        "PAYOUTS_PROFILE": "sandbox",
        "PAYOUTS_GATEWAY_URL": gateway_url,
        "PAYOUTS_CA_FILE": directory / "ca.pem",
        "PAYOUTS_CUSTOMER_NO": MERCHANT,
        "PAYOUTS_SIGN_KEY": keys.sign_key,
        "PAYOUTS_PFX_FILE": directory / "merchant.pfx",
        "PAYOUTS_PFX_PASSWORD_FILE": directory / "merchant.password",
        "PAYOUTS_JD_CERT_FILE": directory / "jd_cert.der",
        "PAYOUTS_REVIEW_ACCOUNTS": REVIEWED_ACCOUNT,
        # Each scenario has one account, which is paid again and again.
        "PAYOUTS_DUPLICATES_WITHIN": "0s",
    }
    lines = [f"{name}={value}\n" for name, value in settings.items() if value is not None]
    path = directory / "sandbox.env"
    write_private(path, "".join(lines).encode())
    return path


def _load(directory: Path) -> Keys:
    jd_key = load_pem_private_key((directory / "jd_key.pem").read_bytes(), password=None)
    assert isinstance(jd_key, rsa.RSAPrivateKey)
    return Keys(
        directory,
        jd_key,
        x509.load_pem_x509_certificate((directory / "jd_cert.pem").read_bytes()),
        x509.load_pem_x509_certificate((directory / "merchant_cert.pem").read_bytes()),
        (directory / "sign.key").read_text("utf-8").strip(),
    )


def _make_jd(directory: Path) -> None:
    key = _rsa_key()
    certificate = certificates.self_signed(key, "NPPAPI2", encipherment=True)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, _NO_PASSWORD)
    write_private(directory / "jd_key.pem", pem)
    write_private(directory / "jd_cert.pem", certificate.public_bytes(Encoding.PEM))
    write_private(directory / "jd_cert.der", certificate.public_bytes(Encoding.DER))


def _make_merchant(directory: Path) -> None:
    key = _rsa_key()
    certificate = certificates.self_signed(key, MERCHANT, encipherment=False)
    password = secrets.token_urlsafe(12).encode()
    pfx = pkcs12.serialize_key_and_certificates(
        MERCHANT.encode(), key, certificate, None, BestAvailableEncryption(password)
    )
    write_private(directory / "merchant_cert.pem", certificate.public_bytes(Encoding.PEM))
    write_private(directory / "merchant.pfx", pfx)
    write_private(directory / "merchant.password", password)


def _rsa_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=_RSA_BITS)
