"""
When sending rests by itself.
"""

import pytest

from worker.payouts.limits import Limits
from worker.payouts.policy.circuit_breaker import Tally, trips


@pytest.mark.parametrize(
    ("ended", "unknown", "expected"),
    [
        (0, 0, False),
        (19, 19, False),  # too few to judge
        (20, 9, False),
        (20, 10, True),  # a half
        (20, 20, True),
        (1000, 499, False),
        (1000, 500, True),
    ],
)
def test_the_breaker_opens_at_its_share(ended: int, unknown: int, expected: bool) -> None:
    """
    By default: at least 20 transmissions, half of them unclear.
    """
    assert trips(Tally(ended, unknown), Limits()) is expected
