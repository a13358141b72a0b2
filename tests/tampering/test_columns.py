"""
Each column of each table, changed and exchanged: nobody is paid what no producer asked for.

The columns are found in the tables, so that a new one is tried without a word here.
"""

from typing import Any

import pytest
import sqlalchemy as sa

from tests.tampering.attacker import Attacker, others
from tests.tampering.judgement import check, end
from tests.tampering.world import SEALED, World
from worker.payouts.status import PayoutStatus
from worker.store.metadata import metadata

#: Why some columns are not tried.
LEFT_OUT = {
    "obligations.namespace": "whoever hides a debt can have it paid to whom asks for it again",
    "obligations.name": "the same; the audit tells of a payout whose debt has another name",
}
COLUMNS = [
    pytest.param(column, id=str(column))
    for table in metadata.sorted_tables
    for column in table.c
    if str(column) not in LEFT_OUT
]


def test_the_world_has_every_status(world: World) -> None:
    """
    And what is to come goes out: what follows would prove nothing otherwise.
    """
    assert {status for _, status in world.statuses()} == {*PayoutStatus}

    end(world)

    assert {"QUEUED", "QUEUED2", "AGAIN", "LOST", *SEALED} <= world.books.booked.keys()
    check(world)


@pytest.mark.parametrize("column", COLUMNS)
def test_whatever_a_column_is_exchanged_for(
    world: World, attacker: Attacker, column: sa.Column[Any]
) -> None:
    """
    Between all rows of its table.
    """
    attacker.change(column, lambda values: [*values[1:], *values[:1]])

    end(world)
    check(world)


@pytest.mark.parametrize("first", [0, 1])
@pytest.mark.parametrize("column", COLUMNS)
def test_whatever_a_column_is_changed_to(
    world: World, attacker: Attacker, column: sa.Column[Any], first: int
) -> None:
    """
    In each row another one of the values that such a column may have.
    """
    values = [*others(column)[first:], *others(column)[:first]]

    attacker.change(column, lambda rows: [values[n % len(values)] for n, _ in enumerate(rows)])

    end(world)
    check(world)
