"""
Some hundred stories of the machine, and the proof that they would find something.
"""

import subprocess
import sys
from datetime import timedelta

import pytest

from tests.machine.books import Course
from tests.machine.fates import Fate, Fortune, Spoil, Word
from tests.machine.ground import MET, Upset, job
from tests.machine.machine import PayoutMachine
from tests.machine.restores import Before, Broker, Journal, Past
from tests.machine.running import EXAMPLES, STEP_COUNT, bounded, run
from tests.machine.stage import Blow, Strike
from worker.payouts.evidence import TradeStatus
from worker.payouts.policy.actions import Action

#: The guards whose absence the machine notices soon enough to look for it in every run.
PLANTS = (
    "timeout_means_failed",
    "unlisted_code_means_failed",
    "resend_after_one_denial",
    "unsigned_is_believed",
    "amount_is_not_compared",
    "judges_what_was_known_before",
    "send_before_commit",
    "lease_is_not_renewed",
    "no_answer_means_not_connected",
    "queries_end_in_silence",
    "notification_is_not_kept",
    "review_list_is_not_asked",
    "one_denial_lifts_a_doubt",
    "nobody_asks_the_mark",
    "claims_are_marked_too_late",
)


def test_every_promise_is_kept() -> None:
    """
    Some hundred stories break no promise, and meet everything that may happen.
    """
    run(bounded(EXAMPLES, STEP_COUNT, derandomize=True))

    spoils = [f"{told}: {spoil}" for told in ("reply", "answer", "notice") for spoil in Spoil]
    alphabet = {
        str(one) for kind in (Fate, Word, Course, Blow, Upset, Broker, Journal) for one in kind
    }
    assert alphabet | set(spoils) <= set(MET)


@pytest.mark.parametrize("plant", PLANTS)
def test_a_planted_bug_is_found(plant: str) -> None:
    """
    Each guard that is taken away is missed within some hundred stories.
    """
    with pytest.raises(AssertionError, match=r"^I\d+ "):
        run(bounded(4 * EXAMPLES, STEP_COUNT, derandomize=True, shrinks=False), plant)


def test_who_gives_up_what_a_failover_forgot_is_told_of_it() -> None:
    """
    Until the failover is noticed nobody can know better; then JD is asked, and nothing goes out.
    """
    state = PayoutMachine()
    order = job("P-0", "", 1000)
    first = state.begin(order=order, goes_back=True, deduplicates=True, resettled=False)
    state.drop(message=first)
    state.live(by=timedelta(seconds=1), fates=[], words=[])
    before_its_claim = Strike(1, False, Blow.FAILS_OVER, 1, Past(Before.CLAIM, 1))
    state.decide(action=Action.CANCEL, message=first, strike=before_its_claim)
    state.every_promise_is_kept()
    state.replace(amount_fen=1000, message=first, number="P-1", strike=None)

    state.every_promise_is_kept()
    state.teardown()

    assert [*state.service.books.trades] == ["P-0"]


def test_a_mark_that_is_emptied_as_a_claim_goes_out_knows_it_no_more() -> None:
    """
    A failover that loses the claim is not noticed by itself then: who looks at it says so.
    """
    state = PayoutMachine()
    order = job("P-0", "", 1000)
    first = state.begin(order=order, goes_back=True, deduplicates=True, resettled=False)
    booked = Fortune(Fate.BOOKED, Course.PAID, Spoil.NOTHING, TradeStatus.FINI, 0)
    emptied = Strike(4, True, Blow.BROKER_WIPED, 1, Past(Before.CLAIM, 1))
    state.wake(fortune=booked, message=first, strike=emptied)
    state.fail_over(mark_away=False, to=Past(Before.CLAIM, 1))
    state.pay(fortune=booked, order=order, strike=None)

    state.every_promise_is_kept()
    state.teardown()


def test_a_failing_story_is_shown() -> None:
    """
    The command ends with the shortest story of the breach, and with how to see it again.
    """
    command = [sys.executable, "-m", "tests.machine", "--examples", "100", "--seed", "1"]
    command += ["--plant", "timeout_means_failed"]
    told = subprocess.run(command, capture_output=True, text=True, check=False)

    assert told.returncode == 1
    assert "state = PayoutMachine()" in told.stdout + told.stderr
    assert "state.begin(" in told.stdout + told.stderr
    assert "again: python -m tests.machine --examples 100 --steps 30 --seed 1" in told.stdout
