"""
What someone can do who writes to the database and holds no key: what is sealed opens nowhere else.

All sealed columns are found in the tables, so that a new one is tried without a word here.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa

from tests.contract.samples import (
    KEYRING,
    PAYEE,
    VirtualClock,
    a_verified_answer,
    applied,
    close_attempt,
    migrated,
)
from tests.factories import TERMS, a_claimant, an_order
from tests.servers import Databases
from worker.payouts.acceptance import Entry
from worker.payouts.endpoint import EndpointKind
from worker.payouts.errors import BrokenSeal, SealError
from worker.payouts.job_keys import KeyKind
from worker.payouts.model import AttemptOutcome
from worker.payouts.person import Person
from worker.payouts.policy.actions import Action, Decision
from worker.payouts.proposal import End
from worker.payouts.sealed_job import Proof
from worker.payouts.status import PayoutStatus
from worker.store.engine import create_engine
from worker.store.keyring import Keyring
from worker.store.keys import SEALED, ensure_keyring, with_its_payout
from worker.store.ledger import SqlLedger
from worker.store.metadata import metadata
from worker.store.people_tables import proposals
from worker.store.seals import Row, Seals
from worker.store.tables import installation, payouts
from worker.store.types import Sealed
from worker.store.writes import insert_new
from worker.usecases.controls import Controller

Bytes = sa.Column[bytes]

COLUMNS: list[Bytes] = [
    column
    for table in metadata.sorted_tables
    for column in table.c
    if isinstance(column.type, Sealed)
]
#: Each sealed column, and the name of each one that it is bound to.
BOUND = [
    pytest.param(column, name, id=f"{column}-{name}")
    for column in COLUMNS
    if isinstance(column.type, Sealed)
    for name in (*column.type.bound_to, *column.type.and_to, *column.type.named)
]


def each(columns: list[Bytes]) -> pytest.MarkDecorator:
    """
    A test for each of some columns, by its full name.
    """
    return pytest.mark.parametrize("column", columns, ids=str)


@pytest.fixture
def engine(databases: Databases, clock: VirtualClock) -> Iterator[sa.Engine]:
    """
    A database whose sealed columns are all filled, in two rows of each table that can have two.
    """
    engine = create_engine(databases.prepared(migrated))
    fill(engine, clock)
    yield engine
    engine.dispose()


@pytest.fixture
def seals(engine: sa.Engine, clock: VirtualClock) -> Seals:
    """
    What opens them in their places.
    """
    return SqlLedger(engine, KEYRING, clock.told).seals


def fill(
    engine: sa.Engine, clock: VirtualClock, keyring: Keyring = KEYRING, *, with_keys: bool = True
) -> None:
    """
    Two payouts, sent, told of, refused and mended; two webhooks, two limits.

    With keys for jobs, each came sealed with another, and its producer is limited then.
    """
    ensure_keyring(engine, keyring, clock.told)
    ledger = SqlLedger(engine, keyring, clock.told)
    for number in ("P-1", "P-2"):
        order = an_order(
            number,
            payee=replace(PAYEE, account_name=f"payee of {number}"),
            subject=f"subject of {number}",
            send_before=clock.now + timedelta(days=1),
        )
        proof = _proof(ledger, number) if with_keys else None
        (payout_id,) = ledger.accept([Entry(order, proof=proof)], TERMS)
        assert payout_id is not None
        payout = ledger.dossier(payout_id).payout
        (claim,) = ledger.claim([payout.id], a_claimant(f"request of {number}")).claims
        told = a_verified_answer(
            number=number, raw=number.encode(), refund_fen=5, reason_code="X", traded_at=clock.now
        )
        close_attempt(ledger, claim.attempt, AttemptOutcome.ANSWERED, "0000", told)
        applied(ledger, payout.id, status=PayoutStatus.REFUSED)
        mended = Decision(Action.RESEND, "mei", "mended", request=f"other request of {number}")
        ledger.carry_out(ledger.dossier(payout.id), mended)
        url = f"https://shop.example/{number}"
        made = ledger.add_endpoint("shop", EndpointKind.WEBHOOK, url, [], key=f"key of {number}")
        ledger.rotate_key(made, f"newer key of {number}", timedelta(days=1))
        _propose(ledger, payout.id, clock.now)
        if with_keys:
            limits: dict[str, int | None] = {"day_fen": 1}
            Controller(ledger, Person(1001, "mei")).limit(number.lower(), limits, "agreed")
        ledger.note_checkpoint(timedelta(0))


def _proof(ledger: SqlLedger, number: str) -> Proof:
    """
    What the ledger keeps without looking at it.
    """
    producer = number.lower()
    ledger.add_producer(producer, "mei")
    key = ledger.add_job_key(producer, KeyKind.SHARED, number.encode() * 8, Person(1001, "mei"))
    return Proof(f"sealed job of {number}", key)


def _propose(ledger: SqlLedger, payout_id: int, now: datetime) -> None:
    """
    What somebody proposes of a payout; no rule is asked whether it is time.
    """
    dossier = ledger.dossier(payout_id)
    columns = {
        "payout_id": payout_id,
        "ended_as": End.PAID,
        "returned_fen": 0,
        "why": "JD wrote",
        "reference": f"SLIP-{payout_id}",
        "proposed_uid": 1001,
        "proposed_name": "mei",
        "proposed_login_uid": 1001,
        "proposed_at": now,
        "unchecked": True,
    }
    with ledger._transaction() as conn:
        made = insert_new(conn, proposals, **columns)
        assert made is not None
        ledger._change(conn, dossier, made, voided_why="another was proposed", voided_at=now)


def rows_of(engine: sa.Engine, table: sa.Table) -> list[Row]:
    """
    A table's rows, oldest first, each with what its seals are bound to.
    """
    with engine.begin() as conn:
        found = with_its_payout(table) if table in SEALED else sa.select(table)
        return [dict(row) for row in conn.execute(found).mappings()]


@each(COLUMNS)
def test_each_sealed_column_is_filled_and_opens(
    engine: sa.Engine, seals: Seals, column: Bytes
) -> None:
    """
    In its own place, with a content of its own in each row: what follows would prove nothing else.

    What vouches for a row has none, or hardly any.
    """
    rows = rows_of(engine, column.table)
    contents = [seals.open(column, row) for row in rows]

    assert len(rows) == (1 if column.table.name == "installation" else 2)
    # A seal that vouches has no content, and neither has what denies nobody.
    empty = column.name == "seal" or column.table.name == "control_changes"
    assert len({*contents}) == len(rows) or empty


@each(COLUMNS)
def test_what_is_moved_from_anywhere_does_not_open(
    engine: sa.Engine, seals: Seals, column: Bytes
) -> None:
    """
    Not what any column of any row of any table holds, but the place's own.
    """
    tried = 0
    for other in COLUMNS:
        for place, row in enumerate(rows_of(engine, column.table)):
            for elsewhere, found in enumerate(rows_of(engine, other.table)):
                if (other, elsewhere) == (column, place):
                    continue
                with pytest.raises(BrokenSeal):
                    seals.open(column, {**row, column.name: found[other.name]})
                tried += 1
    assert tried >= len(COLUMNS) - 1


@pytest.mark.parametrize(("column", "name"), BOUND)
def test_beside_another_value_it_does_not_open(
    engine: sa.Engine, seals: Seals, column: Bytes, name: str
) -> None:
    """
    Whatever it is bound to: another value there, that of another row, or none at all.
    """
    for row in rows_of(engine, column.table):
        for value in {"other", 7, None} - {row[name]}:
            with pytest.raises(BrokenSeal):
                seals.open(column, {**row, name: value})


#: What a producer asked for, by the design's own list, but for what no row says in the open.
FIXED = {
    *("customer_no", "out_trade_no", "amount_fen", "currency", "obligation", "producer"),
    *("profile", "notify_url", "send_before"),
}


def test_what_acceptance_fixed_is_beside_the_payee(engine: sa.Engine, seals: Seals) -> None:
    """
    Each of it, by name: a payee opens beside no other number, amount or debt.
    """
    column = payouts.c.sealed_payee
    (row, _) = rows_of(engine, payouts)

    for name in FIXED:
        with pytest.raises(BrokenSeal):
            seals.open(column, {**row, name: "another"})


@each(COLUMNS)
def test_changed_or_cut_it_does_not_open(engine: sa.Engine, seals: Seals, column: Bytes) -> None:
    """
    In its version, its key's name, its nonce, its content or its tag.
    """
    (row, *_) = rows_of(engine, column.table)
    sealed = row[column.name]
    regions = (0, 1, 4, 5, 16, 17, len(sealed) - 17, len(sealed) - 16, len(sealed) - 1)
    changed = [sealed[:n] + bytes([sealed[n] ^ 0x80]) + sealed[n + 1 :] for n in regions]
    cut = [sealed[:n] for n in (0, *regions)]

    for one in (*changed, *cut, sealed + b"\0"):
        with pytest.raises(SealError):
            seals.open(column, {**row, column.name: one})


@pytest.mark.parametrize("databases", ["sqlite"], indirect=True)
@each(COLUMNS)
def test_a_whole_row_of_another_installation_does_not_open(
    engine: sa.Engine, seals: Seals, clock: VirtualClock, databases: Databases, column: Bytes
) -> None:
    """
    Under the same keyring, and although it is like ours in all that it is bound to.
    """
    other = create_engine(databases.prepared(migrated))
    with other.begin() as conn:  # tests' databases are copies of one
        conn.execute(sa.update(installation).values(seals_uid="another"))
    fill(other, clock)
    (theirs, *_) = rows_of(other, column.table)
    other.dispose()

    with pytest.raises(BrokenSeal):
        seals.open(column, theirs)


@each(COLUMNS)
def test_an_older_content_of_the_same_place_is_about_the_same(
    engine: sa.Engine, seals: Seals, column: Bytes
) -> None:
    """
    No seal can prevent that it is put back: it says what it said of the same row, and no other.
    """
    for row in rows_of(engine, column.table):
        older = seals.seal(column, row, "what it said before")

        assert seals.open(column, {**row, column.name: older}) == b"what it said before"
