"""
The real service around a ledger in memory, with everything in reach that may happen to it.
"""

import contextlib
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count
from typing import Any

from tests.doubles.high_water_mark import MemoryMark
from tests.doubles.journal import MemoryJournal
from tests.doubles.ledger import MemoryLedger
from tests.doubles.usecases import UseCases
from tests.factories import MERCHANT, REVIEW_LIST
from tests.machine.books import Books
from tests.machine.fates import Spoil
from tests.machine.gateway import Gateway
from tests.machine.restores import Broker, Journal, Past, Restores
from tests.machine.stage import Blow, Stage, Strike
from tests.machine.virtual import VirtualClock
from tests.simulation.deployment import MOVED, WRONG, Settings, Wire
from tests.simulation.effects import guarded
from worker.payouts.acceptance import Conflict
from worker.payouts.errors import NotAllowed, StaleTransition
from worker.payouts.evidence import Answer, TradeStatus
from worker.payouts.limits import Limits
from worker.payouts.model import Order, Payout, Rejection
from worker.payouts.policy.actions import Action, legal
from worker.payouts.query_schedule import Schedule, Stretch
from worker.payouts.status import PayoutStatus
from worker.usecases.epochs import Epochs
from worker.usecases.evidence import EvidenceHandler
from worker.usecases.maintenance import Maintenance
from worker.usecases.operate import Operator

LIMITS = Limits(
    schedule=Schedule(
        tail=(Stretch(timedelta(hours=1), timedelta(hours=2)), Stretch(timedelta(days=7))),
        return_queries=(timedelta(days=1), timedelta(days=2)),
    ),
    breaker_least=3,
    # Longer than a story: what is accepted after a restore is asked about first.
    ask_first_for=timedelta(days=200),
)
OPERATOR = "operator"
_BEAT = timedelta(seconds=5)
_LONGEST_REST = timedelta(hours=1)
_ALL = 100


@dataclass(frozen=True)
class Message:
    """
    What a worker is asked to do. Entry messages alone carry an order, and are acknowledged late.
    """

    task: str
    order: Order | None = None
    #: How often the broker had been wiped when it took this.
    epoch: int = 0


