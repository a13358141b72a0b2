"""
The script with Celery alone as a consumer that may die at each of its effects.
"""

import contextlib
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import redis
from celery import Celery
from werkzeug.serving import make_server

from tests.contract.samples import MERCHANT
from tests.examples.consumers import Consumer
from tests.examples.headers import EXAMPLES
from tests.examples.rules import AMOUNT_FEN, Seen
from tests.unit.producer.opening import SHARED, write_key
from worker.payouts.endpoint import EndpointKind
from worker.payouts.producers import Scope
from worker.store.ledger import SqlLedger
from worker.usecases.own_payouts import OwnPayouts
from worker.usecases.producers import Registrar
from worker.web.api.app import build
from worker.web.api.read import ReadApi


class Queue(Consumer):
    """
    The script with Celery alone, whose worker takes events off a queue.

    The HTTP API that it catches up by tells it what the application `told` hears: its own name, or
    another's, of whom there is nothing to tell.
    """

    address = "shop.events"

    def __init__(self, pool: str, folder: Path, broker_url: str, *, told: str = "") -> None:
        folder = folder / "script"
        folder.mkdir()
        shop = folder / "payouts.sqlite"
        settings = {"SHOP_DATABASE": str(shop), "PAYOUTS_BROKER_URL": broker_url}
        super().__init__(pool, folder, f"sqlite:///{shop}", **settings)
        self.environment["PRODUCER_KEY"] = write_key(folder / "shop.key", SHARED)
        self.environment["PAYOUTS_READ_URL"] = f"http://127.0.0.1:{self.port}"
        self._told = told or self.producer
        self._broker = redis.Redis.from_url(broker_url)
        self._celery = Celery(broker=broker_url, set_as_current=False)
        self._celery.conf.broker_transport_options = {"visibility_timeout": 0}
        self._asked = 0

    def is_ready(self) -> bool:
        """
        It may be told before it is there.
        """
        return True

    def join(self, ledger: SqlLedger) -> None:
        """
        By `payouts endpoints add --queue`, and `payouts tokens issue`.
        """
        self._ledger = ledger
        ledger.add_endpoint(self.producer, EndpointKind.QUEUE, self.address, ())
        registrar = Registrar(ledger, "cli:mei")
        registrar.add(self._told)
        _, self.environment["READ"] = registrar.issue(self._told, Scope.READ, "")

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        """
        From here to the end of the block, beside the HTTP API.
        """
        handlers = ReadApi(OwnPayouts(self._ledger, MERCHANT)).handlers
        app = build(self._ledger, handlers, self._ledger.now)
        server = make_server("127.0.0.1", self.port, app, threaded=True)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            with super().running():
                yield
        finally:
            server.shutdown()
            thread.join()
            server.server_close()

    def cut_off(self) -> None:
        """
        End every connection to the broker.
        """
        self._broker.client_kill_filter(_type="normal", skipme=True)

    def ask(self) -> str:
        """
        By its command.
        """
        self._asked += 1
        number = f"WITHDRAWAL{self._asked:04}"
        self._run("pay", number, str(AMOUNT_FEN))
        return number

    def waiting(self, ledger: SqlLedger) -> int:
        """
        Those on the queue as well, and those that a worker has not acknowledged.
        """
        taken = int(self._broker.llen(self.address)) + int(self._broker.hlen("unacked"))
        return super().waiting(ledger) + taken

    def tell_again(self, ledger: SqlLedger) -> None:
        """
        By the visibility timeout, as if it were over.
        """
        with self._celery.connection_for_read() as connection:
            qos: Any = connection.default_channel.qos  # type: ignore[attr-defined]
            qos.restore_visible(interval=1)

    def heard(self) -> list[str]:
        """
        As its table of them says.
        """
        return [str(uid) for (uid,) in self.rows("SELECT id FROM heard_events ORDER BY rowid")]

    def seen(self) -> Mapping[str, Seen]:
        """
        As it prints it.
        """
        found = {}
        for line in self._run("show").splitlines():
            number, shown = line.split(maxsplit=1)
            status, freed = shown.rsplit(maxsplit=1)
            found[number] = Seen(status, AMOUNT_FEN * int(freed))
        return found

    def _run(self, *arguments: str) -> str:
        command = [sys.executable, str(EXAMPLES / "celery_alone.py"), *arguments]
        return subprocess.run(
            command, env=self.environment, check=True, capture_output=True, text=True
        ).stdout
