"""
The keys and certificates, as `openssl` sees them.
"""

import stat
from pathlib import Path

import pytest

from tests.unit.sandbox.openssl import openssl
from worker.sandbox.keys import Keys, prepare, write_settings


def test_files_are_private(keys: Keys) -> None:
    """
    Nobody else may read the folder or anything in it.
    """
    modes = {stat.S_IMODE(path.stat().st_mode) for path in keys.directory.iterdir()}

    assert modes == {0o600}


def test_a_new_folder_is_private(tmp_path: Path) -> None:
    """
    A folder that it makes, in a folder that is missing too, is for the owner alone.
    """
    prepare(tmp_path / "新" / "keys")

    assert stat.S_IMODE((tmp_path / "新" / "keys").stat().st_mode) == 0o700


def test_keys_are_reused(tmp_path: Path) -> None:
    """
    A second start changes no file.
    """
    prepare(tmp_path)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    prepare(tmp_path)

    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_a_new_name_gets_a_new_certificate(tmp_path: Path) -> None:
    """
    A name that the TLS certificate lacks renews it with its authority, and no other key.
    """
    prepare(tmp_path)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    prepare(tmp_path, ["sandbox"])
    changed = {name for name, old in before.items() if (tmp_path / name).read_bytes() != old}

    assert changed == {"ca.pem", "server_cert.pem", "server_key.pem"}


@pytest.mark.parametrize(
    "host",
    [
        ("-verify_ip", "127.0.0.1"),
        ("-verify_hostname", "localhost"),
        ("-verify_hostname", "sandbox"),
    ],
)
def test_server_certificate_verifies(tmp_path: Path, host: tuple[str, str]) -> None:
    """
    The TLS certificate passes the strict checks for each of its names.
    """
    keys = prepare(tmp_path, ["sandbox"])
    checks = ("-x509_strict", "-purpose", "sslserver", "-CAfile", keys.ca_file)

    assert openssl("verify", *checks, *host, keys.server_files[0]).endswith(b": OK\n")


def test_pfx_opens_with_its_password(keys: Keys) -> None:
    """
    The merchant's pfx holds the certificate that the gateway expects.
    """
    password = f"file:{keys.directory / 'merchant.password'}"
    pfx = ("-in", keys.directory / "merchant.pfx", "-passin", password, "-nokeys")

    assert (keys.directory / "merchant_cert.pem").read_bytes() in openssl("pkcs12", *pfx)


def test_jd_certificate_in_both_forms(keys: Keys) -> None:
    """
    JD's certificate is there as PEM and as DER, and is the same.
    """
    der = ("-in", keys.directory / "jd_cert.der", "-inform", "DER")

    assert openssl("x509", *der) == (keys.directory / "jd_cert.pem").read_bytes()


def test_settings_of_a_worker(keys: Keys) -> None:
    """
    `sandbox.env` names the address and all the files, which exist.
    """
    text = write_settings(keys, "https://127.0.0.1:8443/npp10").read_text("utf-8")
    settings = dict(line.split("=", 1) for line in text.splitlines())

    assert settings.pop("PAYOUTS_PROFILE") == "sandbox"
    assert settings.pop("PAYOUTS_GATEWAY_URL") == "https://127.0.0.1:8443/npp10"
    assert settings.pop("PAYOUTS_CUSTOMER_NO") == "360080000000000001"
    assert settings.pop("PAYOUTS_SIGN_KEY") == "test"
    assert settings.pop("PAYOUTS_REVIEW_ACCOUNTS") == "620000000000000007"
    assert settings.pop("PAYOUTS_DUPLICATES_WITHIN") == "0s"
    assert all(Path(path).is_absolute() and Path(path).is_file() for path in settings.values())
    assert settings.keys() == {
        "PAYOUTS_CA_FILE",
        "PAYOUTS_PFX_FILE",
        "PAYOUTS_PFX_PASSWORD_FILE",
        "PAYOUTS_JD_CERT_FILE",
    }


def test_secrets_are_not_shown(keys: Keys) -> None:
    """
    The keys' own description holds no key.
    """
    assert "sign_key" not in repr(keys)
    assert "jd_key" not in repr(keys)
