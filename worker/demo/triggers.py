"""
How each event is made to happen: a payout to a magic account, and what a person does to it then.
"""

import contextlib
import secrets
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from worker.demo.story import send
from worker.payouts.errors import NotAllowed, StaleTransition
from worker.payouts.event import Event, EventType
from worker.payouts.policy.actions import Action
from worker.sandbox.scenarios import SCENARIOS
from worker.usecases.operate import Operator
from worker.usecases.ports import Ledger

_LOOK_EVERY_S = 0.1
#: More than one payout has.
_ALL = 200

_CONTRADICTED = "620000000000000091"

#: What the sandbox has to be given for `NEEDS_ATTENTION`: paid, says the reply, and closed, says
#: every query.
SCRIPT: Mapping[str, object] = {
    "stories": [
        {
            "name": "contradicted",
            "payee_account_no": _CONTRADICTED,
            "submits": [{"trade_status": "FINI"}],
            "queries": [{"trade_status": "CLOS"}],
        }
    ]
}

_ACCOUNTS = {scenario.name: scenario.account_no for scenario in SCENARIOS}


@dataclass(frozen=True, slots=True)
class Way:
    """
    The payee who makes an event happen, and what a person decides on the way there.
    """

    account_no: str
    actions: tuple[Action, ...] = ()
    amount_fen: int = 12_345


def _by(scenario: str, *actions: Action) -> Way:
    return Way(_ACCOUNTS[scenario], actions)


WAYS: Mapping[EventType, Way] = {
    EventType.ACCEPTED: _by("paid_later"),
    EventType.HELD: _by("held_review"),
    EventType.QUEUED: _by("held_review", Action.LET_GO),
    EventType.SENT: _by("paid_later"),
    EventType.REFUSED: _by("refused_request"),
    EventType.PROCESSING: _by("paid_later"),
    EventType.UNKNOWN: _by("lost_reply"),
    EventType.PAID: _by("paid_later"),
    EventType.FAILED: _by("closed_later"),
    EventType.RETURNED: _by("returned_notified"),
    EventType.PARTLY_RETURNED: _by("partial_return"),
    EventType.CANCELLED: _by("held_review", Action.CANCEL),
    EventType.NEEDS_ATTENTION: Way(_CONTRADICTED),
    EventType.REJECTED: Way(_ACCOUNTS["paid_later"], amount_fen=0),
    EventType.FREED: _by("held_review", Action.CANCEL, Action.RELEASE),
}


def _short(event_type: EventType) -> str:
    return event_type.partition(".")[2]


#: Events by what happened alone: `paid` for ``payout.paid``.
BY_NAME: Mapping[str, EventType] = {_short(kind): kind for kind in EventType}


def job_for(event_type: EventType, changes: Mapping[str, object]) -> dict[str, object]:
    """
    The job that makes an event happen, under a number of its own, with some fields changed.
    """
    way = WAYS[event_type]
    name = _short(event_type).replace("_", "").upper()
    made: dict[str, object] = {
        "out_trade_no": f"{name}{secrets.token_hex(4).upper()}",
        "amount_fen": way.amount_fen,
        "payee_account_name": "张三",
        "payee_bank_code": "CMB",
        "payee_account_type": "P",
        "subject": event_type.value,
    }
    return {**made, **changes, "payee_account_no": way.account_no}


class Trigger:
    """
    Makes events happen; `who` is named in the record of what a person decides.
    """

    def __init__(self, ledger: Ledger, broker_url: str, who: str) -> None:
        self._ledger = ledger
        self._broker_url = broker_url
        self._operator = Operator(ledger, who)

    def pull(
        self,
        wanted: EventType,
        seconds: float,
        changes: Mapping[str, object],
        tell: Callable[[Event], None] = lambda _: None,
    ) -> tuple[str, Event | None]:
        """
        Enqueue the payout that makes an event happen; return its number, and the event.

        No event if it did not happen within so many seconds, or cannot any more. `changes` are
        other values of the job's fields; `tell` is called with each event as it comes. Raises
        kombu's `OperationalError` where the broker is away.
        """
        job = job_for(wanted, changes)
        number = str(job["out_trade_no"])
        send(self._broker_url, [job])
        for event in self._follow(number, seconds, [*WAYS[wanted].actions]):
            tell(event)
            if event.type is wanted:
                return number, event
            if event.type is EventType.REJECTED:
                break
        return number, None

    def wait(self, wanted: EventType, number: str, seconds: float) -> Event | None:
        """
        Wait for an event of one number; None if it did not happen within so many seconds.
        """
        return next((e for e in self._follow(number, seconds, []) if e.type is wanted), None)

    def events(self, number: str) -> Sequence[Event]:
        """
        What has happened to a number, the oldest first.
        """
        return self._ledger.events(_ALL, out_trade_no=number)[::-1]

    def _follow(self, number: str, seconds: float, to_do: list[Action]) -> Iterator[Event]:
        """
        Events of a number as they happen, while a person does what is to do as soon as that may be.
        """
        deadline = time.monotonic() + seconds
        told = 0
        while True:
            found = self.events(number)
            yield from found[told:]
            told = len(found)
            if time.monotonic() >= deadline:
                return
            for payout in self._ledger.numbered(number) if to_do else ():
                with contextlib.suppress(NotAllowed, StaleTransition):
                    self._operator.act(to_do[0], payout.id, f"for {number}, made up by a trigger")
                    del to_do[0]
            time.sleep(_LOOK_EVERY_S)
