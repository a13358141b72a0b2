"""
The same remark is not made twice.
"""

from dataclasses import replace

from tests.factories import a_bare, a_notification, a_query, a_trade, at, not_found, numbered
from worker.payouts.evidence import Evidence, Meaning, TradeStatus
from worker.views.evidence import fold

WPAR = a_trade(TradeStatus.WPAR)


def no_result(minutes: float) -> Evidence:
    """
    JD's word that the order is not in its database; the bytes differ each time.
    """
    raw = f"{minutes}".encode()
    return a_query(replace(a_bare(Meaning.NO_RESULT), raw=raw), minutes)


def told(*evidence: Evidence) -> list[tuple[int, int, int]]:
    """
    The first and the last id of each run, and how many there are.
    """
    return [(run.first.id, run.last.id, run.count) for run in fold(numbered(evidence))]


def test_fifty_five_equal_messages_are_one() -> None:
    """
    With the first and the last time.
    """
    pieces = numbered(tuple(no_result(minute) for minute in range(55)))

    (run,) = fold(pieces)

    assert (run.count, run.first.received_at, run.last.received_at) == (55, at(0), at(54))


def test_what_comes_between_is_not_passed_over() -> None:
    """
    Only what follows each other is folded, so the order of what was said remains.
    """
    assert told(no_result(1), no_result(2), a_query(WPAR, 3), no_result(4), no_result(5)) == [
        (1, 2, 2),
        (3, 3, 1),
        (4, 5, 2),
    ]


def test_messages_that_differ_in_anything_told_stay_apart() -> None:
    """
    A source, a trade number, an amount that came back.
    """
    part = a_trade(TradeStatus.REFU, refund_fen=45)

    assert told(
        a_query(WPAR, 1),
        a_notification(WPAR, 2),
        a_notification(replace(WPAR, trade_no="JD2"), 3),
        a_query(part, 4),
        a_query(replace(part, refund_fen=46), 5),
        not_found(6),
        replace(not_found(7), answer=replace(not_found(7).answer, verified=False)),
    ) == [(place, place, 1) for place in range(1, 8)]


def test_nothing_is_nothing() -> None:
    """
    A payout may have no evidence.
    """
    assert fold(()) == ()
