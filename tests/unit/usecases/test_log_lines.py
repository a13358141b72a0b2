"""
Log lines name a payout by its order number: the id alone says nothing to whoever is called.
"""

import logging
from dataclasses import replace

import pytest

from tests.doubles.usecases import UseCases, an_upkeep
from tests.doubles.world import Clock, RecordingDispatcher, ScriptedGateway
from tests.factories import MERCHANT, TERMS, a_trade, an_answer, an_order
from worker.intake import jobs
from worker.payouts.errors import MaybeSent
from worker.payouts.evidence import TradeStatus
from worker.payouts.limits import Limits
from worker.store.ledger import SqlLedger
from worker.usecases.evidence import EvidenceHandler


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    """
    Every record of ours, of any level.
    """
    caplog.set_level(logging.DEBUG, "jdpay_payouts")
    return caplog


def ours(log: pytest.LogCaptureFixture) -> dict[str, list[str | None]]:
    """
    The numbers that each of our messages came with; None where a record names no payout.
    """
    found: dict[str, list[str | None]] = {}
    for record in log.records:
        if record.name.startswith("jdpay_payouts"):
            found.setdefault(record.message, []).append(getattr(record, "out_trade_no", None))
    return found


def test_whatever_is_about_a_payout_names_its_number(
    service: UseCases,
    ledger: SqlLedger,
    gateway: ScriptedGateway,
    clock: Clock,
    log: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """
    A whole life with all its troubles: each line that has an id has the number too.
    """
    gateway.replies = [MaybeSent("read_timeout")]
    gateway.answers = [MaybeSent("read_timeout")]
    handler = EvidenceHandler(ledger, MERCHANT, Limits(), "test")
    service.accept(an_order("PAYOUT-1"))
    payout = ledger.find(MERCHANT, "PAYOUT-1")
    assert payout is not None
    service.submit(payout.id)
    service.query(payout.id)
    clock.advance(hours=3)
    an_upkeep(handler, ledger).run()
    stranger = EvidenceHandler(ledger, "360080000000000002", Limits(), "stranger")
    UseCases(stranger, gateway, RecordingDispatcher(), TERMS).query(payout.id)
    with monkeypatch.context() as broken:
        broken.setattr("worker.usecases.evidence.derive_update", lambda *_: 1 / 0)
        handler.apply_all([payout.id])

    told = ours(log)

    assert told.pop("checkpoint") == [None]  # it is about all of them
    assert {
        "payout accepted",
        "attempt closed",
        "payout moved",
        "no answer to a query",
        "overdue",
        "another merchant's payout: no keys for it",
        "passed over by the sweep",
    } == set(told)
    assert {number for numbers in told.values() for number in numbers} == {"PAYOUT-1"}


def test_what_is_no_payout_yet_names_its_number_too(
    service: UseCases, handler: EvidenceHandler, log: pytest.LogCaptureFixture
) -> None:
    """
    A rejected job, and a notification about a number that we do not have.
    """
    service.reject(jobs.rejection({"out_trade_no": "ORDER001"}, "invalid", (), "unsealed"))
    handler.notify(replace(an_answer(number="ORDER404"), raw=b"x"))
    handler.notify(a_trade(TradeStatus.FINI, number="ORDER405"))

    assert ours(log) == {
        "job rejected": ["ORDER001"],
        "notification about an unknown number": ["ORDER404", "ORDER405"],
    }
