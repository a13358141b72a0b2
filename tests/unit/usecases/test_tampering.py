"""
Someone writes to the database, and holds no key: nothing goes out that no producer asked for.
"""

import contextlib
from dataclasses import replace
from datetime import datetime

import pytest
import sqlalchemy as sa

from tests.contract.samples import PAYEE, accept
from tests.doubles.usecases import UseCases
from tests.doubles.world import Clock, RecordingDispatcher, ScriptedGateway
from tests.factories import TERMS, a_trade, an_order
from worker.payouts.evidence import TradeStatus
from worker.payouts.model import CaseKind, Order, Terms
from worker.store.ledger import SqlLedger
from worker.store.tables import payouts
from worker.store.types import Sealed
from worker.usecases.evidence import EvidenceHandler

ORDERS = [
    an_order("P-1", amount_fen=100, payee=PAYEE),
    an_order("P-2", amount_fen=900_000, payee=replace(PAYEE, account_no="6222020000000000000")),
]
#: What a bank would do for either.
WANTED = [f"P-1: 100 fen to {PAYEE.account_no}", "P-2: 900000 fen to 6222020000000000000"]

SEALED = [column.name for column in payouts.c if isinstance(column.type, Sealed)]
#: What acceptance fixed, and where a change of it must be seen. The gateway is checked where it is
#: called.
FIXED = [
    *("profile", "notify_url", "out_trade_no", "amount_fen", "currency", "obligation"),
    *("producer", "send_before", "sealed_payee", "sealed_order"),
]


class Bank(ScriptedGateway):
    """
    Keeps what would be paid to whom.
    """

    def render(self, order: Order, _terms: Terms, _requested_at: datetime) -> str:
        """
        Number, amount and payee.
        """
        return f"{order.out_trade_no}: {order.amount_fen} fen to {order.payee.account_no}"


@pytest.fixture
def bank() -> Bank:
    """
    It takes everything.
    """
    taken = [a_trade(TradeStatus.ACSU, number="P-2", amount_fen=900_000) for _ in range(4)]
    return Bank(replies=[*taken])


@pytest.fixture
def sending(
    handler: EvidenceHandler, bank: Bank, dispatcher: RecordingDispatcher, clock: Clock
) -> UseCases:
    """
    What sends to it.
    """
    return UseCases(handler, bank, dispatcher, TERMS, steady=clock.steady)


def send_all(sending: UseCases) -> None:
    """
    All that is due goes out.
    """
    more: float | None = 0.0
    while more is not None:
        taken = sending.sender.take(50)
        for work in taken.works:
            work()
        more = taken.more_after


def swap(ledger: SqlLedger, name: str) -> None:
    """
    Exchange a column of the two payouts; where both have the same, write something else into one.
    """
    column, row = payouts.c[name], sa.update(payouts)
    with ledger._engine.begin() as conn:
        first, second = conn.execute(sa.select(payouts.c.id, column).order_by(payouts.c.id)).all()
        own, others = row.where(payouts.c.id == first.id), row.where(payouts.c.id == second.id)
        if first[1] == second[1]:
            conn.execute(own.values({name: _another(first[1])}))
            return
        conn.execute(own.values({name: _another(first[1])}))  # two never have the same number
        conn.execute(others.values({name: first[1]}))
        conn.execute(own.values({name: second[1]}))


def _another(value: object) -> object:
    match value:
        case bool():
            return not value
        case int():
            return 77
        case bytes():
            return b"another"
        case str():
            return "another"
        case _:
            return datetime.fromisoformat("2030-01-01T00:00:00Z")


@pytest.mark.parametrize("name", [column.name for column in payouts.c if column.name != "id"])
def test_no_column_makes_anything_else_go_out(
    ledger: SqlLedger, sending: UseCases, bank: Bank, name: str
) -> None:
    """
    Whatever is exchanged between two payouts: what is sent, is sent once, and is what was wanted.
    """
    for order in ORDERS:
        accept(ledger, order, TERMS)
    with contextlib.suppress(sa.exc.IntegrityError, sa.exc.StatementError, LookupError):
        swap(ledger, name)
    with contextlib.suppress(LookupError):  # a status that is none stops its reader
        send_all(sending)

    assert set(bank.sent) <= set(WANTED)
    assert len(bank.sent) == len(set(bank.sent))


@pytest.mark.parametrize("name", FIXED)
def test_what_acceptance_fixed_is_not_sent_otherwise(
    ledger: SqlLedger, sending: UseCases, bank: Bank, name: str
) -> None:
    """
    A payout that is not what it was gets a case, as often as it is tried, and is not sent.
    """
    ids = [accept(ledger, order, TERMS) for order in ORDERS]
    swap(ledger, name)

    send_all(sending)

    cases = ledger.cases(open_only=True, limit=9)
    assert {case.kind for case in cases} == {CaseKind.TAMPERED}
    touched = {case.payout_id for case in cases}
    assert touched == {*ids} or touched == {ids[0]}
    assert set(bank.sent) == {
        w for w, payout_id in zip(WANTED, ids, strict=True) if payout_id not in touched
    }


def test_all_that_is_sealed_is_tried_here() -> None:
    """
    But for the request, which is there after the first claim only.
    """
    assert {*SEALED} - {*FIXED} == {"sealed_request"}


def test_a_request_that_is_anothers_is_not_sent(
    ledger: SqlLedger, sending: UseCases, bank: Bank
) -> None:
    """
    It was written by the first claim, whose connection was never made, and is exchanged since.
    """
    for order in ORDERS:
        accept(ledger, order, TERMS)
    claimed = sending.sender.take(50)
    assert len(claimed.works) == 2
    with ledger._engine.begin() as conn:
        conn.execute(
            sa.text(
                "UPDATE payouts SET status = 'queued', exposed = 0, lease_token = NULL,"
                " lease_until = NULL, next_send_at = accepted_at"
            )
        )
        conn.execute(sa.text("DELETE FROM attempts"))
    swap(ledger, "sealed_request")

    send_all(sending)

    assert bank.sent == []
    kinds = [case.kind for case in ledger.cases(open_only=True, limit=9)]
    assert kinds == [CaseKind.TAMPERED] * 2
