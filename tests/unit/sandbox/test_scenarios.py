"""
The table of scenarios as data.
"""

import pytest

from worker.sandbox.behaviour import Fault, Intake, Notices
from worker.sandbox.scenarios import SCENARIOS, Scenario, scenario_of

STATUSES = {"refused", "processing", "unknown", "failed", "paid", "returned"}
CASES = {None, "no_result", "not_found", "partial_return"}


def test_accounts_and_names_are_unique() -> None:
    """
    Every scenario has its own name and its own account number.
    """
    assert len({s.name for s in SCENARIOS}) == len(SCENARIOS)
    assert len({s.account_no for s in SCENARIOS}) == len(SCENARIOS)


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda s: s.name)
def test_each_scenario(scenario: Scenario) -> None:
    """
    A scenario is found by an account that looks like a card's, and ends in what a worker knows.
    """
    ends = scenario.ends

    assert scenario_of(scenario.account_no) is scenario
    assert scenario.account_no.startswith("62000000000000")
    assert scenario.account_no.isdecimal()
    assert len(scenario.account_no) == 18
    assert {e.status for e in (ends.normal, ends.no_notifications, ends.no_replies)} <= STATUSES
    assert {e.case for e in (ends.normal, ends.no_notifications, ends.no_replies)} <= CASES


def test_other_accounts_are_paid() -> None:
    """
    An account that no scenario claims is paid later.
    """
    assert scenario_of("6222020200112233445").name == "paid_later"


def test_every_misbehaviour_is_reachable() -> None:
    """
    No fault, intake or style of notification is without a scenario that shows it.
    """
    assert {s.fault for s in SCENARIOS} == {None, *Fault}
    assert {s.intake for s in SCENARIOS} == set(Intake)
    assert {s.notices for s in SCENARIOS} == set(Notices)


def test_who_refuses_says_why() -> None:
    """
    A scenario has a refusal to answer with if, and only if, its orders are refused.
    """
    assert all((s.refusal is not None) is (s.intake is Intake.REFUSED) for s in SCENARIOS)


def test_what_is_never_booked_never_ends_paid() -> None:
    """
    Only money that left can be called paid.
    """
    for scenario in SCENARIOS:
        if scenario.intake in {Intake.REFUSED, Intake.ASTRAY}:
            ends = scenario.ends
            statuses = {ends.normal.status, ends.no_notifications.status, ends.no_replies.status}

            assert statuses.isdisjoint({"paid", "returned"})
