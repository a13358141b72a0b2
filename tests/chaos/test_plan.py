from itertools import pairwise

import pytest

from tests.chaos.plan import LONGER_THAN_A_LEASE, Kind, kinds, make


def test_a_seed_gives_its_plan_again() -> None:
    """
    The same seed is the same plan, a longer run begins alike, and another seed is another plan.
    """
    plan = make(7, 60.0, "postgres")

    assert make(7, 60.0, "postgres") == plan
    assert make(7, 120.0, "postgres")[: len(plan)] == plan
    assert make(8, 60.0, "postgres") != plan


@pytest.mark.parametrize("restores", [False, True])
@pytest.mark.parametrize("database", ["postgres", "sqlite"])
@pytest.mark.parametrize("seed", range(20))
def test_a_plan_can_be_carried_out(seed: int, database: str, restores: bool) -> None:
    """
    Every kind of fault comes early, and none hits what another one holds.
    """
    plan = make(seed, 600.0, database, restores=restores)
    by_target: dict[str, list[float]] = {}
    for fault in plan:
        by_target.setdefault(fault.target, []).extend((fault.at, fault.ends))

    assert {fault.kind for fault in plan if fault.at < 80.0} == set(
        kinds(database, restores=restores)
    )
    assert all(a <= b for times in by_target.values() for a, b in pairwise(times))
    frozen = [fault.lasts for fault in plan if fault.kind is Kind.WORKER_FROZEN]
    assert min(frozen) >= LONGER_THAN_A_LEASE
