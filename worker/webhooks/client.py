"""
One POST to a webhook: to an address that was checked just now, within a deadline.

It follows no redirect, takes nothing from the environment, and reads no more of an answer than its
status: whoever answers slowly, or without end, costs one thread until the deadline.
"""

import contextlib
import http.client
import socket
import ssl
import threading
import time
from collections.abc import Callable

from worker.payouts.endpoint import Endpoint
from worker.payouts.errors import NotAllowed
from worker.payouts.event import Event
from worker.views.events import body
from worker.webhooks.address import Target, parse, resolve
from worker.webhooks.signature import sign

#: Seconds for each connection, and for all of an exchange.
_CONNECT_S = 5.0
DEADLINE_S = 15.0

_TAKEN = range(200, 300)


class WebhookCourier:
    """
    A `Courier` to webhooks.

    `clock` tells seconds since 1970, for the signature; `context` has the authorities.
    """

    def __init__(
        self,
        clock: Callable[[], float] = time.time,
        deadline_s: float = DEADLINE_S,
        context: ssl.SSLContext | None = None,
    ) -> None:
        self._clock = clock
        self._deadline_s = deadline_s
        # Made once: reading the authorities takes longer than all the rest.
        self._context = context or ssl.create_default_context()

    def begin(self) -> int:
        """
        Nothing is to be got ready.
        """
        return 0

    def tell(self, endpoint: Endpoint, event: Event) -> tuple[bool, str]:
        """
        Whether the endpoint took an event, and its HTTP status or what kept it from answering.
        """
        try:
            target = parse(endpoint.address, is_private=endpoint.is_private)
            address = resolve(target, is_private=endpoint.is_private)
            status = self._post(target, address, endpoint.keys, event)
        except NotAllowed as fault:
            return False, str(fault)
        except (OSError, http.client.HTTPException, ValueError) as fault:
            return False, _name(fault)
        return status in _TAKEN, str(status)

    def lost(self, since: int) -> None:
        """
        Nothing: what a server has taken is its own.
        """

    def _post(self, target: Target, address: str, keys: tuple[str, ...], event: Event) -> int:
        sent, at = body(event), int(self._clock())
        headers = {
            "content-type": "application/json",
            "user-agent": "jdpay-payouts",
            "webhook-id": event.uid,
            "webhook-timestamp": str(at),
            "webhook-signature": sign(keys, event.uid, at, sent),
            "connection": "close",
        }
        with socket.create_connection((address, target.port), _CONNECT_S) as connection:
            # A peer that drips starts a read timeout afresh with each byte: this ends all of it.
            is_over = threading.Event()
            # A handle of its own: TLS takes the socket over.
            timer = threading.Timer(self._deadline_s, _end, [handle := connection.dup(), is_over])
            timer.daemon = True
            timer.start()
            try:
                connection.settimeout(self._deadline_s)
                spoken = self._spoken(target, connection)
                status = _exchange(target, spoken, headers, sent)
            finally:
                timer.cancel()
                handle.close()
            if is_over.is_set():
                # What was cut looks like headers that came to their end.
                raise TimeoutError
            return status

    def _spoken(self, target: Target, connection: socket.socket) -> socket.socket:
        if not target.is_secure:
            return connection
        return self._context.wrap_socket(connection, server_hostname=target.host)


def _exchange(
    target: Target, connection: socket.socket, headers: dict[str, str], sent: bytes
) -> int:
    speaking = http.client.HTTPConnection(target.host, target.port)
    speaking.sock = connection
    try:
        speaking.request("POST", target.path, sent, headers)
        return speaking.getresponse().status
    finally:
        speaking.close()


def _end(connection: socket.socket, is_over: threading.Event) -> None:
    is_over.set()
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)


def _name(fault: Exception) -> str:
    """
    What went wrong, in words that quote nothing of the other side's.
    """
    match fault:
        case TimeoutError():
            return "no answer in time"
        case ConnectionRefusedError():
            return "connection refused"
        case ssl.SSLError():
            return "TLS failed: " + (fault.reason or "").lower().replace("_", " ")
        case socket.gaierror():
            return "no such host"
        case ConnectionError() | http.client.HTTPException():
            return "the connection was cut, or that was no HTTP"
        case _:
            return type(fault).__name__
