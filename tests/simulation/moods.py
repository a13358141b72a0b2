"""
What a world is about: most seeds draw a bit of everything, the others one subject, thoroughly.

What takes several rare things in one order is found late by draws that are even. A mood makes those
things likely together, and leaves the rest to the draws.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from random import Random

from worker.payouts.evidence import Meaning
from worker.payouts.policy.actions import Action
from worker.payouts.status import PayoutStatus

_HOUR, _DAY = 3600.0, 86_400.0


@dataclass(frozen=True)
class Mood:
    """
    The subject of one world.
    """

    name: str
    #: How many of a hundred worlds have it.
    share: int
    #: The rates of the faults that belong to it; they are never off.
    rates: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    #: Those of them that strike as often, once more, from a claim until what was sent is kept.
    around_sends: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    #: How often a trade ends in each way, in place of the usual; empty: as usual.
    ends: Mapping[str, int] = field(default_factory=dict)
    #: What JD refuses, if it refuses.
    refusals: tuple[Meaning, ...] = (
        *(Meaning.PAYEE, Meaning.REQUEST, Meaning.CHANNEL, Meaning.BALANCE),
    )
    #: After so many effects, at least and at most, its faults heal.
    effects: tuple[int, int] = (40, 250)
    #: How long they last at least, in seconds, unless they have had twice as many effects.
    lasts: tuple[float, ...] = (0, 0, 1200, 2400)
    #: Whether backups are kept of the database.
    keeps_backups: bool = False
    #: Whether other settings come into force.
    changes_settings: bool = False
    #: How often people do something, and until when, in seconds.
    acts: tuple[int, ...] = (0, 0, 4, 12, 30)
    until: tuple[float, ...] = (600, 7200, 200_000, 600_000)
    #: What they do, and at which payouts they look first; empty: whatever there is.
    actions: tuple[Action, ...] = ()
    looks_at: frozenset[PayoutStatus] = frozenset({PayoutStatus.REFUSED, PayoutStatus.RETURNED})
    #: How often they pause sending with it, and for how long at most.
    pauses: float = 0.1
    paused_for: tuple[float, ...] = (1200, 200_000)


_ANY = Mood("any", 42)
_MOODS = (
    _ANY,
    Mood(
        "restores",
        8,
        rates={
            "failed_over": (0.0, 0.003),
            "put_back": (0.0, 0.003),
            "mark_away": (0.0, 0.003),
            "broker_wiped": (0.0,),
            "repeated": (0.0, 0.01),
            "restored": (0.0, 0.003),
            "code_refused": (0.0, 0.1, 0.6),
        },
        around_sends={
            "failed_over": (0.0, 0.1, 0.3),
            "put_back": (0.0, 0.1, 0.3),
            "restored": (0.0, 0.1),
        },
        refusals=(Meaning.PAYEE, Meaning.PAYEE, Meaning.REQUEST),
        effects=(80, 250),
        lasts=(0, 2400, 100_000, 300_000),
        keeps_backups=True,
    ),
    Mood(
        "refusals",
        12,
        rates={
            "code_refused": (0.6, 0.9),
            "refused_and_booked": (0.0, 0.6, 0.9),
            "forgotten": (0.0, 0.9),
            "number_used_up": (0.0, 0.3, 0.6),
            "called": (0.0, 0.03, 0.1),
            "resend_refused": (0.3, 0.9),
        },
        refusals=(*(Meaning.REQUEST,) * 3, Meaning.PAYEE),
        acts=(4, 10),
        until=(7200, 100_000, 200_000),
        actions=(*(Action.RESEND,) * 4, Action.FAIL, Action.RELEASE, Action.RESOLVE),
        looks_at=frozenset({PayoutStatus.REFUSED}),
        pauses=0.0,
        paused_for=(12 * _HOUR, 4 * _DAY),
        effects=(80, 250),
    ),
    Mood(
        "returns",
        12,
        ends={
            "returned": 2,
            "partly": 2,
            "partly_then_whole": 4,
            "partly_then_less": 5,
            "odd_return": 1,
            "closed_late": 2,
        },
        acts=(3, 6),
        until=(100_000, 250_000),
        actions=(Action.REPLACE, Action.REPLACE, Action.RESOLVE, Action.RESOLVE, Action.RELEASE),
        looks_at=frozenset({PayoutStatus.PAID, PayoutStatus.RETURNED}),
    ),
    Mood(
        "closes",
        14,
        ends={"closed": 2, "closed_then_paid": 4, "closed_then_open": 4, "closed_late": 1},
        acts=(4, 8),
        until=(1.5 * _DAY, 2 * _DAY),
        actions=(Action.REPLACE, Action.REPLACE, Action.RELEASE, Action.RESOLVE),
        looks_at=frozenset({PayoutStatus.FAILED}),
        pauses=0.3,
        paused_for=(12 * _HOUR, 2 * _DAY),
    ),
    Mood(
        "settings",
        10,
        rates={"resettled": (0.01, 0.03), "reply_lost": (0.0, 0.1, 0.6)},
        acts=(2, 6),
        until=(600, 7200),
        actions=(*(Action.RESEND,) * 3, Action.REPLACE, Action.CANCEL, Action.RESOLVE),
        looks_at=frozenset({PayoutStatus.REFUSED, PayoutStatus.CANCELLED}),
        pauses=0.0,
        effects=(80, 250),
        changes_settings=True,
    ),
    Mood(
        "crowd",
        5,
        rates={
            "person": (0.01, 0.03),
            "called": (0.01, 0.03),
            "repeated": (0.01, 0.03),
            "rumour": (0.5, 0.9),
        },
        acts=(2, 6),
    ),
)
MOODS = {mood.name: mood for mood in _MOODS}


def mood_of(seed: int) -> Mood:
    """
    What a seed is about.
    """
    drawn = Random(f"mood of {seed}")
    return drawn.choices(_MOODS, [mood.share for mood in _MOODS])[0]
