"""
A TLS server on 127.0.0.1 that does with each connection what the test says.
"""

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
    Accepts connections one after the other; `requests` holds what each of them sent.
    """

    def __init__(self, folder: Path, behaviour: Behaviour) -> None:
        self.requests: list[bytes] = []
        self._behaviour = behaviour
        self._context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self._context.load_cert_chain(folder / "server.crt", folder / "server.key")
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._serve)

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

    def _serve(self) -> None:
        while True:
            try:
                plain, _ = self._listener.accept()
            except OSError:
                return
            # A client that goes away while it is answered is part of the tests.
            try:
                with self._context.wrap_socket(plain, server_side=True) as connection:
                    self.requests.append(_read_request(connection))
                    self._behaviour(connection)
            except OSError:
                plain.close()


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
