"""
What a test is given: where the stack is, payouts that end as wanted, and events that are awaited.
"""

import contextlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from worker import bootstrap
from worker.demo.development import kept
from worker.demo.triggers import BY_NAME, Trigger
from worker.payouts.errors import PayoutError
from worker.payouts.event import EventType
from worker.settings import Profile, StoreSettings
from worker.views import events as views

#: A machine that runs many tests is slow.
_PATIENCE_S = 60.0


class NotHappened(PayoutError):
    """
    An event did not come in time; the message says which did.
    """


class Payouts:
    """
    A running stack. Events are as webhooks get them: see docs/events.md of the product.
    """

    def __init__(self, trigger: Trigger, environment: Mapping[str, str], receiver_url: str) -> None:
        self._trigger = trigger
        #: The settings, as `payouts` and a worker read them.
        self.environment = environment
        #: Where an application sends its jobs to, with Celery.
        self.broker_url = environment["PAYOUTS_BROKER_URL"]
        #: The notification receiver's.
        self.receiver_url = receiver_url

    def make(
        self, event: str, *, timeout: float = _PATIENCE_S, **changes: object
    ) -> dict[str, Any]:
        """
        Have a payout made to end in an event, as ``returned``; return that event.

        `changes` are fields of the job, such as `out_trade_no` or `amount_fen`; the payee's
        account is the one that makes the event happen. Raises `NotHappened` after so many seconds.
        """
        wanted = BY_NAME[event]
        number, found = self._trigger.pull(wanted, timeout, changes)
        if found is None:
            raise self._missed(wanted, number, timeout)
        return views.event(found)

    def wait(
        self, event: str, out_trade_no: str, *, timeout: float = _PATIENCE_S
    ) -> dict[str, Any]:
        """
        Wait for an event of a payout that the application enqueued itself; return it.

        Raises `NotHappened` after so many seconds.
        """
        wanted = BY_NAME[event]
        found = self._trigger.wait(wanted, out_trade_no, timeout)
        if found is None:
            raise self._missed(wanted, out_trade_no, timeout)
        return views.event(found)

    def events(self, out_trade_no: str) -> list[dict[str, Any]]:
        """
        All that has happened to a payout, the oldest first.
        """
        return [views.event(one) for one in self._trigger.events(out_trade_no)]

    def _missed(self, wanted: EventType, number: str, timeout: float) -> NotHappened:
        seen = ", ".join(one.type for one in self._trigger.events(number)) or "nothing"
        return NotHappened(f"no {wanted} of {number} within {timeout:g} s; what happened: {seen}")


@contextlib.contextmanager
def started(directory: Path) -> Iterator[Payouts]:
    """
    A stack below a directory, on free ports, until left. Raises `StackError` or `EmbeddedError`.
    """
    with kept(directory, {}) as stack:
        ledger = bootstrap.open_ledger(
            StoreSettings(
                profile=Profile.SANDBOX,
                database_url=SecretStr(stack.environment["PAYOUTS_DATABASE_URL"]),
                keyring=SecretStr(stack.environment["PAYOUTS_KEYRING"]),
            )
        )
        with contextlib.closing(ledger):
            trigger = Trigger(ledger, stack.broker.url, "tests")
            yield Payouts(trigger, dict(stack.environment), stack.receiver_url)
