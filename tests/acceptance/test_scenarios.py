"""
Every scenario of the sandbox through real processes, in each state of the channel.
"""

import pytest

from tests.acceptance.conftest import PATIENCE, a_stack
from worker.demo.play import play
from worker.demo.story import cast
from worker.sandbox.scenarios import SCENARIOS

STATES = [
    # state of the channel, the sandbox's switches for it, database
    ("normal", (), "postgres"),
    ("no_notifications", ("--drop-notifications",), "postgres"),
    ("no_replies", ("--drop-notifications", "--drop-replies"), "sqlite"),
]


@pytest.mark.parametrize(("state", "switches", "database"), STATES, ids=[s[0] for s in STATES])
def test_every_scenario_ends_as_documented(
    state: str, switches: tuple[str, ...], database: str
) -> None:
    """
    Each payout reaches its documented end, and the sandbox's books equal ours.
    """
    with a_stack(database=database, sandbox=switches) as (stack, ledger):
        outcome = play(stack, ledger, cast(state), lambda _: None, PATIENCE)

    reached = {r.scenario: (r.status, r.case) for r in outcome.results}
    documented = {
        s.name: (getattr(s.ends, state).status, getattr(s.ends, state).case) for s in SCENARIOS
    }
    assert documented == reached
    assert outcome.audit.faults == ()
    assert outcome.audit.duplicates == 0
