"""
Someone writes to the database, and holds no key: nothing goes out that no producer asked for.
"""

import contextlib
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest
import sqlalchemy as sa
from cryptography.fernet import Fernet

from tests.contract.samples import PAYEE, a_verified_answer, accept, record
from tests.doubles.owner import take_fences_away
from tests.doubles.usecases import UseCases
from tests.doubles.world import Clock, RecordingDispatcher, ScriptedGateway
from tests.factories import TERMS, a_bare, a_trade, an_order
from worker.payouts.errors import MaybeSent, NotAllowed
from worker.payouts.evidence import Meaning, Source, TradeStatus
from worker.payouts.model import CaseKind, Order, Terms
from worker.payouts.policy.actions import Action, decide
from worker.payouts.status import PayoutStatus
from worker.store.ledger import SqlLedger
from worker.store.tables import evidence, payouts
from worker.store.types import Sealed, UtcDateTime
from worker.usecases.evidence import EvidenceHandler
from worker.usecases.operate import Operator

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
        take_fences_away(conn)
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
    But for the request, which is there after the first claim only, and what vouches for the row.

    What producers sealed is exchanged where there is some: in `test_sealed_jobs`.
    """
    assert {*SEALED} - {*FIXED} == {"sealed_request", "sealed_job", "seal"}


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
        take_fences_away(conn)
        conn.execute(sa.text("DELETE FROM attempts"))
    swap(ledger, "sealed_request")

    send_all(sending)

    assert bank.sent == []
    kinds = [case.kind for case in ledger.cases(open_only=True, limit=9)]
    assert kinds == [CaseKind.TAMPERED] * 2


# --- what JD told

#: Columns of a message that nothing is decided by, or whose change only has it judged once more.
INDIFFERENT = {"id", "applied_at", "payout_id"}


def asked(ledger: SqlLedger, payout_id: int, clock: Clock, **changes: Any) -> None:
    """
    JD answers a question that is asked now.
    """
    payout = ledger.dossier(payout_id).payout
    record(ledger, payout, Source.QUERY, a_verified_answer(**changes), asked_at=clock.now)


def denied_twice(ledger: SqlLedger, sending: UseCases, bank: Bank, clock: Clock) -> int:
    """
    A payout whose only request was lost, and of which JD says twice that it has none.
    """
    bank.replies = [MaybeSent("timeout")]
    payout_id = accept(ledger, ORDERS[0], TERMS)
    assert payout_id is not None
    send_all(sending)
    for _ in range(2):
        clock.advance(minutes=20)
        absent = {"meaning": Meaning.NOT_FOUND, "code": "TRADE_NOT_EXIST", "amount_fen": None}
        nothing = {"trade_status": None, "trade_no": None, "currency": None}
        asked(ledger, payout_id, clock, **absent, **nothing)
    return payout_id


def write(ledger: SqlLedger, statement: str) -> None:
    """
    Write to the database beside us.
    """
    with ledger._engine.begin() as conn:
        take_fences_away(conn)
        assert conn.execute(sa.text(statement)).rowcount > 0


def judged(handler: EvidenceHandler, ledger: SqlLedger, payout_id: int) -> list[CaseKind]:
    """
    The cases that are open once everything was judged.
    """
    handler.apply(payout_id)
    return sorted(case.kind for case in ledger.dossier(payout_id).open_cases)


def test_what_was_denied_twice_is_sent_again(
    ledger: SqlLedger, sending: UseCases, bank: Bank, clock: Clock, handler: EvidenceHandler
) -> None:
    """
    As the rule for sending again has it: what follows would prove nothing otherwise.
    """
    payout_id = denied_twice(ledger, sending, bank, clock)
    assert judged(handler, ledger, payout_id) == []
    bank.replies = [a_trade(TradeStatus.ACSU, number="P-1", amount_fen=100)]

    send_all(sending)

    assert bank.sent == [WANTED[0]] * 2


@pytest.mark.parametrize("column", [c for c in evidence.c if c.name not in INDIFFERENT], ids=str)
def test_a_message_that_was_changed_proves_nothing(
    ledger: SqlLedger,
    sending: UseCases,
    bank: Bank,
    clock: Clock,
    handler: EvidenceHandler,
    column: sa.Column[object],
) -> None:
    """
    Whichever column of it: nothing is sent on it, and a case names it.
    """
    payout_id = denied_twice(ledger, sending, bank, clock)
    with ledger._engine.begin() as conn:
        take_fences_away(conn)
        last = conn.scalar(sa.select(sa.func.max(evidence.c.id)))
        own = sa.update(evidence).where(evidence.c.id == last)
        was = conn.scalar(sa.select(column).where(evidence.c.id == last))
        conn.execute(own.values({column.name: _unlike(column, was)}))

    assert judged(handler, ledger, payout_id) == [CaseKind.TAMPERED]
    send_all(sending)

    assert bank.sent == [WANTED[0]]
    (case,) = ledger.dossier(payout_id).open_cases
    assert case.evidence_id == last


def _unlike(column: sa.Column[object], was: object) -> object:
    """
    Another value that the column may have.
    """
    if isinstance(column.type, sa.Enum):
        return next(value for value in column.type.python_type if value != was)
    if isinstance(column.type, sa.Integer | sa.BigInteger) or column.name == "attempt_id":
        return 1
    if was is None and not isinstance(column.type, UtcDateTime):
        return "another"
    return _another(was)


@pytest.mark.parametrize("seal", ["copied", "junk", "unknown key", "fernet"])
def test_a_message_that_nobody_stored_proves_nothing(
    ledger: SqlLedger,
    sending: UseCases,
    bank: Bank,
    clock: Clock,
    handler: EvidenceHandler,
    seal: str,
) -> None:
    """
    That JD has paid, put beside what it told: the status stays, and a case opens.
    """
    payout_id = denied_twice(ledger, sending, bank, clock)
    values = {
        "junk": b"junk",
        "unknown key": b"\x01\x00\x00\x00\x00" + bytes(40),
        "fernet": Fernet(Fernet.generate_key()).encrypt(b"{}"),
    }
    with ledger._engine.begin() as conn:
        row = dict(conn.execute(sa.select(evidence)).mappings().first() or {})
        del row["id"]
        told = {"meaning": Meaning.PROCESSED, "trade_status": TradeStatus.FINI, "amount_fen": 100}
        row |= {**told, "currency": "CNY", "applied_at": None, "trade_no": "JD-9"}
        row["sealed_raw"] = values.get(seal, row["sealed_raw"])
        conn.execute(sa.insert(evidence).values(row))

    assert CaseKind.TAMPERED in judged(handler, ledger, payout_id)
    assert ledger.dossier(payout_id).payout.status is PayoutStatus.UNKNOWN


def test_what_is_paid_stays_so_though_its_proof_was_changed(
    ledger: SqlLedger, sending: UseCases, bank: Bank, handler: EvidenceHandler
) -> None:
    """
    Its status does not fall, its debt is not free, and a person is told.
    """
    bank.replies = [a_trade(TradeStatus.FINI, number="P-1", amount_fen=100)]
    payout_id = accept(ledger, ORDERS[0], TERMS)
    assert payout_id is not None
    send_all(sending)
    write(ledger, "UPDATE evidence SET trade_status = 'CLOS'")

    assert judged(handler, ledger, payout_id) == [CaseKind.TAMPERED]

    dossier = ledger.dossier(payout_id)
    assert dossier.payout.status is PayoutStatus.PAID
    with pytest.raises(NotAllowed):
        decide(Action.RELEASE, dossier, "mei", "it was closed")


def test_a_queued_payout_with_a_changed_message_is_not_sent(
    ledger: SqlLedger, sending: UseCases, bank: Bank, handler: EvidenceHandler
) -> None:
    """
    Though nothing of it was judged since: the claim itself looks, as often as it is tried.
    """
    bank.replies = [
        a_bare(Meaning.REQUEST),
        a_trade(TradeStatus.ACSU, number="P-1", amount_fen=100),
    ]
    payout_id = accept(ledger, ORDERS[0], TERMS)
    assert payout_id is not None
    send_all(sending)
    Operator(ledger, "mei").act(Action.RESEND, payout_id, "mended")
    write(ledger, "UPDATE evidence SET code = 'another'")

    send_all(sending)

    assert bank.sent == [WANTED[0]]
    assert [case.kind for case in ledger.dossier(payout_id).open_cases] == [CaseKind.TAMPERED]


def test_a_payout_whose_refusal_was_changed_may_have_been_sent(
    ledger: SqlLedger, sending: UseCases, bank: Bank, handler: EvidenceHandler
) -> None:
    """
    It was to be sent again, since JD had refused it: nobody knows that any more.
    """
    bank.replies = [a_bare(Meaning.REQUEST)]
    payout_id = accept(ledger, ORDERS[0], TERMS)
    assert payout_id is not None
    send_all(sending)
    Operator(ledger, "mei").act(Action.RESEND, payout_id, "mended")
    write(ledger, "UPDATE evidence SET code = 'another'")

    assert judged(handler, ledger, payout_id) == [CaseKind.TAMPERED]

    payout = ledger.dossier(payout_id).payout
    assert (payout.status, payout.exposed) == (PayoutStatus.REFUSED, True)
