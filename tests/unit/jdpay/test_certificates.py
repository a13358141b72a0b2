from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.unit.jdpay.conftest import VECTORS, Openssl
from worker.jdpay.certificates import load_jd, load_merchant
from worker.jdpay.errors import BadCertificate, WrongPassword

OLD_FORMS = [
    [],  # today's default: AES-256
    ["-legacy"],  # RC2-40 and 3DES, as Windows and Java wrote for twenty years
    ["-descert", "-legacy"],
    ["-certpbe", "PBE-SHA1-3DES", "-keypbe", "PBE-SHA1-3DES", "-macalg", "sha1"],
    ["-legacy", "-certpbe", "PBE-SHA1-RC2-40", "-keypbe", "PBE-SHA1-RC2-40"],
]


@pytest.mark.parametrize("form", OLD_FORMS, ids=lambda form: " ".join(form) or "default")
@pytest.mark.parametrize("password", ["secret1", "密码"])
def test_old_containers_open(form: list[str], password: str, pfx: Callable[..., bytes]) -> None:
    """
    A pfx opens in every form that openssl writes, with a password in any script.
    """
    identity = load_merchant(pfx(*form, password=password), password)

    assert identity.certificate.public_key() == identity.key.public_key()
    assert identity.warnings == ()


@pytest.mark.parametrize("form", OLD_FORMS, ids=lambda form: " ".join(form) or "default")
def test_wrong_password(form: list[str], pfx: Callable[..., bytes]) -> None:
    """
    A wrong password says so, says how to convert an old file, and does not show the password.
    """
    with pytest.raises(WrongPassword, match="openssl pkcs12 -legacy") as caught:
        load_merchant(pfx(*form), "not this")

    assert "not this" not in str(caught.value)


@pytest.mark.parametrize("broken", [b"", b"no pfx", b"0\x82"])
def test_broken_pfx(broken: bytes) -> None:
    """
    A file that is no PKCS#12 is told apart from a wrong password.
    """
    with pytest.raises(BadCertificate, match="whole PKCS#12") as caught:
        load_merchant(broken, "secret1")

    assert not isinstance(caught.value, WrongPassword)


def test_cut_pfx(pfx: Callable[..., bytes]) -> None:
    """
    A file that was cut short is no whole PKCS#12.
    """
    with pytest.raises(BadCertificate, match="whole PKCS#12"):
        load_merchant(pfx()[:-9], "secret1")


def test_pfx_without_key(keys: Path, openssl: Openssl) -> None:
    """
    A container that lacks the private key is refused.
    """
    certificate_only = openssl(
        *("pkcs12", "-export", "-nokeys", "-in", keys / "merchant.crt", "-passout", "pass:p")
    )
    with pytest.raises(BadCertificate, match="no RSA key"):
        load_merchant(certificate_only, "p")


def test_the_signing_entry_in_date_wins() -> None:
    """
    Of several entries the one for digital signatures and in date is taken, wherever it stands.
    """
    pfx = (VECTORS / "three_entries.p12").read_bytes()
    identity = load_merchant(pfx, "secret1", datetime(2027, 1, 1, tzinfo=UTC))

    assert identity.certificate.subject.rfc4514_string() == "CN=Signs"
    assert identity.certificate.public_key() == identity.key.public_key()
    assert identity.warnings == ()


def test_merchant_warnings(pfx: Callable[..., bytes]) -> None:
    """
    A certificate outside its dates, or near their end, is a warning.
    """
    data = pfx()
    end = load_merchant(data, "secret1").certificate.not_valid_after_utc
    begin = load_merchant(data, "secret1").certificate.not_valid_before_utc

    assert "expired on" in load_merchant(data, "secret1", end.replace(year=2060)).warnings[0]
    assert "expires on" in load_merchant(data, "secret1", end).warnings[0]
    assert "valid only from" in load_merchant(data, "secret1", begin.replace(year=2001)).warnings[0]


def test_jd_certificate_is_pinned_not_judged(keys: Path, openssl: Openssl) -> None:
    """
    JD's certificate may be expired, RSA-1024 and e=3, in PEM or DER: each a warning.
    """
    pem = (keys / "jd.crt").read_bytes()
    der = openssl("x509", "-in", keys / "jd.crt", "-outform", "DER")

    assert load_jd(pem).certificate == load_jd(der).certificate
    assert load_jd(der).warnings == (
        "JD's certificate expired on 2016-07-19; ask JD for a new one",
        "JD's certificate has a short key: RSA-1024",
        "JD's certificate has the weak public exponent 3",
    )


@pytest.mark.parametrize("broken", [b"", b"no", b"-----BEGIN CERTIFICATE-----\nAA\n"])
def test_broken_jd_certificate(broken: bytes) -> None:
    """
    What is no certificate is refused with what to do.
    """
    with pytest.raises(BadCertificate, match="install the file"):
        load_jd(broken)


def test_jd_certificate_without_rsa(tmp_path: Path, openssl: Openssl) -> None:
    """
    A certificate with another kind of key cannot be sealed for.
    """
    openssl(
        *("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"),
        *("-subj", "/CN=ec", "-keyout", tmp_path / "k", "-out", tmp_path / "c"),
    )
    with pytest.raises(BadCertificate, match="no RSA key"):
        load_jd((tmp_path / "c").read_bytes())


def test_keys_are_hidden(pfx: Callable[..., bytes]) -> None:
    """
    Nothing of the key is in the identity's repr.
    """
    assert "key" not in repr(load_merchant(pfx(), "secret1"))
