"""
Vectors, throw-away certificates made by the `openssl` command, and a TLS server that misbehaves.
"""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from worker.jdpay.signature import SignKey

VECTORS = Path(__file__).parents[2] / "vectors"

SIGNATURES: list[dict[str, Any]] = json.loads((VECTORS / "signatures.json").read_text("utf-8"))

Openssl = Callable[..., bytes]


@pytest.fixture
def key() -> SignKey:
    """
    JD's published test key.
    """
    return SignKey("test")


@pytest.fixture(scope="session")
def openssl() -> Openssl:
    """
    Runs one `openssl` command and returns its standard output.
    """

    def run(*arguments: str | Path, stdin: bytes = b"") -> bytes:
        done = subprocess.run(
            ["openssl", *map(str, arguments)], input=stdin, capture_output=True, check=False
        )
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout

    return run


@pytest.fixture(scope="session")
def keys(tmp_path_factory: pytest.TempPathFactory, openssl: Openssl) -> Path:
    """
    A folder with `merchant` and `jd` as .key and .crt; JD's is RSA-1024, e=3, long expired.
    """
    folder = tmp_path_factory.mktemp("keys")
    subject = "/CN=Merchant 商户/O=Example"
    openssl(
        *("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "3650", "-utf8"),
        *("-subj", subject, "-addext", "keyUsage=digitalSignature"),
        *("-keyout", folder / "merchant.key", "-out", folder / "merchant.crt"),
    )
    openssl(
        *("genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:1024"),
        *("-pkeyopt", "rsa_keygen_pubexp:3", "-out", folder / "jd.key"),
    )
    openssl(
        *("req", "-new", "-key", folder / "jd.key", "-subj", "/CN=NPPAPI2/OU=test"),
        *("-out", folder / "jd.csr"),
    )
    (folder / "ca").mkdir()
    (folder / "ca" / "index.txt").touch()
    (folder / "ca.cnf").write_text(
        "[ca]\ndefault_ca=d\n[d]\npolicy=p\nrand_serial=yes\n"
        f"database={folder}/ca/index.txt\nnew_certs_dir={folder}/ca\n"
        "[p]\ncommonName=supplied\norganizationalUnitName=optional\n"
    )
    openssl(
        *("ca", "-batch", "-config", folder / "ca.cnf", "-md", "sha1", "-selfsign"),
        *("-keyfile", folder / "jd.key", "-in", folder / "jd.csr", "-out", folder / "jd.crt"),
        *("-startdate", "20150720000000Z", "-enddate", "20160719000000Z", "-notext"),
    )
    return folder


@pytest.fixture(scope="session")
def pfx(keys: Path, openssl: Openssl) -> Callable[..., bytes]:
    """
    Makes a pfx of the merchant's key in the form that openssl's arguments ask for.
    """

    def make(*form: str, password: str = "secret1") -> bytes:
        return openssl(
            *("pkcs12", "-export", "-inkey", keys / "merchant.key", "-in", keys / "merchant.crt"),
            *("-passout", f"pass:{password}", *form),
        )

    return make


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory, openssl: Openssl) -> Path:
    """
    A folder with the certificate and key of the server, which is its own authority.
    """
    folder = tmp_path_factory.mktemp("tls")
    openssl(
        *("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"),
        *("-subj", "/CN=gateway", "-addext", "subjectAltName=IP:127.0.0.1", "-days", "9"),
        *("-keyout", folder / "server.key", "-out", folder / "server.crt"),
    )
    return folder
