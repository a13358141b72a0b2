"""
What the doctor says of the broker's user, on a real server whose users are really limited.
"""

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import redis
from kombu import Connection

from tests.integration.cli.diagnosis import Examine
from worker.broker.names import QueueName
from worker.cli.doctor.rights import RULES

Limited = Callable[[str], None]


@pytest.fixture
def server(broker_url: str) -> Iterator[redis.Redis]:
    """
    The broker, as its administrator sees it.
    """
    with contextlib.closing(redis.Redis.from_url(broker_url)) as client:
        yield client


@pytest.fixture
def limited(
    healthy: None, server: redis.Redis, broker_url: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Limited]:
    """
    Makes the settings name a user that may do so much.
    """

    def limit(rules: str) -> None:
        words = ["ACL", "SETUSER", "app", "reset", "on", ">hunter2", *rules.split()]
        server.execute_command(*words)  # type: ignore[no-untyped-call]
        url = broker_url.replace("redis://", "redis://app:hunter2@")
        monkeypatch.setenv("PAYOUTS_BROKER_URL", url)

    yield limit
    server.acl_deluser("app")


def test_the_rules_that_the_documents_name_are_enough(limited: Limited, examine: Examine) -> None:
    """
    For the doctor, and nothing dangerous is among them.
    """
    limited(RULES)

    assert "its user may do all that is needed" in examine().told("broker", "ok")
    assert "+@all" not in RULES
    assert "dangerous" not in RULES


@pytest.mark.parametrize("page", ["operations.md", "operations.zh-CN.md"])
def test_the_documents_name_those_rules(page: str) -> None:
    """
    In one line to copy, each key and channel quoted for the shell.
    """
    quoted = [f"'{word}'" if word[0] in "~&" else word for word in RULES.split()]
    documented = (Path(__file__).parents[3] / "docs" / page).read_text()

    assert f"on '>PASSWORD' {' '.join(quoted)}\n" in documented


@pytest.mark.parametrize(
    ("rules", "command", "key"),
    [
        # the trial's user: kombu's own keys are not among its
        (RULES.replace("~unacked* ~_kombu.binding*", ""), "", "unacked"),
        (RULES.replace("~_kombu.binding*", ""), "", "_kombu.binding.payouts.entry"),
        (RULES.replace("~payouts*", ""), "", "payouts.entry"),
        (RULES.replace("&/0.celeryev/*", ""), "", "/0.celeryev/worker.heartbeat"),
        # a pattern that only covers the channel is none for a subscription
        (RULES.replace("&/0.celery.pidbox", "&/0.celery.*"), "", "/0.celery.pidbox"),
        (RULES.replace("~*.celery.pidbox*", ""), "", "celerybeat@x.celery.pidbox"),
        (f"{RULES} -brpop", "BRPOP", ""),
        (f"{RULES} -lpush", "LPUSH", ""),
        (f"{RULES} -@scripting", "EVAL, EVALSHA", ""),
        (f"{RULES} -multi", "MULTI", ""),
        (f"{RULES} -watch", "WATCH", ""),
    ],
)
def test_what_the_user_lacks_is_named(
    limited: Limited, examine: Examine, rules: str, command: str, key: str
) -> None:
    """
    Commands and keys, with the rules that would do.
    """
    limited(rules)

    told = examine().told("broker", "fault")
    assert f"may not run {command}" in told if command else key in told
    assert f"ACL SETUSER <user> {RULES}" in told


@pytest.mark.parametrize("rules", [RULES, f"{RULES} -multi"])
def test_nothing_is_left_behind(
    limited: Limited, examine: Examine, server: redis.Redis, rules: str
) -> None:
    """
    No key is made and none is changed: not a message that waits, nor what a worker has in hand.

    Nor where the server would do it at once, for want of a transaction.
    """
    limited(rules)
    server.flushdb()
    server.lpush(QueueName.SEND, "a message")
    server.hset("unacked", "x", "in hand")
    server.zadd("unacked_index", {"x": 1.0})
    server.set("unacked_mutex", "held")
    before = {key: server.dump(key) for key in server.scan_iter()}

    examine()

    # What the look at the queues remembers is its own affair.
    after = {key: server.dump(key) for key in server.scan_iter() if key != b"payouts:next"}
    server.flushdb()
    assert after == before


def test_kombu_works_by_those_rules(limited: Limited, server: redis.Redis, broker_url: str) -> None:
    """
    A message is sent, taken, given back by another, and acknowledged; the unread come again.
    """
    limited(RULES)
    server.flushdb()
    url = broker_url.replace("redis://", "redis://app:hunter2@")
    with Connection(url, transport_options={"visibility_timeout": 0}) as connection:
        queue = connection.SimpleQueue(QueueName.ENTRY)
        queue.put({"job": 1})
        taken = queue.get(timeout=5)
        taken.requeue()
        again = queue.get(timeout=5)
        assert again.payload == {"job": 1}
        # The redis transport's own, beyond kombu's general interface.
        getattr(connection.default_channel, "qos").restore_visible()  # noqa: B009
        queue.close()
    with Connection(url) as connection:
        queue = connection.SimpleQueue(QueueName.ENTRY)
        queue.put({"job": 2})
        queue.get(timeout=5).ack()
        queue.close()
    server.flushdb()
