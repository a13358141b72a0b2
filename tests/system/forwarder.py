"""
An address that moves: a port whose new connections go to one server, and later to another.
"""

import contextlib
import select
import socket
import threading
from pathlib import Path
from typing import Self

from sqlalchemy import make_url

from worker.embedded.postgres import Postgres


class Forwarder:
    """
    Forwards a free loopback port to `target`'s socket; connections that exist keep their server.
    """

    def __init__(self, target: Postgres) -> None:
        self.target = target
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._serving = [threading.Thread(target=self._accept, daemon=True)]
        self._serving[0].start()

    @property
    def url(self) -> str:
        """
        The SQLAlchemy URL of the address.
        """
        return f"postgresql://postgres@127.0.0.1:{self.port}/postgres"

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                pouring = threading.Thread(target=_serve, args=(client, self.target), daemon=True)
                pouring.start()
                self._serving.append(pouring)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        for thread in self._serving:
            thread.join(10)
        self._listener.close()


def _socket_of(server: Postgres) -> Path:
    query = make_url(server.url).query
    return Path(str(query["host"])) / f".s.PGSQL.{query['port']}"


def _serve(client: socket.socket, target: Postgres) -> None:
    with client, socket.socket(socket.AF_UNIX) as server, contextlib.suppress(OSError):
        server.connect(str(_socket_of(target)))
        while True:
            for end in select.select([client, server], [], [])[0]:
                data = end.recv(65536)
                if not data:
                    return
                (server if end is client else client).sendall(data)
