from collections import Counter

import pytest

from tests.chaos.audit import Findings
from tests.chaos.course import Outcome, Wanted


@pytest.mark.parametrize(
    ("name", "may"), [("receiver", True), ("relay", False), ("sender2", False), ("beat", False)]
)
def test_nothing_but_the_receiver_may_end_by_itself(name: str, may: bool) -> None:
    """
    Whatever is away, a part waits for it; a receiver's own end is put right by its supervisor.
    """
    outcome = Outcome(
        wanted=Wanted(1, 1.0, 1.0),
        faults=(),
        ended_by_itself=Counter({name: 2}),
        made=0,
        accepted=0,
        rejected=0,
        repeated=0,
        rested_after=0.0,
        heard={},
        told_again=0,
        unheard=("event e was never heard",),
        refused=("permission denied for table t",),
        findings=Findings((), (), (), {}, ("N1 was paid twice",)),
    )
    ended = () if may else (f"{name} ended by itself, 2 times",)

    assert outcome.breaches == (
        *ended,
        *("event e was never heard", "permission denied for table t", "N1 was paid twice"),
    )
