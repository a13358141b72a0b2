"""
A worker or receiver that can never work says why and ends; one whose database is away waits.
"""

import contextlib
import json
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
import redis
import requests
from celery import Celery
from sqlalchemy import make_url

from tests.acceptance.conftest import PATIENCE
from tests.integration.cli.samples import MERCHANT, a_job
from tests.servers import Databases, SqliteDatabases
from tests.waiting import until
from worker.broker.names import QueueName, TaskName
from worker.embedded.children import Child
from worker.embedded.postgres import Postgres
from worker.sandbox import keys
from worker.store.database import Database
from worker.store.keyring import Keyring
from worker.store.migrate import prepare

Settings = dict[str, str]
Start = Callable[[str, Settings], Child]

#: Every database that is prepared here is sealed with this key.
KEY = Keyring.generate_key()

PROGRAMS = {
    "worker": (
        *("celery", "-A", "worker.broker.app", "worker", "--concurrency", "1"),
        *("--without-gossip", "--without-mingle", "--loglevel", "INFO"),
    ),
    "receiver": ("gunicorn", "worker.web.app:create_app()", "--no-control-socket", "--bind"),
    "relay": ("worker", "relay"),
}


def used(url: str) -> None:
    """
    Prepare a database of the sandbox that has been used with `KEY`.
    """
    with Database(url) as database:
        prepare(database, "sandbox")
        database.checked_ledger("sandbox", Keyring([KEY]))


def live(url: str) -> None:
    """
    Prepare a database that belongs to real money.
    """
    with Database(url) as database:
        prepare(database, "live")


@pytest.fixture(scope="module")
def merchant(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """
    The merchant's files, as the sandbox makes them.
    """
    return keys.prepare(tmp_path_factory.mktemp("merchant")).directory


@pytest.fixture
def settings(merchant: Path, empty_broker_url: str, sqlite_databases: SqliteDatabases) -> Settings:
    """
    Settings with which a worker starts.
    """
    return {
        "PAYOUTS_BROKER_URL": empty_broker_url,
        "PAYOUTS_DATABASE_URL": sqlite_databases.prepared(used),
        "PAYOUTS_KEYRING": KEY,
        "PAYOUTS_CUSTOMER_NO": MERCHANT,
        "PAYOUTS_SIGN_KEY": "test",
        "PAYOUTS_PFX_FILE": str(merchant / "merchant.pfx"),
        "PAYOUTS_PFX_PASSWORD_FILE": str(merchant / "merchant.password"),
        "PAYOUTS_JD_CERT_FILE": str(merchant / "jd_cert.der"),
        # Nobody listens there: what starts asks nobody.
        "PAYOUTS_GATEWAY_URL": "https://127.0.0.1:9/npp10",
        "PAYOUTS_NOTIFY_URL": "http://127.0.0.1:9/jdpay/notify",
    }


@pytest.fixture
def start(tmp_path: Path, free_port: int) -> Iterator[Start]:
    """
    Start the worker, or the receiver on the free port.
    """
    with contextlib.ExitStack() as running:

        def call(program: str, given: Settings) -> Child:
            plain = {k: v for k, v in os.environ.items() if not k.startswith("PAYOUTS_")}
            bind = [f"127.0.0.1:{free_port}"] if program == "receiver" else []
            return running.enter_context(
                Child(
                    [sys.executable, "-m", *PROGRAMS[program], *bind],
                    log=tmp_path / f"{program}.log",
                    env=plain | given,
                    cwd=tmp_path,
                )
            )

        yield call


def enqueue(broker_url: str) -> None:
    """
    Put one good job on the queue.
    """
    with Celery(broker=broker_url, set_as_current=False) as producer:
        producer.send_task(
            TaskName.ENQUEUE.value, kwargs={"job": a_job()}, queue=QueueName.ENTRY.value
        )


def messages(child: Child, level: str) -> list[str]:
    """
    What a process has logged at a level.
    """
    lines = (line for line in child.log.read_text().splitlines() if line.startswith("{"))
    return [told["message"] for told in map(json.loads, lines) if told["level"] == level]


def refused(child: Child) -> tuple[int, str]:
    """
    The exit code of a process that ends by itself, and the one line that says why.
    """
    assert child.wait(PATIENCE), child.tail()
    (told,) = messages(child, "critical")
    assert "\n" not in told
    assert "Traceback" not in child.log.read_text()
    assert "ready" not in child.log.read_text()
    return child.kill(), told


def assert_untouched(broker_url: str) -> None:
    """
    The job is on its queue, and in nobody's hand.
    """
    with redis.Redis.from_url(broker_url) as broker:
        assert broker.llen(QueueName.ENTRY.value) == 1
        assert broker.hlen("unacked") == 0


@pytest.mark.parametrize("program", ["worker", "receiver", "relay"])
def test_a_database_without_tables_ends_it(
    start: Start, settings: Settings, databases: Databases, program: str
) -> None:
    """
    The line names the database, without its password, and the command that makes the tables.
    """
    url = databases.fresh()
    enqueue(settings["PAYOUTS_BROKER_URL"])
    code, told = refused(start(program, {**settings, "PAYOUTS_DATABASE_URL": url}))

    assert code == {"worker": 1, "receiver": 3, "relay": 1}[program]
    assert f"the {program} cannot start: the database " in told
    assert f"/{make_url(url).database} has no tables" in told
    assert "run `payouts migrate`" in told
    assert_untouched(settings["PAYOUTS_BROKER_URL"])


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"PAYOUTS_KEYRING": Keyring.generate_key()}, ["PAYOUTS_KEYRING lacks a key", "sqlite://"]),
        ({"PAYOUTS_KEYRING": "abc"}, ["PAYOUTS_KEYRING: key 1", "payouts keygen"]),
        (
            {"PAYOUTS_SIGN_KEY": "", "PAYOUTS_NOTIFY_URL": "none"},
            ["PAYOUTS_SIGN_KEY: ", "PAYOUTS_NOTIFY_URL: "],
        ),
        ({"PAYOUTS_PFX_FILE": "/nowhere/m.pfx"}, ["PAYOUTS_PFX_FILE", "/nowhere/m.pfx", "No such"]),
        ({"PAYOUTS_PFX_FILE": __file__}, ["PAYOUTS_PFX_FILE", "not a whole PKCS#12 file"]),
        ({"PAYOUTS_PFX_PASSWORD": "wrong"}, ["PAYOUTS_PFX_PASSWORD", "does not open"]),
        ({"PAYOUTS_JD_CERT_FILE": "/nowhere/jd.cer"}, ["PAYOUTS_JD_CERT_FILE", "/nowhere/jd.cer"]),
        ({"PAYOUTS_JD_CERT_FILE": __file__}, ["PAYOUTS_JD_CERT_FILE", "neither DER nor PEM"]),
        ({"PAYOUTS_CA_FILE": __file__}, ["the CA file", "test_start.py"]),
        ({"PAYOUTS_GATEWAY_URL": "https://8.8.8.8/npp10"}, ["PAYOUTS_GATEWAY_URL", "8.8.8.8"]),
    ],
    ids=lambda value: "+".join(value) if isinstance(value, dict) else "",
)
def test_a_worker_that_could_never_work_ends(
    start: Start, settings: Settings, change: Settings, told: list[str]
) -> None:
    """
    Each fault by its setting, before a job is taken off the queue, and without a secret.
    """
    enqueue(settings["PAYOUTS_BROKER_URL"])
    code, line = refused(start("worker", settings | change))

    assert code == 1
    assert [words for words in told if words not in line] == []
    assert KEY not in line
    assert_untouched(settings["PAYOUTS_BROKER_URL"])


