"""
The examples, killed at each of their effects while a relay tells them what became of payouts.
"""

import contextlib
import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from tests.contract.samples import KEYRING, keyed
from tests.examples.consumers import OPENING_FEN, PATIENCE, Consumer, Web
from tests.examples.queues import Queue
from tests.examples.rules import AMOUNT_FEN, Seen
from tests.examples.signing import KEY
from tests.examples.test_django import described
from tests.integration.webhooks.test_relay import lived, relaying
from tests.servers import Databases, PostgresDatabases, SqliteDatabases
from tests.unit.producer.opening import SHARED, write_key
from tests.waiting import until
from worker.store.engine import create_engine
from worker.store.ledger import SqlLedger

#: What is told of each payout, in this order.
LIFE = ("payout.accepted", "payout.cancelled", "obligation.freed")

#: Of each event the id is stored, and that is committed.
STATEMENTS = ("INSERT 1", "after COMMIT 1")


class Walk:
    """
    Consumers that hear one life unharmed, and two more while each is killed at each effect.
    """

    def __init__(self, consumers: Sequence[Consumer], ledger: SqlLedger) -> None:
        self._ledger = ledger
        self._kills = dict.fromkeys(consumers, 0)

    def live(self, payouts: int) -> None:
        """
        Have so many payouts of each consumer live, until everybody has heard of all of them.
        """
        for consumer in self._kills:
            for number in [consumer.ask() for _ in range(payouts)]:
                lived(self._ledger, number, producer=consumer.producer)
        while not self._is_over():
            until(lambda: self._killed() or self._is_over(), PATIENCE)
            for one in self._killed():
                self._kills[one] += 1
                one.tell_again(self._ledger)

    def _killed(self) -> Sequence[Consumer]:
        return [one for one, kills in self._kills.items() if len(one.noted("kills")) > kills]

    def _is_over(self) -> bool:
        return all(one.has_heard(self._ledger) for one in self._kills)


@contextlib.contextmanager
def walked(
    consumers: Sequence[Consumer], url: str, broker_url: str, *only: str
) -> Iterator[SqlLedger]:
    """
    The ledger, and the consumers at the end of their walk over each effect, or `only` these.
    """
    engine = create_engine(url)
    ledger = SqlLedger(engine, KEYRING)
    walk = Walk(consumers, ledger)
    with contextlib.ExitStack() as stack:
        stack.callback(engine.dispose)
        for one in consumers:
            one.join(ledger)
            stack.enter_context(one.running())
        stack.enter_context(relaying(engine, broker_url))
        walk.live(1)
        for one in consumers:
            one.arm(*only)
        walk.live(2)
        yield ledger


def died_everywhere(consumer: Consumer, *some: str) -> None:
    """
    It was killed once at each effect that a whole life has; `some` of them has each event.
    """
    # Whoever saw it die may be a moment behind.
    until(lambda: len(consumer.noted("kills")) >= len(consumer.noted("died")), PATIENCE)
    effects = consumer.noted("lived")
    needed = {f"{kind}: {one}" for kind in LIFE for one in some}

    assert needed <= set(effects)
    assert sorted(consumer.noted("died")) == sorted(effects)
    assert len(consumer.noted("kills")) == len(effects)


def knows_all(consumer: Consumer, ledger: SqlLedger) -> None:
    """
    It has worked off each event, shows the newest of each payout, and gives each back.
    """
    events = ledger.events(1000, producer=consumer.producer)
    newest = {e.out_trade_no: e for e in sorted(events, key=lambda e: (e.epoch, e.version))}

    assert sorted(consumer.heard()) == sorted(event.uid for event in events)
    assert consumer.seen() == {
        number: Seen(str(event.status), AMOUNT_FEN) for number, event in newest.items()
    }


def hears_in_order(consumer: Consumer, ledger: SqlLedger) -> None:
    """
    It has worked off each payout's events in the order in which they happened.
    """
    heard = consumer.heard()
    for number in consumer.seen():
        told = [event.uid for event in ledger.events(1000, out_trade_no=number)][::-1]
        assert [uid for uid in heard if uid in told] == told


@pytest.fixture
def webs(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    sqlite_databases: SqliteDatabases,
    postgres_databases: PostgresDatabases,
) -> list[Web]:
    """
    Flask's shop, and Django's on each database; there is no HTTP API that takes Flask's jobs.
    """
    monkeypatch.setenv("PAYOUTS_BROKER_URL", "redis://127.0.0.1:1/0")
    monkeypatch.setenv("WEBHOOK_KEY", KEY)
    monkeypatch.setenv("PRODUCER_KEY", write_key(tmp_path / "shop.key", SHARED))

    def folder(name: str) -> Path:
        (tmp_path / name).mkdir()
        return tmp_path / name

    def django(name: str, databases: Databases) -> Web:
        url = databases.fresh()
        settings = {
            "DJANGO_SETTINGS_MODULE": "tests.examples.django_settings",
            "SHOP_DATABASE": json.dumps(described(url)),
        }
        return Web("django", folder(name), url, **settings)

    shop = folder("flask") / "shop.sqlite"
    settings = {"SHOP_DATABASE": str(shop), "PAYOUTS_API": "http://127.0.0.1:1"}
    return [
        Web("flask", shop.parent, f"sqlite:///{shop}", **settings),
        django("django-sqlite", sqlite_databases),
        django("django-postgres", postgres_databases),
    ]


