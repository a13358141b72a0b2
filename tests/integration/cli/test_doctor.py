"""
The doctor, against a real gateway, broker and database, each broken in turn.
"""

import contextlib
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import redis
import sqlalchemy as sa
from celery import Celery
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    pkcs12,
)

from tests.integration.cli.conftest import Place, Run, migrated
from tests.integration.cli.diagnosis import Examine
from tests.integration.cli.samples import MERCHANT, queued
from worker.store.engine import create_engine
from worker.store.keyring import Keyring
from worker.store.ledger import SqlLedger


def test_a_healthy_installation_is_all_ok(healthy: None, examine: Examine) -> None:
    """
    Every check was made and none complains.
    """
    diagnosis = examine()

    assert diagnosis.exit_code == 0
    assert {c["check"] for c in diagnosis.checks if c["level"] == "ok"} == {
        "settings",
        "merchant certificate",
        "JD certificate",
        "gateway",
        "broker",
        "celery",
        "database",
        "channel",
        "parts",
    }
    assert [c for c in diagnosis.checks if c["level"] != "ok"] == []


def test_people_read_a_table(healthy: None, run: Run) -> None:
    """
    Without `--json` each finding is a line.
    """
    page = run("doctor").stdout

    assert "yuan can be paid out" in page
    assert "appendonly is yes" in page


def test_missing_settings_do_not_hide_the_database(store_settings: str, examine: Examine) -> None:
    """
    All missing settings are named, and what can be looked at is.
    """
    diagnosis = examine()

    assert diagnosis.exit_code == 1
    assert "PAYOUTS_PFX_FILE: is not set" in diagnosis.told("settings", "fault")
    assert "settings are missing" in diagnosis.told("gateway", "warning")
    assert "the schema is current" in diagnosis.told("database", "ok")


