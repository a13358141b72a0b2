"""
Many requests in flight: they keep nobody else waiting, and are not cut off by an orderly stop.
"""

import contextlib
import signal
import socket
from dataclasses import replace

import requests

from tests.acceptance.conftest import PATIENCE, a_stack
from tests.waiting import until
from worker.demo.stack import Stack
from worker.demo.story import Actor, cast, enqueue
from worker.payouts.model import AttemptOutcome
from worker.payouts.status import PayoutStatus
from worker.store.ledger import SqlLedger

#: More than a pool of processes would have had places for.
MANY = 12

#: So many connections hang in each of two ways.
SILENT = 50

#: Long enough for all of them to hang at once.
PATIENT = {"PAYOUTS_HTTP_DEADLINE": "30s", "PAYOUTS_LEASE_MARGIN": "10s"}


def several(scenario: str, count: int) -> list[Actor]:
    """
    So many payouts of one scenario.
    """
    one = next(actor for actor in cast() if actor.scenario.name == scenario)
    return [replace(one, out_trade_no=f"{one.out_trade_no}{place:03}") for place in range(count)]


def statuses(stack: Stack, ledger: SqlLedger, actors: list[Actor]) -> list[PayoutStatus | None]:
    """
    Where payouts are; None for one that is not accepted yet.
    """
    merchant = stack.environment["PAYOUTS_CUSTOMER_NO"]
    found = [ledger.find(merchant, actor.out_trade_no) for actor in actors]
    return [None if payout is None else payout.status for payout in found]


def test_replies_that_hang_keep_nobody_waiting() -> None:
    """
    While a dozen replies hang, another job is accepted, sent, asked about and paid.
    """
    hanging, quick = several("read_timeout_unbooked", MANY), several("paid_later", 1)
    with a_stack(settings=PATIENT, sandbox=("--hang", "60s")) as (stack, ledger):
        enqueue(stack.broker.url, hanging)
        until(
            lambda: (
                set(statuses(stack, ledger, hanging)) == {PayoutStatus.SENDING}
                and len(stack.books()["orders"]) >= MANY
            ),
            PATIENCE,
        )
        enqueue(stack.broker.url, quick)
        until(lambda: statuses(stack, ledger, quick) == [PayoutStatus.PAID], PATIENCE)

        assert set(statuses(stack, ledger, hanging)) == {PayoutStatus.SENDING}


def test_connections_that_say_nothing_keep_no_notification_waiting() -> None:
    """
    Fifty silent connections and fifty half-sent requests, and the receiver answers at once.
    """
    with contextlib.ExitStack() as connections, a_stack() as (stack, _):
        host, _, port = stack.receiver_url.removeprefix("http://").rpartition(":")
        for place in range(2 * SILENT):
            silent = connections.enter_context(socket.create_connection((host, int(port))))
            if place % 2:
                silent.sendall(b"POST /jdpay/notify HTTP/1.1\r\nHost: us\r\nContent-Le")

        answer = requests.get(f"{stack.receiver_url}/health", timeout=10)

        assert answer.status_code == 200


def test_a_stop_lets_what_is_on_the_wire_end() -> None:
    """
    TERM while requests wait for their answers: they are answered, and the rest is never sent.
    """
    actors = several("paid_at_once", MANY)
    with a_stack(settings=PATIENT, sandbox=("--latency", "4s")) as (stack, ledger):
        merchant = stack.environment["PAYOUTS_CUSTOMER_NO"]
        enqueue(stack.broker.url, actors)
        until(lambda: PayoutStatus.SENDING in statuses(stack, ledger, actors), PATIENCE)
        sender = stack.children.pop("sender")

        sender.send(signal.SIGTERM)
        before = statuses(stack, ledger, actors)
        until(lambda: not sender.is_alive(), PATIENCE)

        after = statuses(stack, ledger, actors)
        found = [ledger.find(merchant, actor.out_trade_no) for actor in actors]
        attempts = [one for row in found if row for one in ledger.dossier(row.id).attempts]
    was_sending = {now for then, now in zip(before, after, strict=True) if then == "sending"}
    assert (sender.exit_code, was_sending) == (0, {PayoutStatus.PAID})
    assert set(after) <= {PayoutStatus.PAID, PayoutStatus.QUEUED, None}
    assert {attempt.outcome for attempt in attempts} == {AttemptOutcome.ANSWERED}
