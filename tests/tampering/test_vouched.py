"""
What a seal vouches for: each column of each table that decides about money, but for some.
"""

from typing import Any

import pytest
import sqlalchemy as sa

from tests.tampering.attacker import Attacker, others
from tests.tampering.books import wording
from tests.tampering.world import World, wanted
from worker.payouts.errors import NotAllowed
from worker.payouts.person import Person
from worker.payouts.policy.obligation import is_whole
from worker.payouts.proposal import End
from worker.store.obligations import sharing
from worker.store.people_tables import proposals
from worker.store.tables import attempts, evidence, obligations, payouts
from worker.usecases.decide import Decider

_WHEN = "it says when somebody looks; whoever looks decides anew, from what is vouched for"
_TEXT = "it is shown, and nothing is decided by it"
_OPENED = "it is opened by whoever needs it, and opens in its place only"

#: Columns that anybody who writes to the database can change, and why that makes nobody richer.
HARMLESS = {
    "obligations.id": "what names it by that is missed by its count",
    "obligations.committed_fen": "what may be sent is counted of its payouts, each time",
    "obligations.created_at": _TEXT,
    "payouts.id": "what belongs to it names its number, and is missed",
    "payouts.obligation_id": "a debt counts its payouts, and each names its debt",
    "payouts.sealed_payee": _OPENED,
    "payouts.sealed_order": _OPENED,
    "payouts.sealed_request": _OPENED,
    "payouts.sealed_job": _OPENED,
    "payouts.payee_digest": "by it rows are found, and whoever is found is opened",
    "payouts.version": "it guards writes against each other, and stops no more than those",
    "payouts.updated_at": _TEXT,
    "payouts.next_send_at": _WHEN,
    "payouts.next_query_at": _WHEN,
    "payouts.query_misses": _WHEN,
    "payouts.overdue_at": _TEXT,
    "payouts.lease_until": "cut short, its attempt is lost: it may have been sent, and JD is asked",
    "payouts.unanswered_since": "two people decide on JD's silence, and are told since when",
    "payouts.unanswered_at": "the same",
    "attempts.id": "its number says which it is; what JD told of another id is told of none",
    "attempts.payout_id": "its payout counts it, and it names its payout's number",
    "attempts.detail": _TEXT,
    "evidence.id": "in its place it says the same; a decision knows how many came before it",
    "evidence.applied_at": "it is judged once more",
    "proposals.payout_id": "a payout names the decision that ended it, and that names the payout",
}

_OF = {
    "obligations": "name = 'DECIDED'",
    "payouts": "out_trade_no = 'DECIDED'",
}
_BELONGS = "payout_id = (SELECT id FROM payouts WHERE out_trade_no = 'DECIDED')"
COLUMNS = [
    column for table in (obligations, payouts, attempts, evidence, proposals) for column in table.c
]


def is_intact(world: World, number: str = "DECIDED") -> bool:
    """
    Whether a payout, what belongs to it and its debt are what was written.
    """
    ledger, payout_id = world.ledger, world.id_of(number)
    dossier = ledger.dossier(payout_id)
    with ledger._transaction() as conn:
        obligation, _ = ledger._locks.obligation(conn, payout_id)
        known = sharing(conn, obligation, ledger.seals)
    pieces = all(piece.is_intact for piece in dossier.evidence)
    return dossier.payout.is_intact and pieces and is_whole(obligation, known)


def test_what_nobody_changed_is_intact(world: World) -> None:
    """
    What follows would prove nothing otherwise.
    """
    dossier = world.ledger.dossier(world.id_of("DECIDED"))

    assert is_intact(world)
    assert dossier.attempts
    assert len(dossier.evidence) > 1
    assert dossier.decided is not None


@pytest.mark.parametrize("column", [c for c in COLUMNS if str(c) not in HARMLESS], ids=str)
def test_each_column_is_vouched_for(
    world: World, attacker: Attacker, column: sa.Column[Any]
) -> None:
    """
    With another value in it, one of all that belong together, somebody is told.
    """
    which, told = _OF.get(column.table.name, _BELONGS), []
    for value in others(column):
        with attacker.changed(column, which, value) as is_another:
            if is_another:
                told.append(_is_noticed(world))

    assert told
    assert all(told)
    assert is_intact(world)


def _is_noticed(world: World) -> bool:
    try:
        return not is_intact(world)
    except (LookupError, AssertionError):  # no value of such a column, or the payout is not found
        return True


def test_what_is_harmless_is_there() -> None:
    """
    No reason is given for a column that is not.
    """
    assert HARMLESS.keys() <= {str(column) for column in COLUMNS}