@pytest.mark.parametrize("program", ["worker", "receiver"])
def test_a_database_of_another_profile_ends_it(
    start: Start, settings: Settings, sqlite_databases: SqliteDatabases, program: str
) -> None:
    """
    Play money never goes into the ledger of real money.
    """
    url = sqlite_databases.prepared(live)
    _, told = refused(start(program, {**settings, "PAYOUTS_DATABASE_URL": url}))

    assert "belongs to the live profile, not to sandbox" in told
    assert str(make_url(url).database) in told
    assert "PAYOUTS_PROFILE" in told


@pytest.mark.parametrize("program", ["worker", "beat", "flower"])
def test_celerys_own_commands_name_the_missing_broker(tmp_path: Path, program: str) -> None:
    """
    Two lines instead of a traceback.
    """
    plain = {k: v for k, v in os.environ.items() if not k.startswith("PAYOUTS_")}
    command = [sys.executable, "-m", "celery", "-A", "worker.broker.app", program]
    with Child(command, log=tmp_path / "log", env=plain, cwd=tmp_path) as child:
        assert child.wait(PATIENCE)
        code = child.kill()

    assert code == 1
    assert "PAYOUTS_BROKER_URL: is not set" in child.log.read_text()
    assert "Traceback" not in child.log.read_text()


def test_what_starts_before_the_database_waits_and_goes_on(
    start: Start, settings: Settings, free_port: int
) -> None:
    """
    None ends and nothing is taken; when the database comes, jobs are accepted, health is good.
    """
    broker_url = settings["PAYOUTS_BROKER_URL"]
    with tempfile.TemporaryDirectory(prefix="payouts-start-") as folder:
        server = Postgres(Path(folder))
        with server:
            url = server.create_database("payouts")
            used(url)
            server.stop()
            enqueue(broker_url)
            given = {**settings, "PAYOUTS_DATABASE_URL": url}
            children = {program: start(program, given) for program in PROGRAMS}
            waiting = {}
            for program, child in children.items():
                until(lambda child=child: len(messages(child, "warning")) >= 2, PATIENCE)  # type: ignore[misc]
                waiting[program] = messages(child, "warning")[0]
            alive = [child.is_alive() for child in children.values()]
            assert_untouched(broker_url)
            server.start()
            with Database(url) as database:
                ledger = database.ledger(Keyring([KEY]))
                until(lambda: len(ledger.payouts(None, 10)) == 1, PATIENCE)
                until(lambda: ledger.unannounced_since() is None, PATIENCE)
            with requests.Session() as web:
                web.trust_env = False

                def is_healthy() -> bool:
                    with contextlib.suppress(requests.ConnectionError):
                        return web.get(f"http://127.0.0.1:{free_port}/health", timeout=5).ok
                    return False

                until(is_healthy, PATIENCE)

    assert alive == [True] * len(PROGRAMS)
    for program, told in waiting.items():
        assert told.startswith(f"the {program} waits: the database postgresql://")


def test_a_worker_that_is_ready_holds_no_connection(
    start: Start, settings: Settings, postgres_url: str
) -> None:
    """
    What its children would inherit is closed before they are forked.
    """
    used(postgres_url)
    worker = start("worker", {**settings, "PAYOUTS_DATABASE_URL": postgres_url})
    until(lambda: any("ready" in told for told in messages(worker, "info")), PATIENCE)
    conninfo = make_url(postgres_url).set(drivername="postgresql")
    with psycopg.connect(conninfo.render_as_string(hide_password=False)) as connection:
        (others,) = connection.execute(
            "SELECT count(*) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        ).fetchone() or (None,)

    assert others == 0
    assert worker.is_alive()
