"""
The HTTPS server around the gateway.
"""

import contextlib
import http.server
import logging
import selectors
import socket
import ssl
import sys
import threading
from collections.abc import Iterator
from typing import assert_never

from worker.sandbox.gateway import Gateway
from worker.sandbox.keys import Keys
from worker.sandbox.replies import Answer, Cut, Held, Page

log = logging.getLogger("jdpay_payouts.sandbox")

_MAX_BODY_BYTES = 64 * 1024
#: Of a longer body so much is read, for the client to come to hear the answer.
_DRAINED_BYTES = 1024 * 1024
_TOO_LARGE = Page(413, "text/plain", b"too large\n")
_CLIENT_TIMEOUT_SECONDS = 10.0


class Server(http.server.ThreadingHTTPServer):
    """
    One thread a connection, its TLS handshake included.

    So a client that stalls in its handshake holds up nobody else.
    """

    #: The threads are joined at the end, which is quick: their connections are hung up first.
    daemon_threads = False
    request_queue_size = 256

    def __init__(
        self,
        address: tuple[str, int],
        keys: Keys,
        gateway: Gateway,
        hang_seconds: float,
        latency_seconds: float = 0.0,
    ) -> None:
        self.gateway = gateway
        self.hang_seconds = hang_seconds
        self.latency_seconds = latency_seconds
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.minimum_version = ssl.TLSVersion.TLSv1_2
        self._context.load_cert_chain(*keys.server_files)
        self._open: set[socket.socket] = set()
        self._open_changes = threading.Lock()
        self._stopping = threading.Event()
        super().__init__(address, _Handler)

    @property
    def port(self) -> int:
        """
        The port it listens on, also when it was left to the system.
        """
        return int(self.server_address[1])

    def finish_request(self, request: object, client_address: object) -> None:
        """
        Shake hands and serve one connection, in its own thread.
        """
        assert isinstance(request, socket.socket)
        request.settimeout(_CLIENT_TIMEOUT_SECONDS)
        with (
            self._kept_in_reach(request),
            self._context.wrap_socket(request, server_side=True) as tls,
        ):
            super().finish_request(tls, client_address)

    def wait(self, seconds: float) -> None:
        """
        Hold one connection's answer back, unless the server stops. The others are served meanwhile.
        """
        if seconds > 0:
            self._stopping.wait(seconds)

    def handle_error(self, request: object, client_address: object) -> None:
        """
        A client that went away is no news; anything else is a fault of ours.
        """
        fault = sys.exc_info()[1]
        if isinstance(fault, OSError):
            log.info("a connection broke: %s", type(fault).__name__)
        else:
            log.error("a request failed", exc_info=fault)

    def stop(self) -> None:
        """
        Accept no more, close every connection, and wait for the threads.
        """
        self.shutdown()
        with self._open_changes:
            # What is held back is woken when it can reach nobody any more.
            for connection in self._open:
                _hang_up(connection)
            self._stopping.set()
        self.server_close()

    @contextlib.contextmanager
    def _kept_in_reach(self, request: socket.socket) -> Iterator[None]:
        """
        Let `stop` hang up on this connection, in its handshake or at any time after it.
        """
        with request.dup() as connection:
            with self._open_changes:
                self._open.add(connection)
                if self._stopping.is_set():
                    _hang_up(connection)
            try:
                yield
            finally:
                with self._open_changes:
                    self._open.discard(connection)


def _hang_up(connection: socket.socket) -> None:
    # The client may have been faster.
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)


class _Handler(http.server.BaseHTTPRequestHandler):
    """
    Reads requests, asks the gateway, and does what it says.

    A connection stays open for the next one if the client wants that, and nothing went wrong.
    """

    server: Server
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        """
        Serve the sandbox's own pages.
        """
        self._serve()

    def do_POST(self) -> None:
        """
        Serve the payment interface.
        """
        self._serve()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """
        Log as the rest of the project does, instead of printing.
        """
        log.info(format, *args)

    def _serve(self) -> None:
        length = self.headers.get("Content-Length", "0")
        body = self.rfile.read(min(int(length), _DRAINED_BYTES)) if length.isdecimal() else b""
        is_too_large = len(body) > _MAX_BODY_BYTES
        if is_too_large or not length.isdecimal() or "Transfer-Encoding" in self.headers:
            self.close_connection = True  # what was not read would pass for the next request
        self._do(
            _TOO_LARGE
            if is_too_large
            else self.server.gateway.answer(self.command, self.path, body)
        )

    def _do(self, answer: Answer) -> None:
        held_back = 0.0 if isinstance(answer, Held) else answer.delay_seconds
        self.server.wait(self.server.latency_seconds + held_back)
        match answer:
            case Page():
                self._write(answer)
            case Cut():
                self.close_connection = True
                log.info("a reply was lost on order")
            case Held():
                self.close_connection = True
                log.info("a reply is held back on order")
                with selectors.DefaultSelector() as selector:
                    # Becomes readable when the client hangs up, or the server does.
                    selector.register(self.connection, selectors.EVENT_READ)
                    selector.select(self.server.hang_seconds)
            case _:
                assert_never(answer)

    def _write(self, page: Page) -> None:
        self.send_response(page.status)
        self.send_header("Content-Type", page.content_type)
        self.send_header("Content-Length", str(len(page.body)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(page.body)
