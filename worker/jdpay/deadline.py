"""
A total time limit for an HTTPS exchange, which `requests` itself does not have.

Its read timeout starts afresh with every byte that arrives, so a peer that drips could hold a
request forever. Here the socket itself gives every read only the time that is left, from the
status line to the last byte of the body, and begins to send nothing afterwards. What remains
outside: the name lookup, which the operating system limits, and each address that the name has may
cost one connect timeout; the TLS handshake is limited by the connect timeout.
"""

import math
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from requests.adapters import HTTPAdapter
from urllib3 import HTTPSConnectionPool
from urllib3.connection import HTTPSConnection

from worker.payouts.errors import NotSent

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer, WriteableBuffer

#: A lease runs out while this machine sleeps, so its sleep has to count, which Linux leaves out of
#: CLOCK_MONOTONIC. Where a whole virtual machine was halted, no clock inside it tells for sure.
_CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


def steady() -> float:
    """
    Seconds that nobody sets, and that pass while the machine sleeps.
    """
    return time.clock_gettime(_CLOCK)


@dataclass(slots=True)
class Limits:
    """
    The times of the exchange that runs, in seconds of `clock`. Until they are set nothing may run.

    After `latest` no connection is opened, which raises `NotSent`: this process was stopped since
    it was allowed to connect. After `deadline` nothing is sent or read.
    """

    clock: Callable[[], float]
    read_timeout: float
    latest: float = -math.inf
    deadline: float = -math.inf

    def left(self) -> float:
        """
        What is left until the deadline. Raises `TimeoutError`.
        """
        seconds = self.deadline - self.clock()
        if seconds <= 0:
            raise TimeoutError("the time for the whole exchange is over")
        return seconds


class LimitedSocket(ssl.SSLSocket):
    """
    Sends and reads within `limits`, which it is given once it is connected.
    """

    limits: Limits

    def send(self, data: "ReadableBuffer", flags: int = 0) -> int:
        """
        Send some, unless the deadline has passed.
        """
        self.limits.left()
        return super().send(data, flags)

    def recv_into(
        self, buffer: "WriteableBuffer", nbytes: int | None = None, flags: int = 0
    ) -> int:
        """
        Read some, and wait for it no longer than until the deadline.
        """
        self.settimeout(min(self.limits.left(), self.limits.read_timeout))
        return super().recv_into(buffer, nbytes, flags)


class DeadlineAdapter(HTTPAdapter):
    """
    One exchange at a time, each within `limits` as they are set for it, and without retries.

    `context` has all authorities. At most one connection is kept, until this is closed.
    """

    def __init__(self, context: ssl.SSLContext, limits: Limits) -> None:
        self.limits = limits
        self._context = context
        self._pool = _punctual(limits)
        super().__init__(pool_connections=1, pool_maxsize=1, max_retries=0)

    def init_poolmanager(
        self, connections: int, maxsize: int, block: bool = False, **pool_kwargs: object
    ) -> None:
        """
        Give the pool our TLS context and our connections.
        """
        super().init_poolmanager(
            connections, maxsize, block, ssl_context=self._context, **pool_kwargs
        )
        self.poolmanager.pool_classes_by_scheme = {"https": self._pool}

    def cert_verify(self, conn: HTTPSConnectionPool, *_: object) -> None:
        """
        Have the chain verified. requests would name a CA file, to be parsed for each connection.
        """
        conn.cert_reqs = "CERT_REQUIRED"


def _punctual(limits: Limits) -> type[HTTPSConnectionPool]:
    class PunctualConnection(HTTPSConnection):
        def connect(self) -> None:
            if limits.clock() > limits.latest:
                raise NotSent("stopped")
            super().connect()
            assert isinstance(self.sock, LimitedSocket), "the context makes such sockets"
            self.sock.limits = limits

    class PunctualPool(HTTPSConnectionPool):
        ConnectionCls = PunctualConnection

    return PunctualPool