def test_a_webhook_that_dies_at_each_effect_hears_all_in_order(
    webs: list[Web], sqlite_databases: SqliteDatabases, broker_url: str
) -> None:
    """
    Before each statement and after each COMMIT, before its answer and after it.
    """
    with walked(webs, sqlite_databases.prepared(keyed), broker_url) as ledger:
        for web in webs:
            knows_all(web, ledger)
            assert web.balance_fen() == OPENING_FEN
            hears_in_order(web, ledger)
            died_everywhere(web, *STATEMENTS, "the answer", "after the answer")


def test_a_queues_worker_that_dies_at_each_effect_hears_all(
    tmp_path: Path, sqlite_databases: SqliteDatabases, empty_broker_url: str
) -> None:
    """
    Before each statement and after each COMMIT, before it acknowledges a message and after that.
    """
    queue = Queue("solo", tmp_path, empty_broker_url, told="another")
    ledger_url = sqlite_databases.prepared(keyed)
    with walked([queue], ledger_url, empty_broker_url) as ledger:
        knows_all(queue, ledger)
        died_everywhere(queue, *STATEMENTS, "the acknowledgement", "after the acknowledgement")


def test_a_pool_whose_process_is_killed_over_an_event_hears_it(
    tmp_path: Path, sqlite_databases: SqliteDatabases, empty_broker_url: str
) -> None:
    """
    As by the kernel that is short of memory: the worker lives on, and has the event worked off.
    """
    queue = Queue("prefork", tmp_path, empty_broker_url, told="another")
    ledger_url = sqlite_databases.prepared(keyed)
    with walked([queue], ledger_url, empty_broker_url, "obligation.freed: COMMIT 1") as ledger:
        knows_all(queue, ledger)
        assert queue.noted("died") == ["obligation.freed: COMMIT 1"]
        assert queue.noted("kills") == []


@pytest.fixture
def ledger(sqlite_databases: SqliteDatabases) -> Iterator[SqlLedger]:
    """
    A ledger whose events no relay tells, unless a test starts one.
    """
    engine = create_engine(sqlite_databases.prepared(keyed))
    yield SqlLedger(engine, KEYRING)
    engine.dispose()


def test_what_a_worker_had_just_taken_is_heard_when_it_starts_again(
    tmp_path: Path, sqlite_databases: SqliteDatabases, empty_broker_url: str
) -> None:
    """
    Celery takes a message off Redis before it notes that: killed in between, it loses the message.
    """
    queue = Queue("solo", tmp_path, empty_broker_url)
    taken = [f"{kind}: taken" for kind in LIFE]
    ledger_url = sqlite_databases.prepared(keyed)
    with walked([queue], ledger_url, empty_broker_url, *taken) as ledger:
        knows_all(queue, ledger)
        hears_in_order(queue, ledger)
        until(lambda: len(queue.noted("kills")) == len(queue.noted("died")), PATIENCE)
        assert "payout.accepted: taken" in queue.noted("died")


def test_a_message_that_was_just_taken_is_gone_from_the_broker(
    tmp_path: Path, sqlite_databases: SqliteDatabases, empty_broker_url: str
) -> None:
    """
    So whoever is told nothing by the HTTP API never hears of it: there is something to catch up.
    """
    engine = create_engine(sqlite_databases.prepared(keyed))
    ledger = SqlLedger(engine, KEYRING)
    queue = Queue("solo", tmp_path, empty_broker_url, told="another")
    queue.join(ledger)
    queue.arm("obligation.freed: taken")
    with queue.running(), relaying(engine, empty_broker_url):
        number = queue.ask()
        lived(ledger, number, producer=queue.producer)
        until(lambda: queue.noted("kills"), PATIENCE)
        queue.tell_again(ledger)
        until(lambda: not queue.waiting(ledger) and len(queue.heard()) == 2, PATIENCE)

        assert queue.seen() == {number: Seen("cancelled")}
    engine.dispose()


def happened(ledger: SqlLedger, queue: Queue, number: str) -> list[str]:
    """
    Have a payout live, with no relay to tell of it; the ids of its events, the oldest first.
    """
    lived(ledger, number, producer=queue.producer)
    ledger.announce(1000)
    return [event.uid for event in ledger.events(1000, out_trade_no=number)][::-1]


def test_a_worker_that_dies_at_each_effect_of_catching_up_hears_all_in_order(
    tmp_path: Path, ledger: SqlLedger, empty_broker_url: str
) -> None:
    """
    Before each page that it asks for, before each statement, and after each COMMIT.
    """
    queue = Queue("solo", tmp_path, empty_broker_url)
    queue.join(ledger)
    told = happened(ledger, queue, queue.ask())
    steps = ("ASK 2", "INSERT 1", "INSERT 4", "UPDATE 1", "COMMIT 5", "after COMMIT 5")
    queue.arm()
    with queue.running():
        until(lambda: f"catching up: {steps[-1]}" in queue.noted("died"), PATIENCE)
        until(lambda: len(queue.noted("kills")) == len(queue.noted("died")), PATIENCE)

        assert queue.heard() == told
        assert queue.seen() == {"WITHDRAWAL0001": Seen("cancelled", AMOUNT_FEN)}
        assert {f"catching up: {step}" for step in steps} <= set(queue.noted("died"))


def test_a_worker_catches_up_after_each_connection(
    tmp_path: Path, ledger: SqlLedger, empty_broker_url: str
) -> None:
    """
    What the broker had sent over the one before may have reached nobody.
    """
    queue = Queue("solo", tmp_path, empty_broker_url)
    queue.join(ledger)
    with queue.running():
        until(lambda: "catching up: ASK 1" in queue.noted("lived"), PATIENCE)
        told = happened(ledger, queue, queue.ask())

        def has_heard() -> bool:
            # A worker that has no connection yet loses none.
            queue.cut_off()
            return queue.heard() == told

        until(has_heard, PATIENCE, 0.5)
        assert queue.noted("kills") == []
