"""
Statuses and moves.
"""

import itertools

import pytest

from worker.payouts.status import TRANSITIONS, PayoutStatus

QUEUED, HELD, SENDING, REFUSED, UNKNOWN, PROCESSING, FAILED, PAID, RETURNED, CANCELLED = (
    PayoutStatus
)
EVIDENCED = (UNKNOWN, PROCESSING, FAILED, PAID, RETURNED)
MOVES = list(itertools.permutations(PayoutStatus, 2))

LEGAL = {
    (QUEUED, SENDING),  # a worker takes it
    (QUEUED, HELD),  # a control stops it
    (QUEUED, CANCELLED),  # withdrawn in time
    (HELD, QUEUED),  # the control clears
    (HELD, CANCELLED),
    (SENDING, QUEUED),  # provably no connection was made
    (SENDING, REFUSED),  # JD refused the only attempt for our fault
    (REFUSED, SENDING),  # sent again after the fix
    (UNKNOWN, SENDING),  # the resend rule
    (UNKNOWN, REFUSED),  # the refusal of the only attempt was late
    (FAILED, UNKNOWN),  # JD refused it, and then a forgotten claim of it turns up
    # what the gateway tells may come at any time, before any sending too
    *itertools.product((QUEUED, HELD, SENDING, REFUSED, CANCELLED), EVIDENCED),
    # and then only upwards
    *itertools.combinations(EVIDENCED, 2),
}


@pytest.mark.parametrize(("old", "new"), MOVES, ids=lambda status: status.value)
def test_the_table_of_moves(old: PayoutStatus, new: PayoutStatus) -> None:
    """
    Each of the ninety moves is legal or not, as the design says.
    """
    assert ((old, new) in LEGAL) is (new in TRANSITIONS[old])


def test_nothing_moves_to_itself() -> None:
    """
    A move is a change.
    """
    assert [status for status in PayoutStatus if status in TRANSITIONS[status]] == []


def test_every_status_has_its_row() -> None:
    """
    A new status cannot be forgotten in the table.
    """
    assert set(PayoutStatus) == set(TRANSITIONS)


def test_what_was_evidenced_only_moves_up() -> None:
    """
    No move leads from an evidenced status to a lower rank, but claims and a late refusal.
    """
    down = {
        (old, new)
        for old, news in TRANSITIONS.items()
        for new in news
        if old.rank and new.rank < old.rank
    }

    assert {(UNKNOWN, SENDING), (UNKNOWN, REFUSED), (FAILED, UNKNOWN)} == down


def test_final_statuses_only_move_up() -> None:
    """
    From failed to paid or returned, from paid only to returned, from returned nowhere.

    And from failed to unknown, once a claim turns up that was forgotten.
    """
    expected = {FAILED: {PAID, RETURNED, UNKNOWN}, PAID: {RETURNED}, RETURNED: set()}

    assert expected == {status: set(TRANSITIONS[status]) for status in expected}


@pytest.mark.parametrize("status", [REFUSED, UNKNOWN, PROCESSING, FAILED, PAID, RETURNED])
def test_what_may_be_exposed_is_never_withdrawn(status: PayoutStatus) -> None:
    """
    After a transmission nothing is queued, held or cancelled any more.
    """
    assert set() == TRANSITIONS[status] & {QUEUED, HELD, CANCELLED}


def test_the_order_of_evidence() -> None:
    """
    Ranks rise along the evidenced order, and all that is local has none.
    """
    assert [status.rank for status in EVIDENCED] == [1, 2, 3, 4, 5]
    assert {0} == {status.rank for status in set(PayoutStatus) - set(EVIDENCED)}


def test_statuses_fall_into_three_parts() -> None:
    """
    Each one is final, or JD is asked about it, or it is local and waits for us.
    """
    final = {status for status in PayoutStatus if status.is_final}
    awaiting = {status for status in PayoutStatus if status.awaits_gateway}

    assert {FAILED, PAID, RETURNED, CANCELLED} == final
    assert {SENDING, REFUSED, UNKNOWN, PROCESSING} == awaiting
    assert {QUEUED, HELD} == set(PayoutStatus) - final - awaiting
