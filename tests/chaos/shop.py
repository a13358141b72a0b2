"""
A producer's server that is slow, fails and lies now and then, beside others that are worse.
"""

import contextlib
import json
import random
import socket
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from worker.embedded.broker import free_port
from worker.payouts.endpoint import EndpointKind
from worker.payouts.event import Event
from worker.store.ledger import SqlLedger

#: More than any run has.
_ALL = 10_000_000
_PRODUCER = "unsealed"
_KEY = "whsec_YWxsIG91ciBldmVudHM="

#: So often a request is lost, taken without a yes, or answered only after some seconds.
_LOST, _LIES, _SLOW = 0.1, 0.1, 0.02
_SLOW_SECONDS = 3.0


class Shop:
    """
    What it heard. `heals` ends its faults.
    """

    def __init__(self, ledger: SqlLedger, seed: int) -> None:
        self._ledger = ledger
        self._rng = random.Random(f"shop of {seed}")
        self._lock = threading.Lock()
        self._is_well = False
        #: By id, in the order in which they were heard first.
        self.heard: dict[str, dict[str, Any]] = {}
        shop = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                with contextlib.suppress(OSError):
                    self.send_response(shop.hear(json.loads(body)))
                    self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever)
        # It takes connections, and never says anything.
        self._silent = socket.create_server(("127.0.0.1", 0))

    def __enter__(self) -> "Shop":
        self._thread.start()
        ports = (self._server.server_port, self._silent.getsockname()[1], free_port())
        for port in ports:
            self._ledger.add_endpoint(
                *(_PRODUCER, EndpointKind.WEBHOOK, f"http://127.0.0.1:{port}/", ()),
                is_private=True,
                key=_KEY,
            )
        return self

    def __exit__(self, *_: object) -> None:
        self._silent.close()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def hear(self, event: dict[str, Any]) -> int:
        """
        Take an event or not; the status that is answered.
        """
        with self._lock:
            drawn = 1.0 if self._is_well else self._rng.random()
            if drawn >= _LOST:
                self.heard.setdefault(event["id"], event["data"])
        if _LOST + _LIES <= drawn < _LOST + _LIES + _SLOW:
            time.sleep(_SLOW_SECONDS)
        return 500 if drawn < _LOST + _LIES else 204

    def heal(self) -> None:
        """
        Fail no more, and have what waits for a later try told now.
        """
        self._is_well = True
        self._ledger.retry_endpoint(min(one.id for one in self._ledger.endpoints()))

    def _unheard(self) -> list[Event]:
        found = self._ledger.events(_ALL, producer=_PRODUCER)
        return [event for event in found if event.uid not in self.heard]

    def left(self) -> int:
        """
        How much it has not heard yet.
        """
        return len(self._unheard())

    def breaches(self, *, restored: bool) -> Iterator[str]:
        """
        What was lost, or heard in another order; unless the database itself has forgotten.
        """
        for event in self._unheard():
            yield f"event {event.uid}: {event.type} of {event.out_trade_no} was never heard"
        last: dict[str, tuple[int, int]] = {}
        for uid, data in [] if restored else self.heard.items():
            number, place = data["out_trade_no"], (data["epoch"], data["version"])
            if place < last.get(number, (0, 0)):
                yield f"event {uid}: {number} was heard in another order"
            last[number] = place
