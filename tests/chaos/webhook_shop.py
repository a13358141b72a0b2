"""
A producer's web server that is slow, fails and lies now and then, until it is healed.

``python -m tests.chaos.webhook_shop PORT FILE SEED``. It may be killed at any time.
"""

import contextlib
import json
import random
import sys
import threading
import time
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests.chaos.heard import Heard

#: So often a request is lost, taken without a yes, or answered only after some seconds.
LOST, LIES, SLOW = 0.1, 0.1, 0.02
_SLOW_SECONDS = 3.0


class WebhookShop:
    """
    What is answered to an event. `dice` tells numbers from 0 to 1.
    """

    def __init__(
        self,
        heard: Heard,
        dice: Callable[[], float],
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._heard = heard
        self._dice = dice
        self._pause = pause
        self._lock = threading.Lock()

    def hear(self, event: Mapping[str, Any]) -> int:
        """
        Take an event or not; the HTTP status that is answered. What is taken is written by then.
        """
        with self._lock:
            drawn = 1.0 if self._heard.is_healed else self._dice()
        if drawn < LOST:
            return 500
        self._heard.take(event)
        if drawn < LOST + LIES:
            return 500
        if drawn < LOST + LIES + SLOW:
            self._pause(_SLOW_SECONDS)
        return 204


def _serve(port: int, shop: WebhookShop) -> None:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            # Whoever was killed meanwhile hears no answer.
            with contextlib.suppress(OSError):
                self.send_response(shop.hear(json.loads(body)))
                self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", port), Handler) as server:
        server.serve_forever()


if __name__ == "__main__":
    port, path, seed = sys.argv[1:]
    _serve(int(port), WebhookShop(Heard(Path(path)), random.Random(seed).random))
