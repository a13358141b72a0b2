"""
What became of a payout: whoever changes its records is told of by the audit, with its number.
"""

from typing import Any

import pytest
import sqlalchemy as sa

from tests.tampering.attacker import Attacker, others
from tests.tampering.conftest import Begun
from tests.tampering.world import World
from worker.payouts.errors import StoreFault
from worker.payouts.invariants import Invariant
from worker.payouts.limits import Limits
from worker.payouts.status import PayoutStatus
from worker.store.tables import decisions, transitions
from worker.usecases.audit import Auditor, ToldCheckpoint

_OWN = "payout_id = (SELECT id FROM payouts WHERE out_trade_no = 'DECIDED')"
COLUMNS = [column for table in (transitions, decisions) for column in table.c]


def altered(world: World) -> set[str]:
    """
    The numbers of which the audit says that something is not what was written.
    """
    breaches = Auditor(world.ledger, Limits()).audit().breaches
    return {b.out_trade_no for b in breaches if b.invariant is Invariant.I14_AS_WRITTEN}


def is_told(world: World, number: str) -> bool:
    """
    Whether the audit names the payout, or cannot read what was written.
    """
    try:
        return number in altered(world)
    except (LookupError, TypeError, ValueError, StoreFault):  # no value of such a column
        return True


def test_what_nobody_changed_is_what_was_written(world: World) -> None:
    """
    What follows would prove nothing otherwise.
    """
    assert altered(world) == set()


@pytest.mark.parametrize("column", [c for c in COLUMNS if c.name != "id"], ids=str)
def test_each_column_of_a_record_is_chained(
    world: World, attacker: Attacker, column: sa.Column[Any]
) -> None:
    """
    With another value in it, the audit names the payout; with its own again, it is silent.
    """
    told = []
    for value in others(column):
        with attacker.changed(column, _OWN, value) as is_another:
            if is_another:
                told.append(is_told(world, "DECIDED"))

    assert told
    assert all(told)
    assert altered(world) == set()


@pytest.mark.parametrize("table", ["transitions", "decisions"])
@pytest.mark.parametrize("which", ["min", "max"])
def test_a_record_that_is_gone_is_missed(
    world: World, attacker: Attacker, table: str, which: str
) -> None:
    """
    The first one of a payout, or its last.
    """
    attacker.run(f"DELETE FROM {table} WHERE id = (SELECT {which}(id) FROM {table} WHERE {_OWN})")

    assert "DECIDED" in altered(world)


def test_a_decision_that_nobody_made_is_found(world: World, attacker: Attacker) -> None:
    """
    Of a payout that had none, and of one that had.
    """
    attacker.run(
        "INSERT INTO decisions (payout_id, action, who, why, proof, at)"
        " SELECT id, 'release', 'cli:mei', 'JD wrote so', '[]', updated_at FROM payouts"
        " WHERE out_trade_no IN ('PAID', 'DECIDED')"
    )

    assert {"PAID", "DECIDED"} <= altered(world)


def test_records_in_another_order_are_found(world: World, attacker: Attacker) -> None:
    """
    What happened last seems to have happened first.
    """
    attacker.run(
        f"UPDATE transitions SET id = -id WHERE {_OWN}",
    )

    assert altered(world) == {"DECIDED"}


def test_a_history_that_was_put_back_is_found(
    world: World, attacker: Attacker, begun: Begun
) -> None:
    """
    Records of before, without what came after them.
    """
    attacker.take_away_since(transitions, begun.before[0])

    assert {"PAID", "BACK", "CLOSED", "DECIDED"} <= altered(world)


def test_what_was_written_to_an_altered_payout_stays_found(
    world: World, attacker: Attacker
) -> None:
    """
    Whatever goes on with it: nobody makes it pass for ours again.
    """
    attacker.run(f"DELETE FROM transitions WHERE {_OWN.replace('DECIDED', 'BUSY')}")

    world.go_on()

    assert "BUSY" in altered(world)


def whole_state(number: str) -> list[str]:
    """
    What puts everything about a payout, but for its debt, back to a copy of the database.
    """
    own = f"(SELECT id FROM payouts WHERE out_trade_no = '{number}')"
    belongs = ("deliveries", "decisions", "cases", "events", "transitions", "evidence", "attempts")
    return [
        *(f"DELETE FROM {table} WHERE payout_id = {own}" for table in belongs),
        *(
            f"INSERT INTO {table} SELECT * FROM earlier.{table} WHERE payout_id = {own}"
            for table in reversed(belongs)
        ),
        f"INSERT OR REPLACE INTO payouts SELECT * FROM earlier.payouts WHERE id = {own}",
    ]


def test_an_older_state_of_a_whole_payout_is_found(
    world: World, attacker: Attacker, begun: Begun
) -> None:
    """
    It can be sent again, with the same content; the audit names it and what saw a newer state.
    """
    for _ in range(3):
        world.go_on()
    attacker.attach(begun.before[0])
    attacker.run(*whole_state("PAID"))
    dossier = world.ledger.dossier(world.id_of("PAID"))
    assert dossier.payout.is_intact
    assert dossier.payout.status is PayoutStatus.QUEUED

    breaches = Auditor(world.ledger, Limits()).audit().breaches

    told = {b.out_trade_no: b.detail for b in breaches if b.invariant is Invariant.I14_AS_WRITTEN}
    assert told.keys() == {"PAID"}
    assert told["PAID"].endswith("saw a newer state of it: an older one was put back")


def test_a_payout_that_is_gone_is_found(world: World, attacker: Attacker) -> None:
    """
    With its debt, and all that belonged to it.
    """
    for _ in range(3):
        world.go_on()
    paid = world.id_of("PAID")
    deleted = whole_state("PAID")[:7]
    attacker.run(
        *deleted,
        "DELETE FROM payouts WHERE out_trade_no = 'PAID'",
        "DELETE FROM obligations WHERE name = 'PAID'",
    )

    assert altered(world) == {f"payout {paid}"}


def test_what_was_told_outside_must_be_there(world: World) -> None:
    """
    A checkpoint as the log has it: whoever puts the whole database back cannot change that.
    """
    for _ in range(3):
        world.go_on()
    known = world.ledger.checkpoint(2)
    assert known is not None

    def told(number: int, digest: str) -> set[str]:
        auditor = Auditor(world.ledger, Limits())
        found = auditor.audit(told=[ToldCheckpoint(number, digest)]).breaches
        return {b.out_trade_no for b in found if b.invariant is Invariant.I14_AS_WRITTEN}

    assert told(2, known.digest[:12]) == set()
    assert told(2, "0" * 12) == {"checkpoint 2"}
    assert told(900, known.digest) == {"checkpoint 900"}
