"""
Whole rows, copied, deleted and put back: nobody is paid what no producer asked for.
"""

import pytest
import sqlalchemy as sa

from tests.tampering.attacker import Attacker
from tests.tampering.conftest import Begun
from tests.tampering.judgement import check, end
from tests.tampering.world import World
from worker.payouts.evidence import TradeStatus
from worker.store.metadata import metadata

TABLES = [pytest.param(table, id=table.name) for table in metadata.sorted_tables]
#: Of these all that is known of a debt could be taken away, which nothing in a database can tell.
KNOWN_OF_DEBTS = {"obligations"}
DELETED = [
    pytest.param(table, id=table.name)
    for table in metadata.sorted_tables
    if table.name not in KNOWN_OF_DEBTS
]


@pytest.mark.parametrize("table", TABLES)
def test_rows_that_are_copied(world: World, attacker: Attacker, table: sa.Table) -> None:
    """
    Each row of a table stands there twice, where it can.
    """
    attacker.copy_rows(table)

    end(world)
    check(world)


@pytest.mark.parametrize("which", ["1", "rowid % 2", "rowid = (SELECT max(rowid) FROM {})"])
@pytest.mark.parametrize("table", DELETED)
def test_rows_that_are_deleted(
    world: World, attacker: Attacker, table: sa.Table, which: str
) -> None:
    """
    All, every other one, and the newest.
    """
    attacker.run(f"DELETE FROM {table.name} WHERE {which.format(table.name)}")

    end(world)
    check(world)


@pytest.mark.parametrize("copy", [0, 1, 2])
@pytest.mark.parametrize("table", TABLES)
def test_rows_that_are_put_back(
    world: World, attacker: Attacker, begun: Begun, table: sa.Table, copy: int
) -> None:
    """
    What a table's rows said before, where all others say what they do now.
    """
    attacker.put_back(table, begun.before[copy])

    end(world)
    check(world)


@pytest.mark.parametrize("copy", [0, 1, 2])
@pytest.mark.parametrize("table", DELETED)
def test_rows_that_came_since_are_taken_away(
    world: World, attacker: Attacker, begun: Begun, table: sa.Table, copy: int
) -> None:
    """
    Nothing tells of what happened since, in that table.
    """
    attacker.take_away_since(table, begun.before[copy])

    end(world)
    check(world)


_UNSENT = (
    "UPDATE payouts SET status = 'queued', exposed = 0, lease_token = NULL, lease_until = NULL"
)
_UNSEALED = "UPDATE payouts SET seal = NULL, attempt_count = NULL, message_count = NULL"
_UNSEALED_DEBTS = "UPDATE obligations SET seal = NULL, payout_count = NULL"
_NO_TRACE = ("DELETE FROM attempts", "DELETE FROM evidence", "DELETE FROM cases")
_ENDED = "UPDATE payouts SET status = 'failed', finalized_at = accepted_at"
_PROPOSED = """
INSERT INTO proposals (payout_id, ended_as, returned_fen, reference, why, proposed_uid,
 proposed_name, proposed_at, approved_uid, approved_name, approved_at, unchecked)
SELECT id, 'failed', 0, 'SLIP-' || (id + 100), 'x', 1, 'x', accepted_at, 2, 'y', accepted_at, 0
FROM payouts WHERE proposal_id IS NULL
"""

FORGERIES = {
    "all unsent": (_UNSENT, *_NO_TRACE),
    "as an older version wrote it": (_UNSENT, _UNSEALED, _UNSEALED_DEBTS, *_NO_TRACE),
    "as one would that knows its seals": (
        *(_UNSENT, _UNSEALED, _UNSEALED_DEBTS, *_NO_TRACE),
        "UPDATE payouts SET sealed_payee = x'674141'",
    ),
    "ended, without a seal": (f"{_ENDED} WHERE status = 'paid'", _UNSEALED, _UNSEALED_DEBTS),
    "debts freed": (
        "UPDATE payouts SET released_at = accepted_at",
        "UPDATE obligations SET committed_fen = 0",
    ),
    "debts made larger": ("UPDATE obligations SET owed_fen = owed_fen * 10",),
    "withdrawn": ("UPDATE payouts SET status = 'cancelled', exposed = 0", *_NO_TRACE),
    "decided by two people": (
        _PROPOSED,
        (
            f"{_ENDED}, proposal_id = (SELECT max(id) FROM proposals WHERE payout_id = payouts.id)"
            " WHERE proposal_id IS NULL"
        ),
    ),
    "never connected": ("UPDATE attempts SET outcome = 'not_connected'", _UNSENT),
    "denied like another": (
        (
            "UPDATE evidence SET payout_id = (SELECT id FROM payouts WHERE out_trade_no = 'SILENT')"
            " WHERE meaning = 'not_found'"
        ),
    ),
    "of another debt": ("UPDATE payouts SET obligation_id = 900 WHERE out_trade_no != 'AGAIN'",),
}


@pytest.mark.parametrize("statements", FORGERIES.values(), ids=FORGERIES.keys())
def test_what_a_forger_would_write(
    world: World, attacker: Attacker, statements: tuple[str, ...]
) -> None:
    """
    Several columns at once, so that they fit each other.
    """
    attacker.run(*statements)

    end(world)
    check(world)


HIDDEN = {
    "moved to another debt": "UPDATE payouts SET obligation_id = 900 WHERE out_trade_no = 'CLOSED'",
    "deleted": "DELETE FROM payouts WHERE out_trade_no = 'CLOSED'",
    "small": "UPDATE payouts SET amount_fen = 1 WHERE out_trade_no = 'CLOSED'",
    "never tried": "DELETE FROM attempts WHERE payout_id = 3",
    "closed still": "UPDATE evidence SET asked_at = '2029-01-01 00:00:00.000000'",
    "owed twice": "UPDATE obligations SET owed_fen = owed_fen * 2",
    "in a larger debt": "UPDATE payouts SET obligation_id = 1 WHERE out_trade_no = 'AGAIN'",
}


@pytest.mark.parametrize("statement", HIDDEN.values(), ids=HIDDEN.keys())
def test_an_older_payout_of_a_debt_is_not_hidden(
    world: World, attacker: Attacker, statement: str
) -> None:
    """
    JD closed it, and pays it after all: the one that pays instead is not sent.
    """
    world.books.fates["CLOSED"] = TradeStatus.FINI
    attacker.run(statement)

    end(world)

    assert "AGAIN" not in world.books.booked
    check(world)
