"""
The broker, and what Celery is told about it.
"""

import os
from collections.abc import Iterator

import redis
from kombu.exceptions import KombuError

from worker.broker.app import app
from worker.cli.doctor.finding import Finding, fault, ok, warning
from worker.cli.doctor.rights import rights
from worker.cli.faults import broker as broker_place
from worker.settings import BrokerSettings

#: What a broker's configuration must say, and why.
_KEEPS = {
    "appendonly": ("yes", "set `appendonly yes`: without it a restart loses enqueued jobs"),
    "maxmemory-policy": (
        "noeviction",
        "set `maxmemory-policy noeviction`: any other drops messages when memory is short",
    ),
}

#: Settings that must hold however they came about, and why.
_MUST_HOLD: dict[str, tuple[object, str]] = {
    "task_acks_late": (False, "a message that kills its worker would come back forever"),
    "task_reject_on_worker_lost": (False, "a message that kills its worker would loop"),
    "task_always_eager": (False, "jobs would run inside the producer"),
    "result_backend": (None, "results would leave the ledger, and grow without end"),
    "task_serializer": ("json", "anything else could carry code"),
    "accept_content": (["json"], "anything else could carry code"),
    "worker_enable_remote_control": (False, "whoever reaches the broker could stop the sending"),
    "task_ignore_result": (True, "results would leave the ledger"),
}

#: Variables that Celery obeys before any setting.
_OVERRIDES = {
    "CELERY_BROKER_URL": "it overrides PAYOUTS_BROKER_URL",
    "CELERY_BROKER_READ_URL": "it overrides PAYOUTS_BROKER_URL",
    "CELERY_BROKER_WRITE_URL": "it overrides PAYOUTS_BROKER_URL",
    "CELERY_RESULT_BACKEND": "it switches results on",
    "CELERY_CONFIG_MODULE": "it adds settings that nobody checks",
    "REMAP_SIGTERM": "a worker that is told to stop would drop what it is doing",
}


def broker() -> Iterator[Finding]:
    """
    The broker answers, keeps what it is given, and drops nothing.
    """
    BrokerSettings.load()
    try:
        with app.connection_for_write() as connection:
            connection.ensure_connection(max_retries=0)
            # The redis client is what kombu's channel to a Redis has, beyond its general interface.
            client: redis.Redis = getattr(connection.channel(), "client")  # noqa: B009
            yield ok(f"{broker_place()} answers")
            yield from rights(client)
            yield from _durability(client)
    except (redis.RedisError, KombuError, OSError) as error:
        yield _unusable(error)


def celery() -> Iterator[Finding]:
    """
    Celery runs with the settings that keep money safe, whatever the environment says.
    """
    unsafe = False
    for name, why in _OVERRIDES.items():
        if os.environ.get(name):
            unsafe = True
            yield fault(f"{name} is set: {why}", f"unset {name}")
    for name, (wanted, why) in _MUST_HOLD.items():
        if (found := getattr(app.conf, name)) != wanted:
            unsafe = True
            yield fault(f"{name} is {found!r}: {why}", f"it must be {wanted!r}")
    if not unsafe:
        yield ok("the settings are safe")


def _unusable(error: Exception) -> Finding:
    # kombu hides what the redis client raised behind an error of its own.
    if isinstance(error.__cause__ or error, redis.AuthenticationError):
        return fault(
            f"{broker_place()} refuses our user or password", "correct them in PAYOUTS_BROKER_URL"
        )
    return fault(
        f"{broker_place()} cannot be reached: {error}",
        "start it, or correct PAYOUTS_BROKER_URL (and PAYOUTS_BROKER_CA_FILE for rediss://)",
    )


def _durability(client: redis.Redis) -> Iterator[Finding]:
    for name, (wanted, remedy) in _KEEPS.items():
        try:
            found = client.config_get(name).get(name)
        except redis.ResponseError:
            yield ok(f"{name} may not be looked at here", f"make sure: {remedy}")
            continue
        if found == wanted:
            yield ok(f"{name} is {found}")
        else:
            yield warning(f"{name} is {found}", remedy)
