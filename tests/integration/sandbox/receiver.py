"""
A receiver of notifications that remembers them, and answers as it is told.
"""

import hashlib
import http.server
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qsl

from tests.integration.sandbox.client import canonical


class Receiver(http.server.ThreadingHTTPServer):
    """
    Listens on loopback.
    """

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.received: list[dict[str, str]] = []
        #: HTTP status and body of its answers, by order number and trade status.
        self.answers: dict[tuple[str, str], tuple[int, bytes]] = {}

    @property
    def url(self) -> str:
        """
        The address for `notify_url`.
        """
        return f"http://127.0.0.1:{self.server_address[1]}/jd/notify"

    def of(self, number: str) -> list[str]:
        """
        The statuses that were notified of one order; a bad signature shows as a question mark.
        """
        return [
            fields["trade_status"] + "?" * (fields["sign_data"] != _signature(fields))
            for fields in self.received
            if fields["out_trade_no"] == number
        ]


def _signature(fields: dict[str, Any]) -> str:
    return hashlib.sha1(f"{canonical(fields)}test".encode()).hexdigest().upper()


class _Handler(http.server.BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        """
        Remember the form, and answer.
        """
        body = self.rfile.read(int(self.headers["Content-Length"])).decode("ascii")
        fields = dict(parse_qsl(body, strict_parsing=True, keep_blank_values=True))
        self.server.received.append(fields)
        told = (fields["out_trade_no"], fields["trade_status"])
        status, answer = self.server.answers.get(told, (200, b"success"))
        self.send_response(status)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """
        Keep quiet.
        """


@contextmanager
def running() -> Iterator[Receiver]:
    """
    A receiver while it is needed.
    """
    with Receiver() as receiver:
        thread = threading.Thread(target=receiver.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield receiver
        finally:
            receiver.shutdown()
            thread.join()
