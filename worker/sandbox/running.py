"""
A whole sandbox, started and stopped: for the command, and for tests in one process.
"""

import logging
import threading
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from types import TracebackType
from typing import Self

from worker.sandbox.behaviour import Timing
from worker.sandbox.books import Books
from worker.sandbox.gateway import Gateway
from worker.sandbox.keys import Keys, write_settings
from worker.sandbox.notifier import Notifier
from worker.sandbox.record import Record
from worker.sandbox.script import NO_SCRIPT, Script
from worker.sandbox.server import Server
from worker.sandbox.switches import Switches

log = logging.getLogger("jdpay_payouts.sandbox")


@dataclass(frozen=True, slots=True)
class Options:
    """
    How the sandbox is to behave.
    """

    host: str = "127.0.0.1"
    #: 0 lets the system choose.
    port: int = 0
    #: What clients call the host.
    name: str = "127.0.0.1"
    timing: Timing = field(default_factory=Timing)
    opening_fen: int = 10_000_000_000
    fee_fen: int = 100
    #: How long every reply is held back, after its request was processed.
    latency: timedelta = timedelta(0)
    script: Script = NO_SCRIPT
    #: Keeps what was transmitted over restarts.
    record: Path | None = None


class Sandbox:
    """
    The gateway with its server and its notifier. Use it as a context manager.
    """

    def __init__(
        self, keys: Keys, options: Options | None = None, switches: Switches | None = None
    ) -> None:
        self.options = options or Options()
        self.switches = switches or Switches()
        timing = self.options.timing
        self.books = Books(
            timing,
            opening_fen=self.options.opening_fen,
            fee_fen=self.options.fee_fen,
            script=self.options.script,
            record=Record(self.options.record) if self.options.record else None,
        )
        self._keys = keys
        self._notifier = Notifier(self.books, self.switches, keys.sign_key)
        self._server = Server(
            (self.options.host, self.options.port),
            keys,
            Gateway(keys, self.books, self._notifier, self.switches),
            timing.hang.total_seconds(),
            self.options.latency.total_seconds(),
        )
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, name="sandbox"
        )

    @property
    def origin(self) -> str:
        """
        Scheme, host and port: under it lie `/npp10` and `/sandbox`.
        """
        return f"https://{self.options.name}:{self._server.port}"

    @property
    def url(self) -> str:
        """
        The address that a worker is to be given.
        """
        return f"{self.origin}/npp10"

    def start(self) -> None:
        """
        Serve; the port is open when this returns.
        """
        write_settings(self._keys, self.url)
        self._notifier.start()
        self._thread.start()
        log.info("the sandbox serves %s", self.url)

    def stop(self) -> None:
        """
        Stop serving, let go of whom it holds, and end.
        """
        self._server.stop()
        self._thread.join()
        self._notifier.stop()
        log.info("the sandbox has stopped")

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        fault: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()
