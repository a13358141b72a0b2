"""
Every way to disturb the service, as a rule.
"""

import dataclasses
from datetime import timedelta

from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    MultipleResults,
    consumes,
    initialize,
    multiple,
    precondition,
)

from tests.factories import MERCHANT
from tests.machine.books import Course
from tests.machine.fates import Fortune, Reply, Spoil, fortunes, lies, replies, spoils
from tests.machine.ground import (
    AMOUNT,
    DECISIONS,
    MET,
    Ground,
    Upset,
    deployments,
    job,
    moments,
    numbers,
    orders,
    step,
)
from tests.machine.restores import Broker, Journal, Past
from tests.machine.service import OPERATOR, Message
from tests.machine.stage import Blow, Strike, pasts, strikes
from tests.simulation.deployment import Settings
from worker.payouts.evidence import Answer, TradeStatus
from worker.payouts.model import Order
from worker.payouts.policy.actions import Action


class PayoutMachine(Ground):
    """
    The service, its surroundings, and what they do to each other.
    """

    messages: Bundle[Message] = Bundle("messages")
    payouts: Bundle[Message] = Bundle("payouts")
    notices: Bundle[Answer] = Bundle("notices")

    # --- producers and the broker

    @initialize(
        targets=(messages, payouts),
        order=orders,
        goes_back=st.booleans(),
        deduplicates=st.sampled_from([True, True, False]),
        resettled=st.sampled_from([False, False, True]),
    )
    def begin(self, order: Order, goes_back: bool, deduplicates: bool, resettled: bool) -> Message:
        """
        A producer sends the first job, and it is accepted.

        In this story the database goes back, or does not; JD books a number once, or does not; and
        other settings come into force, or do not.
        """
        self.is_resettled = resettled
        self.service.restores.is_on = goes_back
        self.service.gateway.deduplicates = deduplicates
        return self._produced(order, arrives=True)

    @step(
        targets=(messages, payouts),
        order=orders,
        patience=st.none() | moments,
        arrives=st.booleans(),
    )
    def produce(self, order: Order, patience: timedelta | None, arrives: bool) -> Message:
        """
        A producer sends a job, perhaps one that it sent before, or another under its number.
        """
        if patience is not None:
            order = dataclasses.replace(order, send_before=self.service.clock.now + patience)
        return self._produced(order, arrives=arrives)

    @step(
        targets=(messages, payouts),
        order=orders,
        fortune=fortunes,
        strike=strikes,
    )
    def pay(self, order: Order, fortune: Fortune, strike: Strike | None) -> Message:
        """
        A producer sends a job, and it is accepted and sent at once.
        """
        message = self._produced(order, arrives=True)
        row = self._row(message)
        if row is not None:
            self._draw([fortune], [])
            self.service.perform(Message("send", epoch=self.service.epoch), strike)
        return message

    @step(
        target=messages, message=consumes(messages), fortune=fortunes, reply=replies, strike=strikes
    )
    def deliver(
        self, message: Message, fortune: Fortune, reply: Reply, strike: Strike | None
    ) -> MultipleResults[Message]:
        """
        A message reaches a worker.
        """
        return self._worked(message, fortune, reply, strike)

    @step(target=messages, message=messages, fortune=fortunes, reply=replies, strike=strikes)
    def deliver_and_keep(
        self, message: Message, fortune: Fortune, reply: Reply, strike: Strike | None
    ) -> MultipleResults[Message]:
        """
        A message reaches a worker, and will again.
        """
        return self._worked(message, fortune, reply, strike)

    @step(message=consumes(messages))
    def drop(self, message: Message) -> None:
        """
        A message gets lost.
        """

    @step(message=payouts, fortune=fortunes, strike=strikes)
    def wake(self, message: Message, fortune: Fortune, strike: Strike | None) -> None:
        """
        A message that nobody expected any more asks a worker to send.
        """
        row = self._row(message)
        if row is not None:
            self._draw([fortune], [])
            self.service.perform(Message("send", epoch=self.service.epoch), strike)

    # --- time

    @step(target=messages, strike=strikes)
    def sweep(self, strike: Strike | None) -> MultipleResults[Message]:
        """
        Beat asks for a sweep.
        """
        self.service.sweep(strike)
        return self._published()

    @step(target=messages, by=moments)
    def let_time_pass(self, by: timedelta) -> MultipleResults[Message]:
        """
        Nobody does anything for a while.
        """
        self.service.clock.advance(by)
        return self._published()

    @step(
        target=messages,
        by=moments,
        fates=st.lists(fortunes, max_size=2),
        words=st.lists(replies, max_size=4),
    )
    def live(
        self, by: timedelta, fates: list[Fortune], words: list[Reply]
    ) -> MultipleResults[Message]:
        """
        Beat and workers are well for a while; JD and the network may not be.
        """
        self._draw(fates, words)
        self.service.live_until(self.service.clock.now + by)
        return self._published()

    # --- JD and people

    @step(message=payouts, reply=replies, strike=strikes)
    def ask(self, message: Message, reply: Reply, strike: Strike | None) -> None:
        """
        Someone asks JD about a payout.
        """
        row = self._row(message)
        if row is not None:
            self._draw([], [reply])
            self.service.ask(row, strike)

    @step(
        target=notices,
        message=payouts,
        spoil=spoils,
        lie=lies,
        arrives=st.booleans(),
        strike=strikes,
    )
    def notify(
        self,
        message: Message,
        spoil: Spoil,
        lie: TradeStatus,
        arrives: bool,
        strike: Strike | None,
    ) -> MultipleResults[Answer]:
        """
        JD, or whoever forges its messages, tells us of a payout; it may take its time to arrive.
        """
        order = self._order(message)
        notice = self.service.gateway.notice(order.out_trade_no, order.amount_fen, spoil, lie)
        if notice is None:
            return multiple()
        MET.update([f"notice: {spoil}"])
        if arrives:
            self.service.hear(notice, strike)
        return multiple(notice)

    @step(notice=notices, strike=strikes)
    def notify_again(self, notice: Answer, strike: Strike | None) -> None:
        """
        A notification arrives late, once more, or after a newer one.
        """
        self.service.hear(notice, strike)

    @precondition(lambda self: self._free_numbers())
    @step(
        target=notices,
        number=st.runner().flatmap(lambda self: st.sampled_from(self._free_numbers())),
        amount_fen=st.just(AMOUNT) | st.just(7),
        course=st.sampled_from(Course),
        told=st.booleans(),
    )
    def take_the_number(
        self, number: str, amount_fen: int, course: Course, told: bool
    ) -> MultipleResults[Answer]:
        """
        Someone else pays under a number that is not ours yet, and JD may tell us.
        """
        self.service.gateway.take_number(number, amount_fen, course)
        notice = self.service.gateway.notice(number, amount_fen, Spoil.NOTHING, TradeStatus.FINI)
        if notice is None or not told:
            return multiple()
        self.service.hear(notice)
        return multiple(notice)

    @step(message=payouts, action=st.sampled_from(DECISIONS), strike=strikes)
    def decide(self, message: Message, action: Action, strike: Strike | None) -> None:
        """
        An operator decides something about a payout, or resolves its oldest case, if it is legal.
        """
        row = self._row(message)
        if row is None:
            return
        if action is Action.RESOLVE:
            self.service.resolve(row)
        else:
            self.service.operate(action, row, strike)

    @step(
        target=payouts,
        message=payouts,
        number=numbers,
        amount_fen=st.sampled_from([AMOUNT, AMOUNT * 4 // 10, 7]),
        strike=strikes,
    )
    def replace(
        self, message: Message, number: str, amount_fen: int, strike: Strike | None
    ) -> MultipleResults[Message]:
        """
        An operator has another payout pay what a payout did not, if that is legal.
        """
        row = self._row(message)
        if row is None:
            return multiple()
        order = job(number, row.obligation, amount_fen)
        taken = self.service.replace(row, order, strike)
        return multiple(Message("enqueue", order=order)) if taken else multiple()

    @precondition(lambda self: self.is_resettled)
    @step(settings=deployments, key_is_ours=st.sampled_from([True, True, False]))
    def settle(self, settings: Settings, key_is_ours: bool) -> None:
        """
        Processes start anew with other settings; JD's key is the one that we have, or another.
        """
        MET.update([f"settings: {settings}", f"key is ours: {key_is_ours}"])
        self.service.settings = settings
        self.service.gateway.is_key_ours = key_is_ours

    @precondition(lambda self: self.is_resettled)
    @step(message=payouts, strike=strikes)
    def move(self, message: Message, strike: Strike | None) -> None:
        """
        An operator has a payout sent again where the settings say, if that is legal.
        """
        row = self._row(message)
        if row is not None:
            self.service.move(row, strike)

    @step(upset=st.sampled_from(Upset))
    def upset(self, upset: Upset) -> None:
        """
        Something happens to everything at once.
        """
        MET.update([str(upset)])
        match upset:
            case Upset.RESUMED:
                self.service.ledger.resume(MERCHANT, "looked", OPERATOR)
            case Upset.PAUSED:
                self.service.ledger.pause(MERCHANT, "a look", OPERATOR)
            case Upset.BROKER_WIPED:
                self.service.wipe()
            case Upset.FAILOVER:
                self.service.restores.say_so(Journal.UNREAD)
            case Upset.MARK_AWAY:
                self.service.mark.is_away = True
            case Upset.MARK_BACK:
                self.service.mark.is_away = False

    @precondition(lambda self: self.service.restores.has_claims)
    @step(to=pasts, mark_away=st.sampled_from([False, False, True]))
    def fail_over(self, to: Past, mark_away: bool) -> None:
        """
        The database has lost its last commits, and nobody says so.
        """
        if self.service.restores.fail_over(to):
            self.service.mark.is_away |= mark_away
            MET.update([str(Blow.FAILS_OVER)])

    @precondition(lambda self: self.service.restores.has_claims)
    @step(
        to=pasts,
        broker=st.sampled_from(Broker),
        journal=st.sampled_from(Journal),
        says=st.booleans(),
        repeats=st.booleans(),
    )
    def restore(
        self, to: Past, broker: Broker, journal: Journal, says: bool, repeats: bool
    ) -> None:
        """
        A backup is put back, and perhaps somebody says so.
        """
        if self.service.restore(to, broker, journal, says=says, repeats=repeats):
            MET.update([str(broker), str(journal)])
