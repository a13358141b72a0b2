from tests.chaos.recovery import Recovery, after, summary
from tests.factories import at
from worker.payouts.model import Transition
from worker.payouts.status import PayoutStatus, Reason


def a_history(*moves: tuple[float, PayoutStatus]) -> list[Transition]:
    """
    The moves of one payout, in seconds after noon.
    """
    return [
        Transition(place, 1, None, status, Reason.ACCEPTED, "worker", at(seconds=seconds))
        for place, (seconds, status) in enumerate(moves)
    ]


def test_what_was_under_way_is_waited_for() -> None:
    """
    Payouts that were not there yet, had ended, or never moved again do not count.
    """
    queued, sending, paid = PayoutStatus.QUEUED, PayoutStatus.SENDING, PayoutStatus.PAID
    histories = [
        a_history((1, queued), (2, sending), (14, paid)),
        a_history((1, queued), (12, sending), (13, paid)),
        a_history((1, queued), (2, sending), (3, paid), (11, PayoutStatus.RETURNED)),
        a_history((11, queued), (11.5, sending)),
        a_history((1, queued), (2, PayoutStatus.UNKNOWN)),
    ]

    assert after(at(seconds=10), histories) == Recovery(first=2.0, last_sent=4.0)
    assert after(at(seconds=20), histories) == Recovery(None, None)


def test_a_summary_leaves_out_what_there_is_none_of() -> None:
    """
    Median, 99th percentile and maximum of what was measured.
    """
    measured = [None, *map(float, range(101))]

    assert summary(measured) == {"median": 50.0, "p99": 99.0, "max": 100.0}
    assert summary([None]) is None
