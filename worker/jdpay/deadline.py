"""
A total time limit for an HTTPS exchange, which `requests` itself does not have.

Its read timeout starts afresh with every byte that arrives, so a peer that drips could hold a
request forever. Here the socket itself gives every read only the time that is left, from the
status line to the last byte of the body, and begins to send nothing afterwards. What remains
outside: the name lookup, which the operating system limits, and each address that the name has may
cost one connect timeout; the TLS handshake is limited by the connect timeout.
"""

import ssl
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from requests.adapters import HTTPAdapter
from urllib3 import HTTPSConnectionPool
from urllib3.connection import HTTPSConnection
from urllib3.util.ssl_ import create_urllib3_context

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


class DeadlineAdapter(HTTPAdapter):
    """
    Verified TLS 1.2 or later and no retries; times are seconds of `clock`.

    After `latest` no connection is opened, which raises `NotSent`: this process was stopped since
    it was allowed to connect. After `deadline` nothing is sent or read.
    """

    def __init__(
        self, clock: Callable[[], float], latest: float, deadline: float, read_timeout: float
    ) -> None:
        self._context = create_urllib3_context(
            ssl_minimum_version=ssl.TLSVersion.TLSv1_2, cert_reqs=ssl.CERT_REQUIRED
        )
        self._context.sslsocket_class = _limited(clock, deadline, read_timeout)
        self._pool = _punctual(clock, latest)
        super().__init__(pool_connections=1, pool_maxsize=1, max_retries=0)

    def init_poolmanager(
        self, connections: int, maxsize: int, block: bool = False, **pool_kwargs: object
    ) -> None:
        """
        Give the pool our TLS context; the CA file is loaded into it for each request.
        """
        super().init_poolmanager(
            connections, maxsize, block, ssl_context=self._context, **pool_kwargs
        )
        self.poolmanager.pool_classes_by_scheme = {"https": self._pool}


def _punctual(clock: Callable[[], float], latest: float) -> type[HTTPSConnectionPool]:
    class PunctualConnection(HTTPSConnection):
        def connect(self) -> None:
            if clock() > latest:
                raise NotSent("stopped")
            super().connect()

    class PunctualPool(HTTPSConnectionPool):
        ConnectionCls = PunctualConnection

    return PunctualPool


def _limited(
    clock: Callable[[], float], deadline: float, read_timeout: float
) -> type[ssl.SSLSocket]:
    def left() -> float:
        seconds = deadline - clock()
        if seconds <= 0:
            raise TimeoutError("the time for the whole exchange is over")
        return seconds

    class LimitedSocket(ssl.SSLSocket):
        def send(self, data: "ReadableBuffer", flags: int = 0) -> int:
            left()
            return super().send(data, flags)

        def recv_into(
            self, buffer: "WriteableBuffer", nbytes: int | None = None, flags: int = 0
        ) -> int:
            self.settimeout(min(left(), read_timeout))
            return super().recv_into(buffer, nbytes, flags)

    return LimitedSocket