def test_a_misspelt_setting_is_found(
    healthy: None, examine: Examine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    A name that nothing reads is a warning, with the name that was meant.
    """
    monkeypatch.setenv("PAYOUTS_FOLOWUPS", "1s")

    assert "did you mean PAYOUTS_FOLLOWUPS?" in examine().told("settings", "warning")


def test_the_review_list_is_counted(
    healthy: None, examine: Examine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    How many accounts it has, so that a list which was not read is noticed; and not which.
    """
    none = examine().told("settings", "ok")
    monkeypatch.setenv("PAYOUTS_REVIEW_ACCOUNTS", "6222021234567897312,hunter2")
    wrong = examine().told("settings", "fault")
    monkeypatch.setenv("PAYOUTS_REVIEW_ACCOUNTS", "6222021234567897312,622848001")
    two = examine().told("settings", "ok")

    assert "on the review list (PAYOUTS_REVIEW_ACCOUNTS): 0" in none
    assert "PAYOUTS_REVIEW_ACCOUNTS: account number 2 of 2 must be" in wrong
    assert "on the review list (PAYOUTS_REVIEW_ACCOUNTS): 2" in two
    assert "622" not in wrong + two


def test_the_wrong_sign_key(
    healthy: None, examine: Examine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    ILLEGAL_SIGN names the sign key.
    """
    monkeypatch.setenv("PAYOUTS_SIGN_KEY", "hunter2")

    told = examine().told("gateway", "fault")

    assert "ILLEGAL_SIGN" in told
    assert "PAYOUTS_SIGN_KEY is not the key of PAYOUTS_CUSTOMER_NO" in told


def test_the_wrong_merchant(
    healthy: None, examine: Examine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    CUSTOMER_NOT_EXIST names the merchant number.
    """
    monkeypatch.setenv("PAYOUTS_CUSTOMER_NO", "360080000000000009")

    told = examine().told("gateway", "fault")

    assert "CUSTOMER_NOT_EXIST" in told
    assert "PAYOUTS_CUSTOMER_NO is not a merchant of this gateway" in told


def test_the_wrong_address(
    healthy: None, examine: Examine, monkeypatch: pytest.MonkeyPatch, sandbox: Place
) -> None:
    """
    API0000003 names the address, and JD's certificate.
    """
    monkeypatch.setenv("PAYOUTS_GATEWAY_URL", sandbox.url.replace("npp10", "npp11"))

    told = examine().told("gateway", "fault")

    assert "API0000003" in told
    assert "check PAYOUTS_GATEWAY_URL" in told
    assert "npp_11_API2.cer" in told


def test_an_unknown_host(healthy: None, examine: Examine, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    A host that can have no address is told by the settings' check, and asked nothing.
    """
    # An empty label is no name, so that no resolver is asked for it.
    monkeypatch.setenv("PAYOUTS_GATEWAY_URL", "https://gateway..invalid/npp10")

    diagnosis = examine()

    assert "gateway..invalid is not known" in diagnosis.told("settings", "fault")
    assert "not looked at" in diagnosis.told("gateway", "warning")


def test_nobody_listens(
    healthy: None, examine: Examine, monkeypatch: pytest.MonkeyPatch, free_port: int
) -> None:
    """
    A closed port of the gateway names host and port.
    """
    monkeypatch.setenv("PAYOUTS_GATEWAY_URL", f"https://127.0.0.1:{free_port}/npp10")

    assert "check host and port" in examine().told("gateway", "fault")


def test_an_untrusted_gateway(
    healthy: None, examine: Examine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    Without the sandbox's authority its certificate is not believed.
    """
    monkeypatch.delenv("PAYOUTS_CA_FILE")

    told = examine().told("gateway", "fault")

    assert "certificate_untrusted" in told
    assert "PAYOUTS_CA_FILE" in told


def test_a_ca_file_that_is_none(
    healthy: None, examine: Examine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """
    A CA file without a certificate is named.
    """
    monkeypatch.setenv("PAYOUTS_CA_FILE", str(tmp_path / "ca.pem"))

    assert "ca.pem cannot be read" in examine().told("gateway", "fault")


def test_the_wrong_pfx_password(
    healthy: None, examine: Examine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    The password is blamed, and not shown.
    """
    monkeypatch.delenv("PAYOUTS_PFX_PASSWORD_FILE")
    monkeypatch.setenv("PAYOUTS_PFX_PASSWORD", "hunter2")

    diagnosis = examine()

    assert "check PAYOUTS_PFX_PASSWORD" in diagnosis.told("merchant certificate", "fault")
    assert "can be paid out" in diagnosis.told("gateway", "ok")


def test_an_expired_certificate(
    healthy: None,
    examine: Examine,
    monkeypatch: pytest.MonkeyPatch,
    sandbox: Place,
    tmp_path: Path,
) -> None:
    """
    A pfx whose certificate has expired is a fault that says CERT_EXPIRE.
    """
    (tmp_path / "old.pfx").write_bytes(_expired(sandbox.directory))
    monkeypatch.setenv("PAYOUTS_PFX_FILE", str(tmp_path / "old.pfx"))

    told = examine().told("merchant certificate", "fault")

    assert "CERT_EXPIRE" in told
    assert "export a new pfx" in told


def test_files_that_are_not_there(
    healthy: None, examine: Examine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """
    Missing files are named by their settings.
    """
    monkeypatch.setenv("PAYOUTS_PFX_FILE", str(tmp_path / "no.pfx"))
    monkeypatch.setenv("PAYOUTS_JD_CERT_FILE", str(tmp_path / "no.cer"))

    diagnosis = examine()

    assert "no.pfx: No such file" in diagnosis.told("merchant certificate", "fault")
    assert "no.cer: No such file" in diagnosis.told("JD certificate", "fault")


def test_a_jd_certificate_that_is_none(
    healthy: None, examine: Examine, monkeypatch: pytest.MonkeyPatch, sandbox: Place
) -> None:
    """
    Another file in the place of JD's certificate is a fault.
    """
    monkeypatch.setenv("PAYOUTS_JD_CERT_FILE", str(sandbox.directory / "merchant.pfx"))

    assert "neither DER nor PEM" in examine().told("JD certificate", "fault")


def test_a_broker_that_is_away(
    healthy: None, examine: Examine, monkeypatch: pytest.MonkeyPatch, free_port: int
) -> None:
    """
    The broker's address is told without its password.
    """
    monkeypatch.setenv("PAYOUTS_BROKER_URL", f"redis://:hunter2@127.0.0.1:{free_port}/0")

    told = examine().told("broker", "fault")

    assert f"redis://127.0.0.1:{free_port} cannot be reached" in told


def test_a_broker_that_loses_messages(
    healthy: None, examine: Examine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    A file system or a database is no broker.
    """
    monkeypatch.setenv("PAYOUTS_BROKER_URL", "filesystem://")

    found = examine()

    assert "PAYOUTS_BROKER_URL: must lead to a Redis or Valkey" in found.told("settings", "fault")
    assert "settings are missing or wrong" in found.told("broker", "warning")


def test_a_forgetful_broker(healthy: None, examine: Examine, broker_url: str) -> None:
    """
    An eviction policy and a missing append-only file are warnings.
    """
    with contextlib.closing(redis.Redis.from_url(broker_url)) as client:
        client.config_set("maxmemory-policy", "allkeys-lru")
        client.config_set("appendonly", "no")
        try:
            told = examine().told("broker", "warning")
        finally:
            client.config_set("maxmemory-policy", "noeviction")
            client.config_set("appendonly", "yes")

    assert "maxmemory-policy is allkeys-lru" in told
    assert "appendonly is no" in told


def test_a_broker_that_keeps_its_settings_to_itself(
    healthy: None, examine: Examine, monkeypatch: pytest.MonkeyPatch, broker_url: str
) -> None:
    """
    Where CONFIG is not permitted, that is a remark and no fault.
    """
    with contextlib.closing(redis.Redis.from_url(broker_url)) as client:
        client.acl_setuser(
            "app",
            enabled=True,
            passwords=["+hunter2"],
            keys=["*"],
            channels=["*"],
            categories=["+@all"],
            commands=["-config"],
        )
        url = broker_url.replace("redis://", "redis://app:hunter2@")
        monkeypatch.setenv("PAYOUTS_BROKER_URL", url)
        try:
            diagnosis = examine()
        finally:
            client.acl_deluser("app")

    assert "appendonly may not be looked at here" in diagnosis.told("broker", "ok")


def test_a_broker_that_refuses_us(
    healthy: None, examine: Examine, monkeypatch: pytest.MonkeyPatch, broker_url: str
) -> None:
    """
    A wrong password is told apart from a broker that is away.
    """
    url = broker_url.replace("redis://", "redis://nobody:hunter2@")
    monkeypatch.setenv("PAYOUTS_BROKER_URL", url)

    assert "refuses our user or password" in examine().told("broker", "fault")


def test_an_environment_that_overrides_celery(
    healthy: None, examine: Examine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    Variables that Celery obeys before our settings are faults.
    """
    monkeypatch.setenv("CELERY_BROKER_URL", "redis://elsewhere:6379/0")
    monkeypatch.setenv("REMAP_SIGTERM", "SIGQUIT")

    told = examine().told("celery", "fault")

    assert "CELERY_BROKER_URL is set: it overrides PAYOUTS_BROKER_URL | unset" in told
    assert "REMAP_SIGTERM is set" in told


def test_unsafe_celery_settings(
    healthy: None, examine: Examine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, app: Celery
) -> None:
    """
    Settings are judged by their effect, wherever they come from.
    """
    (tmp_path / "loose.py").write_text("task_always_eager = True\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("CELERY_CONFIG_MODULE", "loose")
    app.conf.accept_content = ["pickle"]

    told = examine().told("celery", "fault")

    assert "task_always_eager is True" in told
    assert "accept_content is ['pickle']" in told


def test_a_database_that_is_away(
    healthy: None, examine: Examine, monkeypatch: pytest.MonkeyPatch, free_port: int
) -> None:
    """
    Its address is told without the password, and the channel is not guessed at.
    """
    url = f"postgresql://payouts:hunter2@127.0.0.1:{free_port}/payouts"
    monkeypatch.setenv("PAYOUTS_DATABASE_URL", url)

    diagnosis = examine()

    assert f"postgresql://127.0.0.1:{free_port}/payouts" in diagnosis.told("database", "fault")
    assert "cannot be read" in diagnosis.told("channel", "warning")


def test_a_database_that_takes_no_writes(
    healthy: None, examine: Examine, monkeypatch: pytest.MonkeyPatch, postgres_url: str
) -> None:
    """
    It answers every question, and that is not enough: doctor says what else to name.
    """
    migrated(postgres_url)
    monkeypatch.setenv("PAYOUTS_DATABASE_URL", postgres_url)
    assert "it can be written to" in examine().told("database", "ok")
    engine = create_engine(postgres_url)
    with engine.begin() as conn:
        name = conn.exec_driver_sql("SELECT current_database()").scalar_one()
        conn.exec_driver_sql(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    engine.dispose()

    assert "leads to a standby" in examine().told("database", "fault")


def test_a_file_that_cannot_be_written(
    healthy: None, examine: Examine, monkeypatch: pytest.MonkeyPatch, store_settings: str
) -> None:
    """
    A database on a disk that is mounted read-only, or another user's file, is a fault.
    """
    path = str(sa.make_url(store_settings).database)
    monkeypatch.setenv("PAYOUTS_DATABASE_URL", f"sqlite:///file:{path}?mode=ro&uri=true")

    assert "let this user write the database's file" in examine().told("database", "fault")


def test_a_database_user_without_rights(
    healthy: None, examine: Examine, monkeypatch: pytest.MonkeyPatch, postgres_url: str
) -> None:
    """
    A user who may only read is told what to be granted.
    """
    migrated(postgres_url)
    engine = create_engine(postgres_url)
    with engine.begin() as conn:
        conn.exec_driver_sql("DROP ROLE IF EXISTS payouts_reader")
        conn.exec_driver_sql("CREATE ROLE payouts_reader LOGIN")
        conn.exec_driver_sql("GRANT SELECT ON ALL TABLES IN SCHEMA public TO payouts_reader")
    reader = engine.url.set(username="payouts_reader").render_as_string(hide_password=False)
    monkeypatch.setenv("PAYOUTS_DATABASE_URL", reader)

    told = examine().told("database", "fault")
    with engine.begin() as conn:
        conn.exec_driver_sql("DROP OWNED BY payouts_reader")
        conn.exec_driver_sql("DROP ROLE payouts_reader")
    engine.dispose()

    assert "INSERT, UPDATE and DELETE" in told


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("postgresql://worker:hunter2/payouts", "not a database URL"),
        ("postgresql://worker:hunter@2@db/payouts", "not between password and host"),
        ("postgresql://worker:hunter2@db/payouts?sslmod=require", "does not know: sslmod"),
    ],
)
def test_an_address_that_is_none(
    healthy: None, examine: Examine, monkeypatch: pytest.MonkeyPatch, url: str, told: str
) -> None:
    """
    A database URL that cannot be taken apart is told as such, and never quoted.
    """
    monkeypatch.setenv("PAYOUTS_DATABASE_URL", url)

    assert told in examine().told("database", "fault")


def test_a_trigger_that_somebody_took_away(
    healthy: None, store_settings: str, examine: Examine
) -> None:
    """
    A mistake would go through; it works on all the same.
    """
    assert "kept by triggers" in examine().told("database", "ok")
    engine = create_engine(store_settings)
    with engine.begin() as conn:
        conn.execute(sa.text("DROP TRIGGER decisions_stays"))
    engine.dispose()

    told = examine().told("database", "warning")
    assert "nothing keeps what is written in decisions:" in told


def test_migrations_behind(
    healthy: None,
    examine: Examine,
    monkeypatch: pytest.MonkeyPatch,
    database_url: str,
) -> None:
    """
    An empty database of either kind needs `payouts migrate`.
    """
    monkeypatch.setenv("PAYOUTS_DATABASE_URL", database_url)

    told = examine().told("database", "fault")

    assert "the schema is missing" in told
    assert "run `payouts migrate`" in told


def test_another_profile(
    healthy: None, examine: Examine, ledger: SqlLedger, store_settings: str
) -> None:
    """
    A database of the live profile is not the sandbox's.
    """
    engine = create_engine(store_settings)
    with engine.begin() as conn:
        conn.execute(sa.text("UPDATE installation SET profile = 'live'"))
    engine.dispose()

    assert "belongs to the live profile" in examine().told("database", "fault")


def test_a_lost_key(
    healthy: None, examine: Examine, monkeypatch: pytest.MonkeyPatch, ledger: SqlLedger
) -> None:
    """
    Payee data that no key opens is found before the worker stumbles over it.
    """
    queued(ledger)
    monkeypatch.setenv("PAYOUTS_KEYRING", Keyring.generate_key())

    (lost,) = ledger.seals.keyring.ids
    assert f"lacks a key: the key {lost}" in examine().told("database", "fault")


def test_a_key_that_is_none(
    healthy: None, examine: Examine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    A malformed key is named by its place, and not shown.
    """
    monkeypatch.setenv("PAYOUTS_KEYRING", "hunter2")

    assert "PAYOUTS_KEYRING: key 1 is not" in examine().told("database", "fault")


def test_a_paused_channel(healthy: None, examine: Examine, ledger: SqlLedger) -> None:
    """
    Who paused it and why is told, and how to go on.
    """
    ledger.pause(MERCHANT, "JD answered ILLEGAL_SIGN", "worker")

    told = examine().told("channel", "fault")

    assert "by worker: JD answered ILLEGAL_SIGN" in told
    assert "payouts resume" in told


@pytest.mark.parametrize("module", ["gateway", "store"])
def test_a_clock_that_is_wrong(
    healthy: None, examine: Examine, monkeypatch: pytest.MonkeyPatch, module: str
) -> None:
    """
    A host 90 seconds behind the gateway and the database is warned about.
    """

    class Slow(datetime):
        @classmethod
        def now(cls, _tz: object = None) -> "Slow":
            return cls.fromtimestamp((datetime.now(UTC) - timedelta(seconds=90)).timestamp(), UTC)

    monkeypatch.setattr(f"worker.cli.doctor.{module}.datetime", Slow)
    check = {"gateway": "gateway", "store": "database"}[module]

    told = examine().told(check, "warning")

    assert "ahead of this host's" in told
    assert "NTP" in told


def _expired(directory: Path) -> bytes:
    password = (directory / "merchant.password").read_bytes()
    loaded = pkcs12.load_pkcs12((directory / "merchant.pfx").read_bytes(), password)
    assert isinstance(loaded.key, RSAPrivateKey)
    assert loaded.cert is not None
    end = datetime.now(UTC) - timedelta(days=1)
    name = loaded.cert.certificate.subject
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(loaded.cert.certificate.public_key())
        .serial_number(1)
        .not_valid_before(end - timedelta(days=365))
        .not_valid_after(end)
        .sign(loaded.key, SHA256())
    )
    return pkcs12.serialize_key_and_certificates(
        b"old", loaded.key, certificate, None, BestAvailableEncryption(password)
    )
