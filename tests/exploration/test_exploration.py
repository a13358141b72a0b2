"""
Every short history keeps every promise, and the machinery finds what does not.
"""

import subprocess
import sys
from datetime import timedelta

import pytest

from tests.exploration.alphabets import ALPHABETS
from tests.exploration.plants import PLANTS, planted
from tests.exploration.promises import Promise
from tests.exploration.search import broken_by, explore
from tests.exploration.states import key
from tests.exploration.words import Said, Submit
from tests.exploration.world import World
from tests.factories import NOON

#: How long the histories are that fit into some seconds, by alphabet.
DEPTHS = {
    "everything": 3,
    "sending": 5,
    "paying instead": 6,
    "any word": 4,
    "denials": 3,
    "closes": 6,
    "returns": 4,
    "restore": 4,
    "settings": 4,
    "wire": 4,
    "journal": 4,
}

#: What finds each bug: the alphabet, the promise, and a history that is the shortest.
FOUND = {
    "resend_after_one_denial": (
        "sending",
        Promise.NUMBER,
        (
            "send A: under way for minutes",
            "ask A: TRADE_NOT_EXIST",
            "send A: under way for minutes",
        ),
    ),
    "timeout_means_failed": (
        "sending",
        Promise.AUDIT,
        ("send A: under way for minutes", "10 minutes"),
    ),
    "queries_end_in_silence": (
        "sending",
        Promise.ONWARD,
        ("send A: under way for minutes", "a day", "ask A: WPAR"),
    ),
    "release_on_one_close": (
        "paying instead",
        Promise.DEBT,
        (
            "send A: booked, reply lost",
            "ask A: CLOS",
            "replace A by B",
            "send B: booked, reply lost",
        ),
    ),
    "claim_does_not_ask_the_debt": (
        "closes",
        Promise.DEBT,
        (
            "send A: booked, reply lost",
            "ask A: CLOS",
            "a day",
            "ask A: CLOS",
            "replace A by B",
            "notify A: FINI",
            "send B: booked, reply lost",
        ),
    ),
    "one_denial_lifts_a_doubt": (
        "restore",
        Promise.NUMBER,
        (
            "send A: under way for minutes",
            "restore",
            "ask A: TRADE_NOT_EXIST",
            "send A: under way for minutes",
        ),
    ),
    "nobody_asks_the_mark": (
        "restore",
        Promise.NUMBER,
        ("send A: under way for minutes", "failover", "send A: under way for minutes"),
    ),
    "journal_is_not_read": (
        "journal",
        Promise.DEBT,
        (
            "send A: booked, reply lost",
            "restore a backup without A, with the journal",
            "second job B",
            "10 minutes",
            "ask B: TRADE_NOT_EXIST",
            "2 minutes",
            "ask B: TRADE_NOT_EXIST",
            "send B: booked, reply lost",
        ),
    ),
    "no_mark_is_no_hindrance": (
        "restore",
        Promise.NUMBER,
        (
            "send A: under way for minutes",
            "failover",
            "the mark goes away",
            "send A: under way for minutes",
        ),
    ),
    "own_claim_is_not_asked_for": (
        "restore",
        Promise.NUMBER,
        ("send A twice, since the database fails over before the claim is told",),
    ),
    "resend_stays_where_it_was": (
        "settings",
        Promise.PLACE,
        (
            "send A: refused, the request",
            "settings: another gateway",
            "resend A where the settings say",
        ),
    ),
    "separators_are_not_looked_for": (
        "wire",
        Promise.WORD,
        (
            "send A: booked, reply lost",
            "notify A: FINI, written anew, its status inside another value",
        ),
    ),
    "any_separator_spoils": (
        "wire",
        Promise.WORD,
        ("send A: booked, reply lost", "notify A: FINI, with an & in its free text"),
    ),
    "address_is_not_checked": (
        "settings",
        Promise.PLACE,
        ("settings: another gateway", "send A: booked, reply lost"),
    ),
    "any_merchant_is_ours": (
        "settings",
        Promise.PLACE,
        ("settings: another merchant", "send A: booked, reply lost"),
    ),
    "unsigned_is_believed": (
        "settings",
        Promise.NUMBER,
        (
            "JD signs with another key",
            "send A: refused, the request",
            "resend A where the settings say",
            "send A: booked, reply lost",
        ),
    ),
    "largest_return_counts": (
        "returns",
        Promise.DEBT,
        (
            "send A: booked, reply lost",
            "ask A: REFU of all",
            "ask A: REFU of 40",
            "replace A by B",
            "send B: booked, reply lost",
        ),
    ),
    "progress_spoils_no_close": (
        "closes",
        Promise.DEBT,
        (
            "send A: booked, reply lost",
            "ask A: CLOS",
            "a day",
            "ask A: CLOS",
            "replace A by B",
            "ask A: WPAR",
            "send B: booked, reply lost",
        ),
    ),
}

