"""
The commands in this process, over a real database and a real broker.
"""

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from queue import Empty
from typing import Any

import pytest
from celery import Celery
from click.testing import CliRunner, Result
from kombu import Connection

from tests.doubles.usecases import UseCases
from tests.doubles.world import RecordingDispatcher
from tests.integration.cli.diagnosis import Examine
from tests.integration.cli.samples import MERCHANT, TERMS, handler
from tests.servers import SqliteDatabases
from worker import acceptance, bootstrap, monitoring, service
from worker.broker.app import configuration
from worker.cli import main
from worker.intake.message import receive
from worker.jdpay.client import JdPayClient
from worker.sandbox import keys
from worker.sandbox.running import Sandbox
from worker.settings import BrokerSettings
from worker.store.engine import create_engine
from worker.store.keyring import Keyring
from worker.store.ledger import SqlLedger
from worker.store.migrate import upgrade

Run = Callable[..., Result]


@dataclass(frozen=True)
class Place:
    """
    The sandbox that a test's settings point to.
    """

    directory: Path
    url: str


def migrated(url: str) -> None:
    """
    Prepare a database, leaving no connection behind.
    """
    engine = create_engine(url)
    upgrade(engine)
    engine.dispose()


@pytest.fixture(autouse=True)
def app(monkeypatch: pytest.MonkeyPatch) -> Iterator[Celery]:
    """
    The Celery app. It and the other parts that a process makes once are made anew for each test.
    """
    fresh = Celery("payouts", set_as_current=False)
    fresh.add_defaults(lambda: configuration(BrokerSettings.load()))
    for module in (
        "worker.cli.enqueue",
        "worker.cli.doctor.queue",
        "worker.acceptance",
        "worker.service",
        "worker.monitoring",
    ):
        monkeypatch.setattr(f"{module}.app", fresh)
    yield fresh
    if bootstrap.ledger.cache_info().currsize:
        bootstrap.ledger().close()
    for made in (bootstrap, acceptance, service, monitoring):
        for part in vars(made).values():
            if isinstance(part, bootstrap.Once):
                part.cache_clear()
    fresh.close()


@pytest.fixture
def store_settings(monkeypatch: pytest.MonkeyPatch, sqlite_databases: SqliteDatabases) -> str:
    """
    A migrated database, configured; its URL.
    """
    url = sqlite_databases.prepared(migrated)
    monkeypatch.setenv("PAYOUTS_DATABASE_URL", url)
    monkeypatch.setenv("PAYOUTS_KEYRING", Keyring.generate_key())
    return url


@pytest.fixture
def merchant_settings(monkeypatch: pytest.MonkeyPatch, store_settings: str) -> str:
    """
    A migrated database and a merchant, configured; the merchant's number.
    """
    monkeypatch.setenv("PAYOUTS_CUSTOMER_NO", MERCHANT)
    monkeypatch.setenv("PAYOUTS_SIGN_KEY", "test")
    return MERCHANT


@pytest.fixture
def ledger(store_settings: str) -> SqlLedger:
    """
    The ledger that the commands will see.
    """
    return bootstrap.ledger()


@pytest.fixture(scope="package")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """
    A running gateway, shared by the package.
    """
    directory = tmp_path_factory.mktemp("沙箱")
    with Sandbox(keys.prepare(directory)) as running:
        yield Place(directory, running.url)


@pytest.fixture
def healthy(
    monkeypatch: pytest.MonkeyPatch, sandbox: Place, merchant_settings: str, broker_url: str
) -> None:
    """
    Settings with which everything works.
    """
    settings = {
        "GATEWAY_URL": sandbox.url,
        "CA_FILE": sandbox.directory / "ca.pem",
        "PFX_FILE": sandbox.directory / "merchant.pfx",
        "PFX_PASSWORD_FILE": sandbox.directory / "merchant.password",
        "JD_CERT_FILE": sandbox.directory / "jd_cert.der",
        "NOTIFY_URL": "http://127.0.0.1:9001/jdpay/notify",
        # Most stories pay one payee; those that are about that say so.
        "DUPLICATES_WITHIN": "0s",
        "BROKER_URL": broker_url,
    }
    for name, value in settings.items():
        monkeypatch.setenv(f"PAYOUTS_{name}", str(value))


@pytest.fixture
def run() -> Run:
    """
    Run a command; a fault that it does not expect fails the test.
    """

    def call(*arguments: str, text: str | bytes | None = None) -> Result:
        return CliRunner().invoke(main, arguments, input=text, catch_exceptions=False)

    return call


@pytest.fixture
def examine(run: Run) -> Examine:
    """
    Let the doctor look.
    """
    return Examine(run)


@pytest.fixture
def broker(monkeypatch: pytest.MonkeyPatch, empty_broker_url: str) -> str:
    """
    An empty broker, configured.
    """
    monkeypatch.setenv("PAYOUTS_BROKER_URL", empty_broker_url)
    return empty_broker_url


@pytest.fixture
def worker_takes(monkeypatch: pytest.MonkeyPatch, broker: str, ledger: SqlLedger) -> None:
    """
    Whenever the command pauses between two looks, a worker takes what is in the queue.
    """
    # Accepting needs no gateway.
    payouts = UseCases(handler(ledger), object.__new__(JdPayClient), RecordingDispatcher(), TERMS)

    def work(_seconds: float) -> None:
        for kwargs in taken(broker):
            receive(payouts.acceptor, kwargs)

    monkeypatch.setattr("worker.cli.arrival.time.sleep", work)


def taken(broker: str) -> list[dict[str, Any]]:
    """
    The arguments of all entry messages, which are gone then.
    """
    found = []
    with (
        Connection(broker) as connection,
        connection.SimpleQueue("payouts.entry") as queue,
        contextlib.suppress(Empty),
    ):
        while True:
            message = queue.get_nowait()
            found.append(message.payload[1])
            message.ack()
    return found
