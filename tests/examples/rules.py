"""
What every application must do with events, whatever it is written in.

Events are written down here as docs/events.md has them, so that they know nothing of the code.
"""

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import pytest

AMOUNT_FEN = 12_345

#: The status that a payout has when an event of each type is told, in the order of a life.
TYPES = {
    "payout.accepted": "queued",
    "payout.held": "held",
    "payout.queued": "queued",
    "payout.sent": "sending",
    "payout.refused": "refused",
    "payout.unknown": "unknown",
    "payout.processing": "processing",
    "payout.failed": "failed",
    "payout.paid": "paid",
    "payout.partly_returned": "paid",
    "payout.returned": "returned",
    "payout.cancelled": "cancelled",
    "payout.needs_attention": "returned",
}

Event = dict[str, Any]
_ids = itertools.count(1)


@dataclass(frozen=True)
class Seen:
    """
    What an application shows of a payout.
    """

    status: str
    #: What its user has again, in fen.
    given_back_fen: int = 0


class Shop(Protocol):
    """
    An application that has asked for one payout of `AMOUNT_FEN`.
    """

    number: str

    def hear(self, event: Event) -> None:
        """
        Be told of an event as it tells it; it must be taken.
        """

    def seen(self) -> Seen:
        """
        What it shows of that payout.
        """


def an_event(number: str, kind: str, version: int, *, epoch: int = 1) -> Event:
    """
    An event as it is told, with an id of its own.
    """
    return {
        "id": f"{next(_ids):032x}",
        "type": kind,
        "timestamp": "2026-11-28T06:00:00.123456Z",
        "data": {
            "out_trade_no": number,
            "customer_no": "360080000000000001",
            "producer": "unsealed",
            "obligation": number,
            "epoch": epoch,
            "version": version,
            "status": TYPES.get(kind, "failed"),
            "meaning": "for people",
            "amount_fen": AMOUNT_FEN,
            "returned_fen": 0,
            "safe_to_repay": False,
            "what_may_come": {"later": []},
        },
    }


def a_rejection(number: str) -> Event:
    """
    A job was not accepted: there is no payout, so no version and no status.
    """
    told = an_event(number, "job.rejected", 0)
    known = ("out_trade_no", "producer", "epoch", "version")
    data = {name: told["data"][name] for name in known}
    return {**told, "data": {**data, "faults": ["invalid", "amount_fen: too low"]}}


def only_a_freed_obligation_gives_back(shop: Shop) -> None:
    """
    No other type does, one that is not known yet included; and each moves the status.
    """
    for version, (kind, status) in enumerate(TYPES.items(), 1):
        shop.hear(an_event(shop.number, kind, version))
        assert shop.seen() == Seen(status)
    shop.hear(an_event(shop.number, "payout.of_a_later_release", 90))
    assert shop.seen() == Seen("failed")
    shop.hear(an_event(shop.number, "obligation.freed", 91))
    assert shop.seen() == Seen("failed", AMOUNT_FEN)


def an_event_told_again_counts_once(shop: Shop) -> None:
    """
    The same id, however often; and an obligation that is freed anew is not given back twice.
    """
    freed = an_event(shop.number, "obligation.freed", 4)
    for event in (
        freed,
        freed,
        an_event(shop.number, "payout.paid", 5),
        freed,
        an_event(shop.number, "obligation.freed", 6),
    ):
        shop.hear(event)

    assert shop.seen() == Seen("failed", AMOUNT_FEN)


def an_id_is_worked_off_once(shop: Shop) -> None:
    """
    By its id alone, since an application may do more on an event than can be done twice.
    """
    accepted = an_event(shop.number, "payout.accepted", 1)
    shop.hear(accepted)
    shop.hear({**an_event(shop.number, "obligation.freed", 9), "id": accepted["id"]})

    assert shop.seen() == Seen("queued")


def what_is_overtaken_moves_nothing(shop: Shop) -> None:
    """
    Freed once, but paid after that: whoever gives back now has paid twice.
    """
    shop.hear(an_event(shop.number, "payout.paid", 6))
    shop.hear(an_event(shop.number, "obligation.freed", 5))
    shop.hear(an_event(shop.number, "payout.failed", 4))

    assert shop.seen() == Seen("paid")


def a_later_epoch_goes_before_a_higher_version(shop: Shop) -> None:
    """
    After a restore of the database versions begin where the backup was.
    """
    shop.hear(an_event(shop.number, "payout.sent", 9, epoch=1))
    shop.hear(an_event(shop.number, "payout.paid", 3, epoch=2))
    shop.hear(an_event(shop.number, "obligation.freed", 10, epoch=1))

    assert shop.seen() == Seen("paid")


def events_of_one_version_all_count(shop: Shop) -> None:
    """
    A move and the case that it opens have one version, and so may what frees.
    """
    shop.hear(an_event(shop.number, "payout.failed", 4))
    shop.hear(an_event(shop.number, "obligation.freed", 4))

    assert shop.seen() == Seen("failed", AMOUNT_FEN)


def a_rejection_gives_nothing_back(shop: Shop) -> None:
    """
    It is for people to look into why.
    """
    shop.hear(a_rejection(shop.number))

    assert shop.seen() == Seen("rejected")


def a_rejection_of_what_was_accepted_is_anothers(shop: Shop) -> None:
    """
    Somebody used the number again, with other content: the payout goes on.
    """
    shop.hear(an_event(shop.number, "payout.accepted", 1))
    shop.hear(a_rejection(shop.number))

    assert shop.seen() == Seen("queued")


def what_is_not_its_own_is_taken(shop: Shop) -> None:
    """
    Events of a number that it never used, and of a job that had none, keep nobody waiting.
    """
    shop.hear(an_event("ANOTHERS0001", "obligation.freed", 4))
    nameless = a_rejection(shop.number)
    del nameless["data"]["out_trade_no"]
    shop.hear(nameless)
    shop.hear(an_event(shop.number, "payout.paid", 1))

    assert shop.seen() == Seen("paid")


Rule = Callable[[Shop], None]

RULES: tuple[Rule, ...] = (
    only_a_freed_obligation_gives_back,
    an_event_told_again_counts_once,
    an_id_is_worked_off_once,
    what_is_overtaken_moves_nothing,
    a_later_epoch_goes_before_a_higher_version,
    events_of_one_version_all_count,
    a_rejection_gives_nothing_back,
    a_rejection_of_what_was_accepted_is_anothers,
    what_is_not_its_own_is_taken,
)

EACH_RULE = pytest.mark.parametrize("rule", RULES, ids=[rule.__name__ for rule in RULES])