#: The shortest histories that the exploration has found to break a promise.
HISTORIES = {
    "a return that the next answer takes back": (
        "returns",
        (
            "send A: booked, reply lost",
            "ask A: REFU of all",
            "ask A: FINI",
            "replace A by B",
            "send B: booked, reply lost",
        ),
    ),
    "a sign after a refusal": (
        "denials",
        (
            "send A: refused, the request",
            "ask A: a trade number alone",
            "resend A",
            "send A: booked, reply lost",
        ),
    ),
    "progress after the second close": (
        "closes",
        (
            "send A: booked, reply lost",
            "ask A: CLOS",
            "a day",
            "ask A: CLOS",
            "ask A: WPAR",
            "replace A by B",
            "send B: booked, reply lost",
        ),
    ),
    "a denial while the request is under way, after a restore": (
        "restore",
        (
            "send A: under way for minutes",
            "restore",
            "ask A: TRADE_NOT_EXIST",
            "send A: under way for minutes",
        ),
    ),
    "a failover that loses the claim alone": (
        "restore",
        (
            "send A: under way for minutes",
            "failover",
            "send A: under way for minutes",
        ),
    ),
    "a job that the backup lacks, and its producer repeats": (
        "restore",
        (
            "send A: under way for minutes",
            "restore a backup without A",
            "repeat job A",
            "send A: under way for minutes",
        ),
    ),
}


@pytest.mark.parametrize("name", ALPHABETS)
def test_every_short_history_keeps_every_promise(name: str) -> None:
    """
    Each alphabet, to the depth that takes seconds: all of it, and no breach.
    """
    found = explore(ALPHABETS[name], DEPTHS[name])

    assert found.broken == {}
    assert found.is_complete
    assert len(found.states) == DEPTHS[name] + 1
    assert all(found.states)


@pytest.mark.parametrize("plant", PLANTS)
def test_a_planted_bug_is_found_by_its_shortest_history(plant: str) -> None:
    """
    The first history that breaks a promise is as short as can be; without the bug none does.
    """
    name, promise, history = FOUND[plant]
    few = ALPHABETS[name].of(*dict.fromkeys(history))
    without = explore(few, len(history))
    with planted(plant):
        found = explore(few, len(history))

    assert without.broken == {}
    breach, path = next(iter(found.broken.items()))
    assert (breach.promise, len(path)) == (promise, len(history))
    with planted(plant):
        assert [breach.promise for breach in broken_by(few, history)] == [promise]


@pytest.mark.parametrize("known", HISTORIES)
def test_a_history_that_was_found_breaks_nothing(known: str) -> None:
    """
    What the exploration has found is mended: nothing of its letters breaks a promise any more.
    """
    name, history = HISTORIES[known]
    few = ALPHABETS[name].of(*dict.fromkeys(history))

    assert explore(few, len(history)).broken == {}


def test_a_state_can_be_gone_back_to() -> None:
    """
    Whatever was done since.
    """
    world = World(honest=True)
    world.send("A", Submit.REPLY_LOST)
    kept, before = world.keep(), key(world)
    world.ask("A", Said.CLOS)
    world.pass_time(timedelta(days=1))
    world.sweep()
    world.switch()
    after = key(world)
    world.go_back(kept)

    assert key(world) == before != after


def test_times_count_from_now() -> None:
    """
    The same history is the same state on another day, and not after more time.
    """
    keys = []
    for begins, minutes in ((NOON, 2), (NOON + timedelta(days=9), 2), (NOON, 10)):
        world = World(honest=True, begins=begins)
        world.send("A", Submit.DELAYED)
        world.pass_time(timedelta(minutes=minutes))
        world.ask("A", Said.WPAR)
        keys.append(key(world))

    assert keys[0] == keys[1] != keys[2]


def test_the_command_prints_what_it_explored() -> None:
    """
    States, depth and letters, and of a bug the shortest history.
    """
    command = [sys.executable, "-m", "tests.exploration", "--depth", "3", "--alphabet", "sending"]
    command += ["--plant", "resend_after_one_denial"]
    told = subprocess.run(command, capture_output=True, text=True, check=False)

    assert told.returncode == 1
    assert "sending: 18 letters, JD honest;" in told.stdout
    assert "every history of 3 letters" in told.stdout
    assert " / ".join(FOUND["resend_after_one_denial"][2]) in told.stdout
