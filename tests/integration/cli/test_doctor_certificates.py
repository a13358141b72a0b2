"""
What the doctor says of JD's certificate in forms that `openssl` really makes, and what cures them.
"""

import re
import subprocess
from pathlib import Path

import pytest
from cryptography import x509

from tests.integration.cli.conftest import Place
from tests.integration.cli.diagnosis import Examine


def openssl(command: str, folder: Path) -> None:
    """
    Run a command line in a folder, as a person at a shell does.
    """
    subprocess.run(command, shell=True, cwd=folder, check=True, capture_output=True)


@pytest.fixture
def folder(tmp_path: Path, sandbox: Place) -> Path:
    """
    JD's certificate in PEM and DER, issued by an authority that is there as well.
    """
    folder = tmp_path / "it's 证书"
    folder.mkdir()
    openssl(
        "openssl req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.crt -days 365"
        " -subj '/CN=Authority'"
        " && openssl req -newkey rsa:2048 -nodes -keyout jd.key -out jd.csr -subj '/CN=JD'"
        " && openssl x509 -req -in jd.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 365"
        " -out leaf.crt"
        " && openssl x509 -in leaf.crt -outform DER -out leaf.der",
        folder,
    )
    return folder


FORMS = {
    "is a PKCS#7 file": (
        "openssl crl2pkcs7 -nocrl -certfile leaf.crt -outform DER -out it",
        "openssl crl2pkcs7 -nocrl -certfile leaf.crt -out it",
        # with the authority before it, as some export it
        "cat ca.crt leaf.crt > 2 && openssl crl2pkcs7 -nocrl -certfile 2 -out it",
        "cat ca.crt leaf.crt > 2 && openssl crl2pkcs7 -nocrl -certfile 2 -outform DER -out it",
    ),
    "is Base64 without the lines BEGIN and END": (
        "openssl base64 -in leaf.der -out it",
        "openssl base64 -A -in leaf.der -out it",
    ),
    "is text in UTF-16": ("iconv -f UTF-8 -t UTF-16 leaf.crt > it",),
    "issued another one of them": ("cat ca.crt leaf.crt > it",),
}


@pytest.mark.parametrize(
    ("told", "made"), [(told, made) for told, ways in FORMS.items() for made in ways]
)
def test_what_has_to_be_converted_is_by_the_command_that_is_told(
    healthy: None,
    examine: Examine,
    monkeypatch: pytest.MonkeyPatch,
    folder: Path,
    told: str,
    made: str,
) -> None:
    """
    The command is run as it is told, and the doctor then finds JD's certificate in what comes out.
    """
    openssl(made, folder)
    monkeypatch.setenv("PAYOUTS_JD_CERT_FILE", str(folder / "it"))

    fault = examine().told("JD certificate", "fault")

    assert told in fault
    (command,) = re.findall(r"`([^`]+)`", fault)
    openssl(command, folder)
    monkeypatch.setenv("PAYOUTS_JD_CERT_FILE", str(folder / "jd.pem"))
    diagnosis = examine()
    assert "valid until" in diagnosis.told("JD certificate", "ok")
    assert diagnosis.told("JD certificate", "fault") == ""
    mended = x509.load_pem_x509_certificate((folder / "jd.pem").read_bytes())
    assert mended == x509.load_pem_x509_certificate((folder / "leaf.crt").read_bytes())


def test_a_container_with_the_certificate_is_opened(
    healthy: None, examine: Examine, monkeypatch: pytest.MonkeyPatch, folder: Path
) -> None:
    """
    The password is asked for at the keyboard: here it is put into the command.
    """
    openssl("openssl pkcs12 -export -in leaf.crt -inkey jd.key -passout pass:x -out it", folder)
    monkeypatch.setenv("PAYOUTS_JD_CERT_FILE", str(folder / "it"))

    fault = examine().told("JD certificate", "fault")

    assert "is a PKCS#12 file" in fault
    (command,) = re.findall(r"`([^`]+)`", fault)
    openssl(command.replace("-nokeys", "-nokeys -passin pass:x"), folder)
    monkeypatch.setenv("PAYOUTS_JD_CERT_FILE", str(folder / "jd.pem"))
    assert "valid until" in examine().told("JD certificate", "ok")


@pytest.mark.parametrize(
    ("made", "told"),
    [
        ("cp jd.key it", "holds a private key"),
        ("cp jd.csr it", "holds a request for a certificate"),
        (
            "openssl x509 -in leaf.crt -pubkey -noout > it",
            "holds a public key without its certificate",
        ),
    ],
)
def test_what_is_no_certificate_is_named(
    healthy: None,
    examine: Examine,
    monkeypatch: pytest.MonkeyPatch,
    folder: Path,
    made: str,
    told: str,
) -> None:
    """
    No command makes one of it.
    """
    openssl(made, folder)
    monkeypatch.setenv("PAYOUTS_JD_CERT_FILE", str(folder / "it"))

    assert f"{told} | install the certificate that JD sent" in examine().told(
        "JD certificate", "fault"
    )


def test_our_own_certificate_is_not_jds(
    healthy: None,
    examine: Examine,
    monkeypatch: pytest.MonkeyPatch,
    sandbox: Place,
    tmp_path: Path,
) -> None:
    """
    Taken out of the pfx by mistake: what we seal for it, JD could not open.
    """
    password = (sandbox.directory / "merchant.password").read_text().strip()
    openssl(
        f"openssl pkcs12 -legacy -in '{sandbox.directory}/merchant.pfx' -nokeys -clcerts"
        f" -passin 'pass:{password}' | openssl x509 -out own.pem",
        tmp_path,
    )
    monkeypatch.setenv("PAYOUTS_JD_CERT_FILE", str(tmp_path / "own.pem"))

    assert "the certificate is our own" in examine().told("JD certificate", "fault")


@pytest.mark.parametrize("form", ["leaf.crt", "leaf.der", "chain.crt"])
def test_der_pem_and_a_chain_in_order_are_taken(
    healthy: None, examine: Examine, monkeypatch: pytest.MonkeyPatch, folder: Path, form: str
) -> None:
    """
    Nothing has to be converted.
    """
    openssl("cat leaf.crt ca.crt > chain.crt", folder)
    monkeypatch.setenv("PAYOUTS_JD_CERT_FILE", str(folder / form))

    diagnosis = examine()
    assert "valid until" in diagnosis.told("JD certificate", "ok")
    assert diagnosis.told("JD certificate", "fault") == ""
