"""
All operations of the HTTP API on one socket, over an empty database, with two producers.
"""

import contextlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from werkzeug.serving import WSGIRequestHandler, make_server

from tests.contract.samples import KEYRING, MERCHANT, TERMS, migrated
from tests.doubles.world import RecordingDispatcher
from worker.intake.sealing import SealedJobs
from worker.payouts.policy.controls import ReviewList
from worker.payouts.producers import Scope
from worker.store.engine import create_engine
from worker.store.ledger import SqlLedger
from worker.usecases.accept import Acceptor
from worker.usecases.own_payouts import OwnPayouts
from worker.usecases.producers import Registrar
from worker.web.api.accept import AcceptApi
from worker.web.api.app import build
from worker.web.api.read import ReadApi

#: As a relay does.
_ANNOUNCE_EVERY_S = 0.1
_TOGETHER = 500


class _Quiet(WSGIRequestHandler):
    def log_request(self, *_: object) -> None:
        """
        Write no line for each request.
        """


@dataclass(frozen=True)
class Tokens:
    """
    A producer, and its tokens.
    """

    name: str
    accept: str
    read: str


@dataclass(frozen=True)
class Service:
    """
    Where it is, and whom it knows.
    """

    url: str
    producers: tuple[Tokens, Tokens]
    ledger: SqlLedger


@contextlib.contextmanager
def serving(directory: Path, own_payouts: type[OwnPayouts] = OwnPayouts) -> Iterator[Service]:
    """
    Serve until left, by these rules of what is whose.
    """
    url = f"sqlite:///{directory}/payouts.sqlite"
    migrated(url)
    engine = create_engine(url)
    ledger = SqlLedger(engine, KEYRING)
    own = own_payouts(ledger, MERCHANT)
    acceptor = Acceptor(ledger, RecordingDispatcher(), TERMS, ReviewList(), SealedJobs())
    accept = AcceptApi(acceptor, own)
    app = build(ledger, {**accept.handlers, **ReadApi(own).handlers}, ledger.check_writable)
    is_over = threading.Event()

    def announce() -> None:
        while not is_over.wait(_ANNOUNCE_EVERY_S):
            ledger.announce(_TOGETHER)

    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=_Quiet)
    serving = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    relaying = threading.Thread(target=announce)
    for thread in (serving, relaying):
        thread.start()
    try:
        first, second = (_producer(ledger, name) for name in ("shop", "payroll"))
        yield Service(f"http://127.0.0.1:{server.port}", (first, second), ledger)
    finally:
        server.shutdown()
        is_over.set()
        for thread in (serving, relaying):
            thread.join()
        server.server_close()
        engine.dispose()


def _producer(ledger: SqlLedger, name: str) -> Tokens:
    registrar = Registrar(ledger, "cli:mei")
    registrar.add(name)
    accept, read = (registrar.issue(name, scope, "")[1] for scope in (Scope.ACCEPT, Scope.READ))
    return Tokens(name, accept, read)
