"""
A total time limit for an HTTPS exchange, which `requests` itself does not have.

Its read timeout starts afresh with every byte that arrives, so a peer that drips could hold a
request for ever. Here the socket itself gives every read only the time that is left, from the
status line to the last byte of the body. What remains outside: the name lookup, which the operating
system limits, and each address that the name has may cost one connect timeout; the TLS handshake is
limited by the connect timeout.
"""

import ssl
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from requests.adapters import HTTPAdapter
from urllib3.util.ssl_ import create_urllib3_context

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer


class DeadlineAdapter(HTTPAdapter):
    """
    Verified TLS 1.2 or later, no retries, and every read ended at `deadline` (monotonic seconds).
    """

    def __init__(self, deadline: float, read_timeout: float) -> None:
        self._context = create_urllib3_context(
            ssl_minimum_version=ssl.TLSVersion.TLSv1_2, cert_reqs=ssl.CERT_REQUIRED
        )
        self._context.sslsocket_class = _limited(deadline, read_timeout)
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


def _limited(
    deadline: float, read_timeout: float, clock: Callable[[], float] = time.monotonic
) -> type[ssl.SSLSocket]:
    class LimitedSocket(ssl.SSLSocket):
        def recv_into(
            self, buffer: "WriteableBuffer", nbytes: int | None = None, flags: int = 0
        ) -> int:
            left = deadline - clock()
            if left <= 0:
                raise TimeoutError("the time for the whole exchange is over")
            self.settimeout(min(left, read_timeout))
            return super().recv_into(buffer, nbytes, flags)

    return LimitedSocket