def test_a_proposal_that_was_changed_is_not_approved(world: World, attacker: Attacker) -> None:
    """
    One person proposed something else than another would let count.
    """
    world.clock.advance(hours=25)
    busy = world.id_of("BUSY")
    world.work.query(busy)
    told = (End.FAILED, None, "SLIP-2", "JD wrote so")
    proposed = Decider(world.ledger, Person(1001, "mei")).propose(busy, *told)
    attacker.run(f"UPDATE proposals SET ended_as = 'paid' WHERE id = {proposed.id}")

    with pytest.raises(NotAllowed, match="not what was proposed"):
        Decider(world.ledger, Person(1002, "lan")).approve(proposed.id)


def test_two_people_end_what_nobody_vouches_for(world: World, attacker: Attacker) -> None:
    """
    One alone cannot. What they decided is vouched for, and its debt is free again.
    """
    busy = world.id_of("BUSY")
    attacker.run("UPDATE payouts SET status = 'queued' WHERE out_trade_no = 'BUSY'")
    world.go_on()
    (case,) = world.ledger.dossier(busy).open_cases
    world.clock.advance(hours=25)
    world.work.query(busy)
    told = (End.FAILED, None, "SLIP-2", "JD wrote so")
    proposed = Decider(world.ledger, Person(1001, "mei")).propose(busy, *told)
    Decider(world.ledger, Person(1002, "lan")).approve(proposed.id)

    dossier = world.ledger.dossier(busy)
    assert dossier.payout.is_intact
    assert dossier.payout.status is proposed.proof.status(dossier.payout.amount_fen)
    assert world.ledger.case(case.id).closed_at is not None
    assert world.books.sent.count(wording(wanted("BUSY"))) == 1


@pytest.mark.parametrize("table", ["attempts", "evidence", "proposals"])
def test_what_was_taken_away_is_missed(world: World, attacker: Attacker, table: str) -> None:
    """
    The newest of what belongs to a payout.
    """
    number = "DECIDED" if table == "proposals" else "PAID"
    assert is_intact(world, number)
    newest = f"SELECT max(rowid) FROM {table} WHERE {_BELONGS.replace('DECIDED', number)}"
    attacker.run(f"DELETE FROM {table} WHERE rowid = ({newest})")

    assert not is_intact(world, number)


def test_messages_that_are_exchanged_are_missed(world: World, attacker: Attacker) -> None:
    """
    Each of two payouts has as many as before.
    """
    paid, closed = world.id_of("PAID"), world.id_of("CLOSED")
    first, second = (world.ledger.dossier(one).evidence[0].id for one in (paid, closed))
    attacker.run(
        f"UPDATE evidence SET payout_id = {closed} WHERE id = {first}",
        f"UPDATE evidence SET payout_id = {paid} WHERE id = {second}",
    )

    assert not is_intact(world, "PAID")
    assert not is_intact(world, "CLOSED")


def test_messages_in_another_order_are_missed(world: World, attacker: Attacker) -> None:
    """
    What came last seems to have come first.
    """
    messages = world.ledger.dossier(world.id_of("CLOSED")).evidence
    first, last = messages[0].id, messages[-1].id
    assert first < last
    attacker.run(
        f"UPDATE evidence SET id = 900 WHERE id = {first}",
        f"UPDATE evidence SET id = {first} WHERE id = {last}",
        f"UPDATE evidence SET id = {last} WHERE id = 900",
    )

    assert not is_intact(world, "CLOSED")


@pytest.mark.parametrize("payee", ["sealed_payee", "x'674141'"])
def test_what_passes_for_an_older_version_is_not_believed(
    world: World, attacker: Attacker, payee: str
) -> None:
    """
    A row without a seal, whose payee is sealed as now, or by nobody.
    """
    attacker.run(
        "UPDATE payouts SET seal = NULL, attempt_count = NULL, message_count = NULL,"
        f" sealed_payee = {payee}",
        "UPDATE obligations SET seal = NULL, payout_count = NULL",
    )

    assert not is_intact(world)


def test_what_was_changed_stays_so(world: World, attacker: Attacker) -> None:
    """
    Though JD answers, and the row is written anew.
    """
    before = world.ledger.dossier(world.id_of("BUSY"))
    attacker.run("UPDATE payouts SET resends = 5 WHERE out_trade_no = 'BUSY'")

    world.go_on()

    after = world.ledger.dossier(before.payout.id)
    assert len(after.evidence) > len(before.evidence)
    assert after.payout.version > before.payout.version
    assert not is_intact(world, "BUSY")
