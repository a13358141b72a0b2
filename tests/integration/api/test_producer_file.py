"""
The file that applications copy, beside the product: what it seals is taken by either way.
"""

import json
import secrets
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask
from werkzeug.serving import make_server

from tests.contract.samples import MERCHANT, TERMS, VirtualClock
from tests.doubles.world import RecordingDispatcher
from tests.factories import a_job
from worker import producer
from worker.intake import key_files
from worker.intake.message import receive
from worker.intake.sealing import SealedJobs
from worker.payouts.acceptance import Accepted, Same, Withdrawn
from worker.payouts.person import Person
from worker.payouts.policy.controls import ReviewList
from worker.payouts.status import PayoutStatus
from worker.store.ledger import SqlLedger
from worker.usecases.accept import Acceptor
from worker.usecases.job_keys import KeyRegistrar
from worker.usecases.producers import Registrar
from worker.views import events as told

LoadKey = Callable[[str], producer.Producer]


@pytest.fixture
def load(ledger: SqlLedger, clock: VirtualClock, tmp_path: Path) -> LoadKey:
    """
    Make a key of a kind for the application `shop`, and load its file.
    """
    Registrar(ledger, "cli:mei").add("shop")
    at_work = KeyRegistrar(ledger, Person(1000, "mei"), secrets.token_bytes)

    def make(kind: str) -> producer.Producer:
        path = tmp_path / kind
        path.touch(0o600)
        if kind == "shared":
            text = key_files.shared(at_work.add_shared("shop"), MERCHANT, "sandbox")
        else:
            secret = secrets.token_bytes(32)
            key = at_work.add_signing("shop", key_files.public_half(secret))
            text = key_files.signing(key, secret, at_work.own(), MERCHANT, "sandbox")
        path.write_text(text)
        return producer.Producer.load(str(path), lambda: clock.now)

    return make


@pytest.fixture(params=["shared", "signed"])
def shop(load: LoadKey, request: pytest.FixtureRequest) -> producer.Producer:
    """
    An application with a key of each kind.
    """
    return load(request.param)


@pytest.fixture
def worker(accepting: Flask) -> Iterator[producer.OverHttp]:
    """
    The way to the process that accepts.
    """
    server = make_server("127.0.0.1", 0, accepting, threaded=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield producer.OverHttp(f"http://127.0.0.1:{server.port}")
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def acceptor(ledger: SqlLedger) -> Acceptor:
    """
    What takes entry messages.
    """
    return Acceptor(ledger, RecordingDispatcher(), TERMS, ReviewList(), SealedJobs())


def test_over_http_it_is_one_payout_and_withdrawn(
    shop: producer.Producer, worker: producer.OverHttp, ledger: SqlLedger
) -> None:
    """
    However often, under new seals; another job under its number is refused.
    """
    number = a_job()["out_trade_no"]
    first = worker.pay(shop.seal(a_job()))
    second = worker.pay(shop.seal(a_job()))
    with pytest.raises(producer.Refused) as refused:
        worker.pay(shop.seal(a_job(amount_fen=1)))
    withdrawn = worker.cancel(number, shop.seal_cancel(number, "ordered twice"))

    assert (first.is_new, second.is_new, refused.value.code) == (True, False, "number_reused")
    assert first.payout["out_trade_no"] == number
    assert withdrawn.payout["status"] == "cancelled"
    (payout,) = ledger.payouts(None, 10)
    assert (payout.producer, payout.status) == ("shop", PayoutStatus.CANCELLED)


def test_over_the_queue_it_is_one_payout_and_withdrawn(
    shop: producer.Producer, acceptor: Acceptor, ledger: SqlLedger
) -> None:
    """
    A cancellation comes by the same message.
    """
    number = a_job()["out_trade_no"]

    assert isinstance(receive(acceptor, {"job": shop.seal(a_job())}), Accepted)
    assert isinstance(receive(acceptor, {"job": shop.seal(a_job())}), Same)
    assert isinstance(receive(acceptor, {"job": shop.seal_cancel(number, "twice")}), Withdrawn)


def test_a_spool_over_the_queue_hears_what_became_of_its_jobs(
    load: LoadKey, acceptor: Acceptor, ledger: SqlLedger, tmp_path: Path
) -> None:
    """
    By the events that the ledger writes, for the one that is taken and for the one that is not.
    """
    spool = producer.Spool(str(tmp_path / "jobs.sqlite"), load("shared"))
    good, wrong = a_job(), a_job(out_trade_no="WRONG0001", amount_fen=0)
    for job in (good, wrong):
        spool.put(job)

    def pay(sealed: str) -> None:
        receive(acceptor, {"job": sealed})

    spool.send(pay)
    ledger.announce(10)
    for event in ledger.events(10, producer="shop"):
        spool.hear(json.loads(told.body(event)))

    found = spool.answers()
    assert found[good["out_trade_no"]] == "accepted"
    assert str(found["WRONG0001"]).startswith("refused: invalid, amount_fen: ")


def test_a_key_that_counts_no_more_is_neither_yes_nor_no(
    load: LoadKey, worker: producer.OverHttp, ledger: SqlLedger, clock: VirtualClock, tmp_path: Path
) -> None:
    """
    The job is kept, and taken once it is sealed with another.
    """
    retired = load("shared")
    spool = producer.Spool(str(tmp_path / "jobs.sqlite"), retired)
    spool.put(a_job())
    ledger.retire_job_key(retired.kid, "cli:mei", "lost")
    with pytest.raises(producer.Undecided, match="403"):
        spool.send(worker.pay)
    (tmp_path / "shared").unlink()
    clock.now += timedelta(minutes=1)
    producer.Spool(str(tmp_path / "jobs.sqlite"), load("shared")).send(worker.pay)

    assert set(spool.answers().values()) == {"accepted"}
