"""
Where a search for what is due begins.
"""

from datetime import UTC, datetime, timedelta

from worker.store.frontier import BEGINNING, Frontier

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
A, B = "360080000000000001", "360080000000000002"


def later(seconds: float) -> datetime:
    """
    So long after noon.
    """
    return NOON + timedelta(seconds=seconds)


def test_it_begins_at_the_beginning_until_something_was_found() -> None:
    """
    What was not found lies nowhere; and one merchant's rows say nothing of another's.
    """
    frontier = Frontier()
    assert frontier.since(A, NOON) == BEGINNING

    frontier.found(A, BEGINNING, None, NOON)
    assert frontier.since(A, NOON) == BEGINNING

    frontier.found(A, BEGINNING, NOON, NOON)
    assert frontier.since(A, NOON) == later(-5)
    assert frontier.since(B, NOON) == BEGINNING


def test_it_moves_on_with_what_is_found_for_a_second() -> None:
    """
    Counted from when everything was searched, not from the last search; a clock set back ends it.
    """
    frontier = Frontier()
    frontier.found(A, BEGINNING, later(-60), NOON)
    assert frontier.since(A, later(0.5)) == later(-65)

    frontier.found(A, later(-65), later(-30), later(0.5))
    assert frontier.since(A, later(0.9)) == later(-35)
    assert frontier.since(A, later(1)) == BEGINNING
    assert frontier.since(A, later(-1)) == BEGINNING


def test_it_never_begins_after_what_is_due_now() -> None:
    """
    Where the first row is due in the future, another may be due before it at any time.
    """
    frontier = Frontier()
    frontier.found(A, BEGINNING, later(3600), NOON)

    assert frontier.since(A, NOON) == later(-5)


def test_nothing_found_leaves_it_where_it_was() -> None:
    """
    As long as not everything was searched; if it was, there is nothing to begin at.
    """
    frontier = Frontier()
    frontier.found(A, BEGINNING, NOON, NOON)
    frontier.found(A, later(-5), None, later(0.5))
    assert frontier.since(A, later(0.5)) == later(-5)

    frontier.found(A, BEGINNING, None, later(2))
    assert frontier.since(A, later(2)) == BEGINNING