class Service:
    """
    Workers, sweepers, receivers and operators; the broker's messages are the caller's to deliver.
    """

    def __init__(self, met: Counter[str]) -> None:
        self.clock = VirtualClock()
        self.limits = LIMITS
        tokens = count(1)
        self.ledger = MemoryLedger(self.clock, lambda: f"lease-{next(tokens)}")
        self.books = Books()
        #: What the broker remembers of the database, and what workers have written down.
        self.mark = MemoryMark()
        self.journal = MemoryJournal()
        self.restores = Restores(
            self.clock, self.ledger, self.mark, self.journal, self.limits, OPERATOR
        )
        margin = LIMITS.lease_margin - timedelta(seconds=1)
        self.stage = Stage(self.clock, margin, self.restores)
        self.gateway = Gateway(self.clock, self.books, self.stage.connecting, met)
        self.settings = Settings()
        #: Called before anything is said: with which settings, on whose terms, of which number.
        self.speaks: Callable[..., None] = lambda *_: None
        self.epoch = 0
        self.published: list[Message] = []
        #: What was ever produced.
        self.jobs: list[Order] = []
        #: The jobs that nobody repeats: their producers have thrown them away, or had none.
        self.thrown: list[Order] = []
        self._instead: list[Order] = []
        self._ledger = guarded("ledger", self.ledger, self.stage.around)
        self._journal = guarded("journal", self.journal, self.stage.around)
        self._mark = guarded("high_water_mark", self.mark, self.stage.around)
        self._dispatcher = guarded("dispatcher", self, self.stage.around)
        self.stage.struck = lambda blow: met.update([str(blow)])
        self.stage.go_on = lambda by: self.live_until(self.clock.now + by)
        self.stage.others = {
            Blow.SWEEP: self._sweep,
            Blow.QUERY: self._ask_about_everything,
            Blow.NOTICES: self._notify_of_everything,
            Blow.PAUSED: lambda: self.ledger.pause(MERCHANT, "a look", OPERATOR),
            Blow.BROKER_WIPED: self.wipe,
            Blow.SAID_RESTORED: lambda: self.restores.say_so(Journal.UNREAD),
        }

    def payouts(self) -> UseCases:
        """
        The use cases, as a process has them that starts now.
        """
        wire = Wire(self.gateway, self.settings, self.speaks)
        return UseCases(
            self._handler("worker"),
            guarded("gateway", wire, self.stage.around),
            self._dispatcher,
            self.settings.terms,
            REVIEW_LIST,
            steady=self.clock.seconds,
            begin=self._begin,
            mark=self._mark,
            journal=self._journal,
        )

    def wake_sender(self) -> None:
        """
        Take a message for a worker: this is the dispatcher.
        """
        self.published.append(Message("send", epoch=self.epoch))

    def wake_querier(self) -> None:
        """
        Take a message for a worker.
        """
        self.published.append(Message("ask", epoch=self.epoch))

    def taken(self) -> list[Message]:
        """
        The messages that were published since someone last took them.
        """
        taken, self.published = self.published, []
        return taken

    def wipe(self) -> None:
        """
        Forget every message.
        """
        self.published.clear()
        self.epoch += 1
        self.restores.forget_mark()

    def restore(
        self, to: Past, broker: Broker, journal: Journal, *, says: bool, repeats: bool
    ) -> bool:
        """
        Stop everything and put a backup back; `repeats` if producers still have their jobs.

        Return whether there was one to put back.
        """
        told = [order for order in self.jobs if self.is_told(order)]
        if not self.restores.restore(to, broker, journal, says=says):
            return False
        if broker is not Broker.STAYS:
            self.published.clear()
            self.epoch += 1
        self.thrown += [] if repeats else told
        return True

    def is_told(self, order: Order) -> bool:
        """
        Whether its producer knows that a job was taken, or refused.
        """
        row = self.ledger.find(MERCHANT, order.out_trade_no)
        rejected = {rejection.out_trade_no for rejection in self.ledger.rejections(_ALL)}
        return (
            row is not None and self.ledger.order(row.id) == order
        ) or order.out_trade_no in rejected

    def left(self) -> list[Order]:
        """
        The jobs but those that the database has forgotten, and nobody repeats.
        """
        unrepeated = [*self.thrown, *self._instead] if self.restores.times else []
        return [o for o in self.jobs if o not in unrepeated or self.is_told(o)]

    def forgotten(self) -> set[str]:
        """
        The numbers of ours in JD's books of which the database, having gone back, knows nothing.

        Its payout is not there, or another was accepted under its number since.
        """
        booked = {n: t.order for n, t in self.books.trades.items() if t.order is not None}
        rows = {n: self.ledger.find(MERCHANT, n) for n in booked}
        orders = {n: self.ledger.order(row.id) for n, row in rows.items() if row is not None}
        return {n for n in booked if self.restores.times and orders.get(n) != booked[n]}

    def perform(self, message: Message, strike: Strike | None = None) -> None:
        """
        Do what a task does with its message; one whose job was not taken comes again.
        """
        if message.epoch != self.epoch:
            return
        whole = self.stage.run(lambda: self._perform(message), strike)
        if message.order is not None and not whole and message.epoch == self.epoch:
            self.published.append(message)

    def sweep(self, strike: Strike | None = None) -> None:
        """
        Do what beat asks for.
        """
        self.stage.run(self._sweep, strike)

    def ask(self, row: Payout, strike: Strike | None = None) -> None:
        """
        Do what `payouts query` does.
        """
        self.stage.run(lambda: self.payouts().query(row.id), strike)

    def hear(self, answer: Answer, strike: Strike | None = None) -> None:
        """
        Do what the receiver does with a notification.
        """

        def work() -> None:
            handler = self._handler("receiver")
            if answer.verified and self.settings.merchant == MERCHANT:
                handler.notify(answer)
            elif answer.number is not None:
                handler.hurry(answer.number)

        self.stage.run(work, strike)

    def operate(self, action: Action, payout: Payout, strike: Strike | None = None) -> None:
        """
        Take a person's decision, if it is legal.
        """

        def work() -> None:
            Operator(self._ledger, OPERATOR).act(action, payout.id, "it was asked for")

        self._as_operator(work, strike)

    def move(self, payout: Payout, strike: Strike | None = None) -> None:
        """
        Have a refused payout sent where the settings say, if that is legal.
        """

        def work() -> None:
            terms = self.settings.terms
            Operator(self._ledger, OPERATOR).resend_at(payout.id, terms, "it was asked for")

        self._as_operator(work, strike)

    def replace(self, payout: Payout, order: Order, strike: Strike | None = None) -> bool:
        """
        Have another payout pay instead, if that is legal; return whether it is there now.
        """

        def work() -> None:
            operator = Operator(self._ledger, OPERATOR)
            terms = self.settings.terms
            operator.replace(payout.id, order, terms, "it was asked for", REVIEW_LIST)

        self._as_operator(work, strike)
        row = self.ledger.find(MERCHANT, order.out_trade_no)
        taken = row is not None and self.ledger.order(row.id) == order
        self.jobs += [order] if taken else []
        self._instead += [order] if taken else []
        return taken

    def resolve(self, payout: Payout) -> None:
        """
        Close a payout's oldest case, if it is one to be closed.
        """
        dossier = self.ledger.dossier(payout.id)
        for case in dossier.open_cases[:1]:
            if Action.RESOLVE in legal(case, dossier):
                self.ledger.close_case(case, OPERATOR, "it was looked into")

    def is_resolved(self, payout: Payout) -> bool:
        """
        Whether a person closed a case of a payout by having looked into it.
        """
        return any(d.action is Action.RESOLVE for d in self.ledger.decisions(payout.id))

    def live_until(self, end: datetime) -> None:
        """
        Let beat and workers do all that falls due until then, undisturbed.
        """
        rest = _BEAT
        while True:
            for message in self.taken():
                self.perform(message)
            due = self._next_due()
            # What waits for someone stays due, and the time is over all the same.
            if due is None or max(due, self.clock.now) > end:
                break
            self.clock.advance(max(due - self.clock.now, timedelta(0)))
            waited = bool(self.ledger.find_unapplied(1))
            self.sweep()
            # What is due may wait for someone: a paused channel, for instance.
            rest = _BEAT if waited or self.published else min(2 * rest, _LONGEST_REST)
            self.clock.advance(rest)
        self.clock.advance(max(end - self.clock.now, timedelta(0)))

    def come_to_rest(self) -> datetime:
        """
        Heal all faults, have everybody do what is theirs, and let the schedule pass.

        Return when the faults healed.
        """
        healed_at = self.clock.now
        self.gateway.fortunes.clear()
        self.gateway.replies.clear()
        self.gateway.is_key_ours = True
        self.settings = Settings(former=(MOVED, WRONG))
        self.restores.heal()
        for order in self.left():
            self.perform(Message("enqueue", order=order, epoch=self.epoch))
        for minutes in (1, 5, 60, 360):
            # Each of the payouts may stop the channel once, for a balance that is too small.
            self.ledger.resume(MERCHANT, "fixed", OPERATOR)
            self.live_until(healed_at + timedelta(minutes=minutes))
        schedule = self.limits.schedule
        longest = max(schedule.return_queries[-1], schedule.patience + schedule.tail[-1].every)
        self.live_until(healed_at + longest + timedelta(days=2))
        return healed_at

    def _begin(self, work: Any) -> None:
        """
        Do one piece of a batch: it may connect under the lease of its own claim alone.
        """
        self.stage.current.attempt = getattr(work.args[0], "attempt", None)
        work()

    def _perform(self, message: Message) -> None:
        service = self.payouts()
        if message.order is None:
            if message.task == "send":
                self.restores.start()
            getattr(service, message.task)()
            return
        if self.settings.merchant != MERCHANT:
            return  # its producer's merchant is not served at this moment: the producer repeats it
        outcome = service.accept(message.order)
        if isinstance(outcome, Conflict):
            number = message.order.out_trade_no
            service.reject(Rejection(outcome.reason, outcome.faults, 0, "", number))

    def _sweep(self) -> None:
        epochs = Epochs(self._ledger, self._mark, self.limits)
        Maintenance(self._handler("maintenance"), self._ledger, epochs).run()
        self.payouts().sweep()

    def _as_operator(self, work: Callable[[], None], strike: Strike | None) -> None:
        def polite() -> None:
            with contextlib.suppress(NotAllowed, StaleTransition):
                work()

        self.stage.run(polite, strike)

    def _next_due(self) -> datetime | None:
        """
        When the ledger next holds something for a sweep.
        """
        if self.ledger.find_unapplied(1):
            return self.clock.now
        due: list[datetime | None] = []
        for row in self.ledger.payouts(None, _ALL):
            due += [row.next_query_at, row.lease_until]
            if row.status is PayoutStatus.SENDING and row.lease_until is None:
                due.append(self.clock.now)
            if not self.ledger.dossier(row.id).open_cases:
                due.append(row.next_send_at)
        return min((at for at in due if at is not None), default=None)

    def _handler(self, actor: str) -> EvidenceHandler:
        return EvidenceHandler(self._ledger, self.settings.merchant, self.limits, actor)

    def _ask_about_everything(self) -> None:
        for row in self.ledger.payouts(None, _ALL):
            self.payouts().query(row.id)

    def _notify_of_everything(self) -> None:
        for trade in list(self.books.trades.values()):
            notice = self.gateway.notice(trade.number, 0, Spoil.NOTHING, TradeStatus.FINI)
            if notice is not None:
                self.hear(notice)
