"""
A TLS server on 127.0.0.1 that does with each connection what the test says.
"""

import contextlib
import socket
import ssl
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Self

#: Gets the connection after the whole request was read.
Behaviour = Callable[[ssl.SSLSocket], None]

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"


def sends(*parts: bytes) -> Behaviour:
    """
    A server that answers with these bytes, then closes.
    """

    def behave(connection: ssl.SSLSocket) -> None:
        for part in parts:
            connection.sendall(part)

    return behave


class TlsServer:
    """
    Serves each connection in a thread of its own, and so many requests over each.

    `requests` holds what was sent, and `carriers` which connection brought each of them.
    """

    def __init__(self, folder: Path, behaviour: Behaviour, per_connection: int = 1) -> None:
        self.requests: list[bytes] = []
        self.carriers: list[int] = []
        self._behaviour = behaviour
        self._per_connection = per_connection
        self._context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self._context.load_cert_chain(folder / "server.crt", folder / "server.key")
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._accepted: list[tuple[socket.socket, threading.Thread]] = []
        self._thread = threading.Thread(target=self._accept)

    @property
    def url(self) -> str:
        """
        The address to post to.
        """
        return f"https://127.0.0.1:{self._listener.getsockname()[1]}/npp10/x"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._listener.close()
        for hold, serving in self._accepted:
            with contextlib.suppress(OSError):  # it may have ended by itself
                hold.shutdown(socket.SHUT_RDWR)
            serving.join()

    def _accept(self) -> None:
        while True:
            try:
                plain, _ = self._listener.accept()
            except OSError:
                return
            number, hold = len(self._accepted), plain.dup()
            serving = threading.Thread(target=self._serve, args=(plain, hold, number))
            self._accepted.append((hold, serving))
            serving.start()

    def _serve(self, plain: socket.socket, hold: socket.socket, number: int) -> None:
        # A client that goes away while it is answered is part of the tests.
        with (
            hold,
            plain,
            contextlib.suppress(OSError),
            self._context.wrap_socket(plain, server_side=True) as connection,
        ):
            for _ in range(self._per_connection):
                request = _read_request(connection)
                self.carriers.append(number)
                self.requests.append(request)
                self._behaviour(connection)


def _read_request(connection: ssl.SSLSocket) -> bytes:
    received = b""
    while b"\r\n\r\n" not in received:
        received += _some(connection)
    head, _, body = received.partition(b"\r\n\r\n")
    length = next(
        int(line.split(b":")[1])
        for line in head.split(b"\r\n")
        if line.lower().startswith(b"content-length:")
    )
    while len(body) < length:
        body += _some(connection)
    return head + b"\r\n\r\n" + body


def _some(connection: ssl.SSLSocket) -> bytes:
    received = connection.recv(65536)
    if not received:
        raise ConnectionResetError("the client went away")
    return received
