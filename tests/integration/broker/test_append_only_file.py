"""
What is on the broker's disk, by servers that sync their file, do not, have none, or end.
"""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from celery import Celery

from worker.broker.append_only_file import AWAY, AppendOnlyFile
from worker.embedded.broker import Broker


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    """
    A server of the test's own.
    """
    with Broker(tmp_path / "broker") as broker:
        yield broker


@pytest.fixture
def client(broker: Broker) -> Iterator[redis.Redis]:
    """
    Somebody else who uses it.
    """
    with contextlib.closing(redis.Redis.from_url(broker.url)) as client:
        yield client


def file_of(broker: Broker, patience_ms: int = 30_000) -> AppendOnlyFile:
    """
    The file, as a process of ours asks for it.
    """
    return AppendOnlyFile(Celery(broker=broker.url, set_as_current=False), patience_ms)


def test_what_was_taken_is_on_disk_in_the_end(broker: Broker, client: redis.Redis) -> None:
    """
    Whoever waited finds it in the file, whatever the server still holds in memory.
    """
    file = file_of(broker)
    since = file.connect()
    client.lpush("shop.events", "an event of ours")

    assert file.has_all(since)
    assert any(b"an event of ours" in path.read_bytes() for path in broker.directory.rglob("*.aof"))


def test_a_file_that_is_never_synced_has_nothing_for_sure(
    broker: Broker, client: redis.Redis
) -> None:
    """
    So long as it is so; the same server is believed again once it syncs.
    """
    client.config_set("appendfsync", "no")
    client.lpush("shop.events", "x")
    file = file_of(broker, patience_ms=200)

    assert not file.has_all(file.connect())
    client.config_set("appendfsync", "always")
    assert file.has_all(file.connect())


def test_a_server_without_a_file_is_believed(broker: Broker, client: redis.Redis) -> None:
    """
    It cannot tell more: events would never be told otherwise.
    """
    client.config_set("appendonly", "no")
    file = file_of(broker)

    assert file.has_all(file.connect())


def test_a_server_that_came_back_may_lack_what_it_took(broker: Broker) -> None:
    """
    For whoever was connected before; who connects from then on is told yes.
    """
    file = file_of(broker)
    first = file.connect()
    broker.kill()
    with pytest.raises(AWAY):
        file.connect()
    assert not file.has_all(first)
    broker.start()
    second = file.connect()

    assert not file.has_all(first)
    assert file.has_all(second)


def test_nobody_is_told_yes_over_anothers_connection(broker: Broker) -> None:
    """
    Two that were connected before: after a crash both are told no, whoever asks first.
    """
    file = file_of(broker)
    one, other = file.connect(), file.connect()
    assert one == other
    broker.kill()
    broker.start()

    assert not file.has_all(one)
    file.connect()
    assert not file.has_all(other)


def test_a_connection_that_was_cut_while_idle_costs_nothing(
    broker: Broker, client: redis.Redis
) -> None:
    """
    Servers close what says nothing for some minutes: whoever comes next has a new one.
    """
    file = file_of(broker)
    file.connect()
    client.client_kill_filter(_type="normal", skipme=True)

    assert file.has_all(file.connect())
