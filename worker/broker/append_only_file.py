"""
Whether what the broker has taken is on its disk, so that its crash loses none of it.

A server that syncs its file once a second has answered for messages that a crash can still lose.
"""

import contextlib
import threading
from typing import Any

import redis
from celery import Celery
from kombu.exceptions import KombuError
from redis.backoff import NoBackoff
from redis.exceptions import ResponseError
from redis.retry import Retry

#: A write of our own: the server tells how far its file is in relation to it.
_KEY = "payouts:told"
#: Milliseconds; the app's sockets wait longer.
_PATIENCE_MS = 5000

#: What sockets and servers that are away raise.
AWAY = (KombuError, redis.RedisError, OSError)


class AppendOnlyFile:
    """
    The file of the app's Redis or Valkey, asked over a connection that was there before.

    A server that ended and came back meanwhile may have come back without what it took.
    """

    def __init__(self, app: Celery, patience_ms: int = _PATIENCE_MS) -> None:
        self._app = app
        self._patience_ms = patience_ms
        self._lock = threading.Lock()
        self._connection: redis.Connection | None = None
        self._connected = 0

    def connect(self) -> int:
        """
        The number of the connection that is there now, for `has_all`. Raises one of `AWAY`.
        """
        with self._lock:
            if self._connection is not None:
                with contextlib.suppress(*AWAY):
                    _ask(self._connection, "PING")
                    return self._connected
                self._end()
            connection = self._new()
            connection.connect()  # type: ignore[no-untyped-call] # as redis-py has it
            self._connection = connection
            self._connected += 1
            return self._connected

    def has_all(self, since: int) -> bool:
        """
        Whether all that was taken since `connect` gave this number is on disk.

        A server that cannot tell (before Redis 7.2, or without such a file) is believed.
        """
        with self._lock:
            if self._connection is None or self._connected != since:
                return False
            with contextlib.suppress(*AWAY):
                if _is_written(self._connection, self._patience_ms):
                    return True
            self._end()
            return False

    def _end(self) -> None:
        if self._connection is not None:
            self._connection.disconnect()  # type: ignore[no-untyped-call] # as redis-py has it
            self._connection = None

    def _new(self) -> redis.Connection:
        # The client of kombu's channel has the app's own address, timeouts and TLS.
        with self._app.connection_for_write() as connection:
            pool = getattr(connection.channel(), "client").connection_pool  # noqa: B009
            once = {"health_check_interval": 0, "retry": Retry(NoBackoff(), 0)}
            made: redis.Connection = pool.connection_class(**pool.connection_kwargs | once)
        return made


def _is_written(connection: redis.Connection, patience_ms: int) -> bool:
    _ask(connection, "SET", _KEY, "1")
    try:
        files, _ = _ask(connection, "WAITAOF", "1", "0", str(patience_ms))
    except ResponseError:
        return True
    return bool(files)


def _ask(connection: redis.Connection, *words: str) -> Any:
    connection.send_command(*words)  # type: ignore[no-untyped-call] # as redis-py has it
    return connection.read_response()
