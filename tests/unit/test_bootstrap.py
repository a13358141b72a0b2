"""
The composition root: what no process may be built over, whatever its settings say.
"""

import socket
from typing import Any

import pytest

from worker import acceptance, bootstrap, service
from worker.payouts.errors import ProfileMismatch, SettingsError, WrongKey
from worker.settings import AcceptanceSettings, Profile, Settings, StoreSettings
from worker.store import migrate
from worker.store.engine import create_engine
from worker.store.keyring import Keyring


def a_sender(gateway: str = "127.0.0.1", **changes: Any) -> Settings:
    """
    The settings of a worker that sends to a gateway.
    """
    given = {
        "broker_url": "redis://127.0.0.1:6379/0",
        "database_url": "sqlite://",
        "keyring": Keyring.generate_key(),
        "customer_no": "360080000000000001",
        "sign_key": "test",
        "gateway_url": f"https://{gateway}/npp10",
        "notify_url": "http://127.0.0.1:9080/jdpay/notify",
        "pfx_file": "/nowhere/merchant.pfx",
        "pfx_password": "test",
        "jd_cert_file": "/nowhere/jd.cer",
    }
    return Settings(**given | changes)


# --- no real money yet


@pytest.mark.parametrize("gateway", ["127.0.0.1:9443", "[::1]", "10.0.0.7", "192.168.1.2"])
def test_a_gateway_close_by_is_allowed(gateway: str) -> None:
    """
    The sandbox runs on this host or on a private network.
    """
    bootstrap.refuse_real_money(a_sender(gateway))


@pytest.mark.parametrize("gateway", ["8.8.8.8", "[2001:4860:4860::8888]:443"])
def test_a_public_gateway_is_refused(gateway: str) -> None:
    """
    JD's own address is public.
    """
    with pytest.raises(SettingsError, match="is a public address"):
        bootstrap.refuse_real_money(a_sender(gateway))


def test_every_address_of_the_gateway_is_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    A name with a private address and a public one may lead to either.
    """
    addresses = [(socket.AF_INET, 0, 0, "", (host, 443)) for host in ("10.0.0.7", "8.8.8.8")]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: addresses)

    with pytest.raises(SettingsError, match="is a public address"):
        bootstrap.refuse_real_money(a_sender("gateway.test"))


def test_the_live_profile_is_for_rehearsing() -> None:
    """
    With a gateway close by; a public one waits.
    """
    bootstrap.refuse_real_money(a_sender(profile=Profile.LIVE))
    with pytest.raises(SettingsError, match="is a public address"):
        bootstrap.refuse_real_money(a_sender("8.8.8.8", profile=Profile.LIVE))


def test_no_worker_is_built_for_real_money(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    It is refused before certificates are read or anything can be sent.
    """
    settings = a_sender("8.8.8.8")
    monkeypatch.setattr(Settings, "load", lambda: settings)
    service._gateway.cache_clear()

    with pytest.raises(SettingsError, match="is a public address"):
        service._gateway()


def test_no_job_is_accepted_for_real_money(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    A payout's gateway is fixed when it is accepted, so it is refused there as well.
    """
    monkeypatch.setattr(AcceptanceSettings, "load", lambda: a_sender("8.8.8.8"))
    acceptance.acceptor.cache_clear()

    with pytest.raises(SettingsError, match="is a public address"):
        acceptance.acceptor()


# --- whose database it is


def a_store(url: str, **changes: Any) -> StoreSettings:
    """
    The settings of a process that reads the ledger.
    """
    return StoreSettings(**{"database_url": url, "keyring": Keyring.generate_key()} | changes)


def migrated(url: str) -> str:
    """
    The same database, its schema current.
    """
    engine = create_engine(url)
    migrate.upgrade(engine)
    engine.dispose()
    return url


def test_a_schema_that_is_not_current_is_refused(sqlite_url: str) -> None:
    """
    Someone has to migrate first.
    """
    with pytest.raises(SettingsError, match="payouts migrate"):
        bootstrap.open_ledger(a_store(sqlite_url))


def test_a_database_of_another_profile_is_refused(sqlite_url: str) -> None:
    """
    Play money and real money never mix.
    """
    key = Keyring.generate_key()
    bootstrap.open_ledger(a_store(migrated(sqlite_url), keyring=key)).close()

    with pytest.raises(ProfileMismatch):
        bootstrap.open_ledger(a_store(sqlite_url, keyring=key, profile=Profile.LIVE))


def test_another_keyring_is_refused(sqlite_url: str) -> None:
    """
    Nothing may be sealed with keys that do not open the rest.
    """
    bootstrap.open_ledger(a_store(migrated(sqlite_url))).close()

    with pytest.raises(WrongKey):
        bootstrap.open_ledger(a_store(sqlite_url))
