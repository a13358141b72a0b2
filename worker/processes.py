"""
How each process is started: the Procfile, compose, the demo and the tests agree on it.

Whoever talks to JD does nothing else, so that accepting, sweeping and notifications never wait
behind a gateway that hangs, nor sends and questions behind each other.
"""

from collections.abc import Mapping

from worker.broker.names import QueueName

#: So many requests may be in flight in one process, each in a thread that mostly waits.
MOST_IN_FLIGHT = 200

_CELERY = ("celery", "--app=worker.broker.app")
#: Workers have nothing to say to each other: what they share is in the database.
_QUIET = ("--without-gossip", "--without-mingle")


def _consumer(name: str, *queues: QueueName) -> tuple[str, ...]:
    return (
        *(*_CELERY, "worker", f"--hostname={name}@%h"),
        *(f"--queues={','.join(queue.value for queue in queues)}", *_QUIET),
    )


#: A wake-up is worked off by one thread, which has the others do what it claimed.
_ONE_THREAD = ("--pool=threads", "--concurrency=1")

#: Jobs are taken side by side, since those that come together are accepted in one commit.
_ACCEPTING = ("--pool=threads", "--concurrency=16")

#: Each connection has a thread of its own, whether or not it says anything.
_CONNECTIONS = "--threads=128"


def web_server(app: str) -> tuple[str, ...]:
    """
    The server of a web app, whatever it is for, without its address.
    """
    return ("gunicorn", app, _CONNECTIONS, "--no-control-socket")


#: The command of each process, without what depends on the place: addresses, files, log level.
COMMANDS: Mapping[str, tuple[str, ...]] = {
    "web": web_server("worker.web.app:create_app()"),
    "worker": (*_consumer("worker", QueueName.ENTRY, QueueName.SWEEP), *_ACCEPTING),
    "sender": (*_consumer("sender", QueueName.SEND), *_ONE_THREAD),
    "querier": (*_consumer("querier", QueueName.QUERY), *_ONE_THREAD),
    "beat": (*_CELERY, "beat"),
    "flower": ("payouts", "flower"),
    "metrics": ("payouts", "metrics"),
    "relay": ("payouts", "relay"),
    "api-accept": ("payouts", "api", "--accept"),
    "api-read": ("payouts", "api", "--read"),
}

#: Those that take messages off the queues.
CONSUMERS = ("worker", "sender", "querier")
