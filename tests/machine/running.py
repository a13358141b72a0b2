"""
Runs of the machine, and what they came to.
"""

import os
from collections.abc import Iterator

from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.machine.ground import ENDS, MET, STEPS
from tests.machine.machine import PayoutMachine
from tests.simulation.plants import planted
from tests.simulation.running import quiet

#: A payout's whole story, with what disturbs it, takes about twenty rules; more steps are spent on
#: payouts that are at rest already, and more examples begin more stories.
STEP_COUNT = 30
#: So many stories are about 25 seconds of one core, and meet everything in the alphabet.
EXAMPLES = 1200


def bounded(examples: int, steps: int, *, derandomize: bool, shrinks: bool = True) -> settings:
    """
    Settings of a run that depends on nothing but its arguments: no database, no deadline.
    """
    return settings(
        max_examples=examples,
        stateful_step_count=steps,
        derandomize=derandomize,
        phases=(Phase.generate, Phase.shrink) if shrinks else (Phase.generate,),
        database=None,
        deadline=None,
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
    )


def run(given: settings, plant: str | None = None, drawn_from: int | None = None) -> None:
    """
    Run the machine, with a bug if one is named. Raises what it finds.
    """
    machine = PayoutMachine if drawn_from is None else seed(drawn_from)(PayoutMachine)
    for counts in (STEPS, MET, ENDS):
        counts.clear()
    with quiet(), planted(plant):
        run_state_machine_as_test(machine, settings=given)


def any_seed() -> int:
    """
    A seed that nobody chose.
    """
    return int.from_bytes(os.urandom(4))


def lines() -> Iterator[str]:
    """
    What the last run did, in words.
    """
    for name, counts in (("steps", STEPS), ("met", MET), ("ends", ENDS)):
        listed = ", ".join(f"{kind} {times:,}" for kind, times in counts.most_common())
        yield f"{name} {counts.total():,}: {listed}"
