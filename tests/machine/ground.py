"""
The ground that the machine's rules stand on: the service, its checks, and how a story ends.
"""

import enum
from collections import Counter, deque
from collections.abc import Callable
from datetime import timedelta
from functools import wraps
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import (
    MultipleResults,
    RuleBasedStateMachine,
    invariant,
    multiple,
    rule,
)

from tests.factories import LISTED, MERCHANT, PAYEE, an_order
from tests.machine.checks import Checks
from tests.machine.fates import Fortune, Reply
from tests.machine.service import Message, Service
from tests.machine.stage import Strike
from tests.simulation.deployment import HOME, MOVED, OTHER, WRONG, Settings
from worker.payouts.model import Order, Payout
from worker.payouts.policy.actions import Action

AMOUNT = 1000
NUMBERS = ("P-0", "P-1", "P-2", "P-3", "P-4")
#: What is paid under this number goes to a payee on the review list.
REVIEWED = "P-4"

#: What takes no more than a payout; to replace it is a rule of its own.
DECISIONS = [a for a in Action if a is not Action.REPLACE]

numbers = st.sampled_from(NUMBERS)
moments = st.sampled_from(
    [
        timedelta(seconds=1),
        timedelta(seconds=31),
        timedelta(seconds=76),
        timedelta(minutes=2),
        timedelta(minutes=10),
        timedelta(hours=2),
        timedelta(days=1),
        timedelta(days=3),
    ]
)


def job(number: str, obligation: str, amount_fen: int, owed_fen: int | None = None) -> Order:
    """
    An order that pays what its own number names, or another's, or a part of it.
    """
    payee = LISTED if number == REVIEWED else PAYEE
    return an_order(
        number,
        amount_fen=amount_fen,
        obligation=obligation or number,
        owed_fen=owed_fen,
        payee=payee,
    )


#: Where processes may speak, and for whom; ours alone once all is well.
deployments = st.sampled_from(
    [
        Settings(),
        Settings(former=(WRONG,)),
        Settings(address=MOVED, former=(HOME,)),
        Settings(address=WRONG),
        Settings(address=WRONG, former=(HOME, MOVED)),
        Settings(merchant=OTHER),
    ]
)

#: What one job pays, and what is owed in all, where others may share it.
shares = st.sampled_from([(AMOUNT, None), (7, None), (7, 14), (AMOUNT, AMOUNT + 7)])
orders = st.builds(
    lambda number, obligation, share: job(number, obligation, *share),
    numbers,
    st.just("") | numbers,
    shares,
)


class Upset(enum.Enum):
    """
    What happens to everything at once.
    """

    RESUMED = "an operator lets sending go on"
    PAUSED = "an operator stops sending"
    BROKER_WIPED = "the broker loses all messages"
    FAILOVER = "the database fails over; nobody can know what it forgot, and it forgot nothing"
    MARK_AWAY = "what the broker remembers cannot be read"
    MARK_BACK = "it can be read again"


#: What every rule did and met, over all runs of this process.
STEPS: Counter[str] = Counter()
MET: Counter[str] = Counter()
ENDS: Counter[str] = Counter()


def step(**given: Any) -> Callable[[Callable[..., Any]], Any]:
    """
    A rule that is counted.
    """

    def decorate(method: Callable[..., Any]) -> Any:
        @wraps(method)
        def counted(self: Any, **drawn: Any) -> Any:
            STEPS[method.__name__] += 1
            self.is_sound = False
            return method(self, **drawn)

        as_rule: Any = rule(**given)
        return as_rule(counted)

    return decorate


class Ground(RuleBasedStateMachine):
    """
    The service before anything happens to it, and what must hold after everything that does.
    """

    def __init__(self) -> None:
        super().__init__()
        self.service = Service(MET)
        self.checks = Checks(self.service)
        #: Whether other settings come into force.
        self.is_resettled = False
        #: Whether nothing was wrong so far: what is broken need not come to rest.
        self.is_sound = True

    @invariant()
    def every_promise_is_kept(self) -> None:
        """
        Check everything after every rule.
        """
        self.is_sound = False
        self.checks.after_a_rule()
        self.is_sound = True

    def teardown(self) -> None:
        """
        Heal all faults, let the schedule pass, and check what it came to.
        """
        if self.is_sound:
            healed_at = self.service.come_to_rest()
            self.checks.at_rest(healed_at)
            ENDS.update(str(row.status) for row in self.service.ledger.payouts(None, 100))

    def _produced(self, order: Order, *, arrives: bool) -> Message:
        """
        The entry message, which the broker keeps even if it reached a worker.
        """
        self.service.jobs.append(order)
        message = Message("enqueue", order=order, epoch=self.service.epoch)
        if arrives:
            self.service.perform(message)
        return message

    def _worked(
        self, message: Message, fortune: Fortune, reply: Reply, strike: Strike | None
    ) -> MultipleResults[Message]:
        self._draw([fortune], [reply])
        self.service.perform(message, strike)
        return self._published()

    def _published(self) -> MultipleResults[Message]:
        return multiple(*self.service.taken())

    def _draw(self, fates: list[Fortune], words: list[Reply]) -> None:
        self.service.gateway.fortunes = deque(fates)
        self.service.gateway.replies = deque(words)

    def _order(self, message: Message) -> Order:
        assert message.order is not None
        return message.order

    def _row(self, message: Message) -> Payout | None:
        return self.service.ledger.find(MERCHANT, self._order(message).out_trade_no)

    def _free_numbers(self) -> list[str]:
        ours = {row.out_trade_no for row in self.service.ledger.payouts(None, 100)}
        return sorted(set(NUMBERS) - ours - set(self.service.books.trades))
