"""
One seed: a world drawn from it, its safety phase with faults, and its rest once they heal.
"""

import contextlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from itertools import count
from random import Random
from typing import Any

from tests.doubles.journal import MemoryJournal
from tests.doubles.ledger import MemoryLedger
from tests.doubles.usecases import Gathered, UseCases
from tests.factories import LISTED, NOON, PAYEE, REVIEW_LIST, an_order
from tests.simulation.books import Trade
from tests.simulation.broker import Broker, Message
from tests.simulation.checks import Broken, Watch
from tests.simulation.deployment import Deployment, Wire, owner
from tests.simulation.effects import guarded
from tests.simulation.failpoints import DatabaseAway, Failpoints
from tests.simulation.faults import Weather
from tests.simulation.jd import Jd
from tests.simulation.moods import mood_of
from tests.simulation.notifier import Notifier
from tests.simulation.people import People
from tests.simulation.restores import Restores
from tests.simulation.scheduler import Scheduler
from tests.simulation.shop import Shop
from tests.simulation.story import Story
from worker.payouts.acceptance import Conflict
from worker.payouts.errors import NoSuchCase, NoSuchPayout
from worker.payouts.limits import Limits
from worker.payouts.model import Order, Payout, Rejection
from worker.payouts.pace import Pace
from worker.payouts.policy.controls import is_set_aside, send_deadline
from worker.payouts.query_schedule import Schedule, Stretch
from worker.payouts.status import PayoutStatus
from worker.usecases.epochs import Epochs
from worker.usecases.evidence import EvidenceHandler
from worker.usecases.maintenance import Maintenance

#: Short enough to be simulated by the thousand; one world in fifty keeps the real ones.
_SHORT = Schedule(
    tail=(Stretch(timedelta(hours=1), timedelta(hours=2)), Stretch(timedelta(days=7))),
    return_queries=(timedelta(days=1), timedelta(days=2)),
)
_SWEEP_EVERY = 5.0
_SWEEP_IN_VAIN = 60.0
#: Every sweep keeps watch; here a part of them, so that there are more seeds to a second.
_WATCHES = 0.3
#: How often a relay starts beside a sweep.
_RELAYS = 0.2
#: So many payees are on the review list.
_REVIEWED = 0.2


@dataclass
class Outcome:
    """
    What became of one seed.
    """

    seed: int
    effects: int
    #: What was found wrong; empty if nothing was.
    fault: str = ""
    struck: Counter[str] = field(default_factory=Counter)
    payouts: int = 0
    resends: int = 0
    ends: Counter[str] = field(default_factory=Counter)
    story: list[str] = field(default_factory=list)


class World:
    """
    Workers, sweepers and receivers of the real service around a ledger in memory.
    """

    def __init__(self, seed: int, *, tells: bool = False) -> None:
        self._seed = seed
        self._rng = rng = Random(seed)
        #: Who is on the review list, and what people do.
        self._will = Random(f"people of {seed}")
        self._mood = mood_of(seed)
        self._scheduler = Scheduler()
        self._weather = Weather(rng, self._mood)
        self._limits = _limits(rng)
        self._deployment = Deployment(rng, changes=self._mood.changes_settings)
        tokens = count(1)
        self._ledger = MemoryLedger(self._scheduler.now, lambda: f"lease-{next(tokens)}")
        self._shop = Shop(Random(f"shop of {seed}"), self._scheduler, self._ledger, self._start)
        watched = self._limits.schedule.return_queries[-1].total_seconds()
        self._jd = Jd(rng, self._scheduler, self._weather, watched * 0.8, self._mood)
        self._watch = Watch(self._scheduler, self._ledger, self._jd, self._limits)
        workers = rng.choice((2, 3))
        self._broker = Broker(rng, self._scheduler, self._weather, workers, self._perform)
        self._notifier = Notifier(rng, self._scheduler, self._weather, self._jd, self._hear)
        self._jd.booked = self._booked
        self._jd.merchant_of = owner
        self._orders: list[Order] = []
        self._next_sweep = 0.0
        self._sweeps = count(1)
        self._flights = count(1)
        self._story = Story(self._scheduler.now, wanted=tells)
        journal = MemoryJournal()
        self._restores = Restores(
            Random(f"restores of {seed}"),
            *(self._scheduler, self._ledger, self._broker, journal, self._jd.books),
            limits=self._limits,
            story=self._story,
        )
        self._restores.went_back = self._watch.went_back
        self._restores.repeat = self._repeat
        #: The jobs that were taken or refused, so that their producers know.
        self._told: list[Order] = []
        self._people = People(
            self._will,
            self._mood,
            self._scheduler,
            self._ledger,
            self._story,
            use_cases=lambda merchant: self._payouts("operator", merchant),
            terms=lambda merchant: self._deployment.of_a_process(merchant).terms,
            start=self._start,
            read_journals=self._restores.read_journals,
        )
        self._failpoints = Failpoints(
            rng,
            self._scheduler,
            self._weather,
            self._watch,
            self._story,
            margin=self._limits.lease_margin.total_seconds() - 1,
            disturb=self._disturb,
            committed=self._restores.keep if self._mood.keeps_backups else lambda: None,
        )
        real = {
            "ledger": self._ledger,
            "outbox_ledger": self._ledger,
            "courier": self._shop,
            "gateway": self._jd,
            "dispatcher": self._broker,
            "high_water_mark": self._broker.mark,
            "journal": journal,
        }
        self.ports = {
            port: guarded(port, target, self._failpoints.around) for port, target in real.items()
        }
        self._people.port = self.ports["ledger"]
        self._shop.ports = self.ports

    def run(self) -> Outcome:
        """
        Live through both phases; the outcome says what broke, if anything did.
        """
        fault = ""
        try:
            self._begin()
            enough, long = (
                self._rng.randrange(*self._mood.effects),
                self._rng.choice(self._mood.lasts),
            )
            while (
                self._failpoints.passed < enough
                or (self._scheduler.seconds < long and self._failpoints.passed < 2 * enough)
            ) and self._advance(None):
                pass
            self._heal()
            healed_at = self._scheduler.seconds
            while self._advance(max(healed_at, self._people.acted_at) + self._longest_wait()):
                pass
            self._watch.finish(
                self._orders,
                self._people.instead,
                self._repeated(),
                journals_read=self._restores.journals_read,
            )
            self._watch.check_payable(self._people.pay_the_rest)
            self._watch.check(self._shop.finish(went_back=bool(self._restores.times)))
        except Broken as broken:
            fault = str(broken)
        except Exception as stumble:  # noqa: BLE001 (whatever it is, the seed has found it)
            fault = f"the worker stumbled: {stumble!r}"
        finally:
            self._scheduler.kill_all()
        rows = self._ledger.payouts(None, 100)
        return Outcome(
            seed=self._seed,
            effects=self._failpoints.passed,
            fault=fault,
            struck=self._weather.struck,
            payouts=len(rows),
            resends=sum(row.resends for row in rows),
            ends=Counter(row.status.value for row in rows),
            story=self._story.lines,
        )

    def _begin(self) -> None:
        rng = self._rng
        if self._deployment.changes:
            for place in range(2):
                self._produce(rng.uniform(0, 600), an_order(f"N-{place}"))
        for place in range(rng.choice((1, 1, 2, 2, 3, 4))):
            payee = LISTED if self._will.random() < _REVIEWED else PAYEE
            order = an_order(f"P-{place}", amount_fen=rng.randrange(1, 100_000), payee=payee)
            if payee is LISTED:
                look = partial(self._people.review, order.out_trade_no)
                self._scheduler.after(self._will.uniform(0, 3600), look)
            if self._weather.strikes("number_taken"):
                self._jd.take_number(order.out_trade_no, rng.choice((order.amount_fen, 1)))
            self._produce(rng.uniform(0, 60), order)
            if self._weather.strikes("rumour"):
                self._spread(order)
            if self._weather.strikes("debt_shared"):
                shared = replace(order, out_trade_no=f"S-{place}")
                self._produce(rng.uniform(0, 300_000), shared)
            if self._weather.strikes("job_repeated"):
                self._produce(rng.uniform(0, 600), order)
            if self._weather.strikes("job_conflicts"):
                other = rng.choice(
                    (replace(order, amount_fen=7), replace(order, out_trade_no=f"Q-{place}"))
                )
                self._produce(rng.uniform(0, 600), other)

        self._people.begin()

    def _spread(self, order: Order) -> None:
        """
        Have JD notify of a number, whether it has it or not, before or after we do.
        """
        said = self._jd.rumour(order.out_trade_no, order.amount_fen)
        longest = self._rng.choice((60, 3600, 100_000))
        self._scheduler.after(self._rng.uniform(0, longest), lambda: self._hear(said, lambda: None))

    def _produce(self, seconds: float, order: Order) -> None:
        self._orders.append(order)
        self._scheduler.after(
            seconds, lambda: self._broker.publish(Message("enqueue", order=order))
        )

    def _heal(self) -> None:
        """
        End all faults: the operator resumes sending, and producers repeat what they must.
        """
        self._story.tell("", "--- all faults heal")
        self._weather.heal()
        self._watch.healed_at = self._scheduler.now()
        self._deployment.heal()
        self._watch.settled(self._deployment.current)
        for minutes in (0, 5, 60, 360):
            self._scheduler.after(minutes * 60, self._people.resume)
        self._restores.heal()
        for order in self._repeated():
            self._broker.publish(Message("enqueue", order=order))

    def _repeated(self) -> list[Order]:
        """
        The jobs that producers repeat: all, unless the database forgot some that they threw away.
        """
        keeps = self._restores.repeats_jobs or not self._restores.times
        return [order for order in self._orders if keeps or order not in self._told]

    def _repeat(self) -> None:
        for order in self._repeated():
            if self._rng.random() < 0.7:
                self._broker.publish(Message("enqueue", order=order))

    def _longest_wait(self) -> float:
        """
        How long after the last thing that anybody did JD may still be asked about it for once.
        """
        schedule = self._limits.schedule
        longest = max(schedule.return_queries[-1], schedule.patience + schedule.tail[-1].every)
        return longest.total_seconds() + 2 * 86_400

    def _advance(self, end: float | None) -> bool:
        """
        Take the next step of the world; False if there is none before the end.
        """
        due, planned = self._next_due(), self._scheduler.next_at
        if due is not None:
            due = max(due, self._next_sweep, self._scheduler.seconds)
            if planned is None or due <= planned:
                if end is not None and due > end:
                    return False
                self._scheduler.seconds = due
                self._sweep()
                return True
        if planned is None or (end is not None and planned > end):
            return False
        self._scheduler.step()
        return True

    def _next_due(self) -> float | None:
        """
        When the ledger next holds something for a sweep.
        """
        if self._ledger.find_unapplied(1):
            return self._scheduler.seconds
        due: list[datetime] = []
        for row in self._ledger.payouts(None, 100):
            lost = self._deployment.is_out_of_reach(row.terms)
            if row.next_query_at and not (lost and self._ledger.dossier(row.id).open_cases):
                due.append(row.next_query_at)
            if row.lease_until:
                due.append(row.lease_until)
            elif row.status is PayoutStatus.SENDING:
                return self._scheduler.seconds
            if row.status is PayoutStatus.QUEUED:
                due.append(send_deadline(row, self._limits.send_within))
            if row.next_send_at and self._may_be_sent(row):
                due.append(row.next_send_at)
        return (min(due) - NOON).total_seconds() if due else None

    def _may_be_sent(self, row: Payout) -> bool:
        """
        Whether neither a pause nor a case nor a doubt keeps a payout from being sent.
        """
        merchant = row.terms.customer_no
        if row.doubted_at or self._ledger.channel(merchant).is_paused:
            return False
        own = (r for r in self._ledger.payouts(None, 100) if r.terms.customer_no == merchant)
        if any(r.doubted_at and r.doubted_at >= r.accepted_at and not is_set_aside(r) for r in own):
            return False
        return not self._ledger.dossier(row.id).open_cases

    def _sweep(self) -> None:
        idle = self._weather.strikes("beat_away")
        wait = self._rng.uniform(600, 7200) if idle else _SWEEP_EVERY
        self._next_sweep = self._scheduler.seconds + wait

        watches = self._rng.random() < _WATCHES

        def work() -> None:
            if watches:
                self._maintenance().run()
            swept = self._payouts("worker").sweep()
            if not (swept.applied or swept.sends or swept.queries):
                # What is due waits for someone: a paused channel, for instance.
                self._next_sweep = self._scheduler.seconds + _SWEEP_IN_VAIN

        self._start(f"sweeper-{next(self._sweeps)}", work)
        if self._shop.listens and self._rng.random() < _RELAYS:
            self._scheduler.after(self._rng.uniform(0, 1), self._shop.relay)
        if not self._weather.calm and self._rng.random() < 0.1:
            # Another beat.
            self._scheduler.after(
                self._rng.uniform(0, 1),
                lambda: self._start(f"sweeper-{next(self._sweeps)}", work),
            )

    def _start(self, name: str, work: Any) -> None:
        def cautious() -> None:
            try:
                with self._bereft():
                    work()
            except DatabaseAway:
                self._story.tell(name, "gave up: the database is away")

        self._scheduler.start(name, cautious, lambda _whole: None)

    @contextlib.contextmanager
    def _bereft(self) -> Iterator[None]:
        """
        End a process that does not find what the database has forgotten, as any fault ends one.
        """
        begun = self._restores.times
        try:
            yield
        except Exception as error:
            missing = begun and isinstance(error, NoSuchPayout | NoSuchCase)
            if self._restores.times == begun and not missing:
                raise
            self._story.tell(self._scheduler.current.name, f"gave up: {error}")

    def _payouts(self, actor: str, merchant: str | None = None) -> UseCases:
        settings = self._deployment.of_a_process(merchant)
        gathered, one_by_one = Gathered(), self._rng.random() < 0.5
        handler = EvidenceHandler(
            self.ports["ledger"],
            settings.merchant,
            self._limits,
            actor,
            *(() if one_by_one else (gathered,)),
        )
        wire = Wire(self._jd, settings, self._watch.speaks)
        gateway = guarded("gateway", wire, self._failpoints.around)
        dispatcher = self.ports["dispatcher"]
        return UseCases(
            handler,
            gateway,
            dispatcher,
            settings.terms,
            REVIEW_LIST,
            steady=lambda: self._scheduler.seconds,
            batch=self._rng.choice((1, 2, 50)),
            begin=self._begin_apart if one_by_one else self._begin_here,
            gathered=gathered,
            mark=self.ports["high_water_mark"],
            journal=self.ports["journal"],
        )

    def _begin_here(self, work: Any) -> None:
        """
        Do one piece of a batch, after those before it.
        """
        self._scheduler.current.attempt = getattr(work.args[0], "attempt", None)
        work()

    def _begin_apart(self, work: Any) -> None:
        """
        Do it side by side with the others, as soon as its turn comes.
        """
        late = self._rng.choice((0.0, 0.0, 0.2, 5.0, 200.0))
        name = f"in-flight-{next(self._flights)}"
        self._scheduler.after(late, lambda: self._start(name, lambda: self._begin_here(work)))

    def _maintenance(self) -> Maintenance:
        merchant = self._deployment.of_a_process().merchant
        handler = EvidenceHandler(self.ports["ledger"], merchant, self._limits, "worker")
        ledger, mark = self.ports["ledger"], self.ports["high_water_mark"]
        return Maintenance(handler, ledger, Epochs(ledger, mark, self._limits))

    def _perform(self, message: Message) -> None:
        """
        Do what a task does with its message.
        """
        number = message.order.out_trade_no if message.order else None
        merchant = None if number is None else owner(number)
        service = self._payouts("worker", merchant)
        if merchant not in {None, service.terms.customer_no}:
            return  # its producer's merchant is not served at this moment: the producer repeats it
        try:
            if message.order is None:
                with self._bereft():
                    self._look_into_journals(message)
                    getattr(service, message.task)()
                return
            self._take(service, message.order)
        except DatabaseAway:
            self._story.tell("", f"{message}: the database is away")
            if message.order is not None:
                self._scheduler.after(5, lambda: self._broker.publish(message))

    def _take(self, service: UseCases, order: Order) -> None:
        """
        Take a job in, or refuse it by name: for a fault of ours, too.
        """
        begun = self._restores.times
        try:
            outcome = service.accept(order)
        except NoSuchPayout:
            if self._restores.times == begun:
                raise
            outcome = Conflict("worker_fault", ())
        if isinstance(outcome, Conflict):
            number = order.out_trade_no
            service.reject(Rejection(outcome.reason, outcome.faults, 0, "", number))
        self._told.append(order)

    def _look_into_journals(self, message: Message) -> None:
        """
        Do what a process does first that sends, after all have been stopped.
        """
        if message.task == "send" and self._restores.is_starting:
            ledger, mark = self.ports["ledger"], self.ports["high_water_mark"]
            Epochs(ledger, mark, self._limits).check(self.ports["journal"])
            self._restores.is_starting = False

    def _booked(self, trade: Trade) -> None:
        self._story.tell("JD", "books", trade)
        self._watch.booked(trade)
        self._notifier.announce(trade)

    def _hear(self, answer: Any, acknowledge: Any) -> None:
        """
        Do what the receiver does with a notification.
        """
        named = owner(answer.number or "")
        merchant = self._deployment.of_a_process(named).merchant
        handler = EvidenceHandler(self.ports["ledger"], merchant, self._limits, "receiver")
        fits = merchant == named

        def work() -> None:
            if not answer.number:
                return
            if not answer.verified or not fits:  # another's key verifies nothing
                handler.hurry(answer.number)
            elif handler.notify(answer):
                acknowledge()

        self._story.tell("JD", "notifies:", answer)
        self._start("receiver", work)

    def _disturb(self, fault: str) -> None:
        match fault:
            case "power_cut":
                self._scheduler.after(0, self._scheduler.kill_all)
            case "broker_wiped":
                self._broker.wipe()
            case "paused":
                self._ledger.pause(self._deployment.current.merchant, "operator", "operator")
                self._scheduler.after(self._rng.uniform(1, 1200), self._people.resume)
            case "restored":
                self._ledger.begin_epoch("operator", "operator", self._limits.ask_first_for)
            case "person":
                self._scheduler.after(0, self._people.act)
            case "called":
                self._scheduler.after(0, self._call)
            case "resettled":
                self._deployment.change()
                self._watch.settled(self._deployment.current)
                self._story.tell("", "settings:", str(self._deployment.current))
                self._scheduler.after(self._rng.uniform(0, 600), self._people.resume)
            case "failed_over":
                self._restores.fail_over()
            case "put_back":
                self._scheduler.after(0, self._restores.restore)
            case "mark_away":
                self._restores.lose_sight()
            case "repeated" if self._restores.repeats_jobs or not self._mood.keeps_backups:
                self._broker.publish(Message("enqueue", order=self._rng.choice(self._orders)))

    def _call(self) -> None:
        """
        Have JD notify of one of its trades, at a moment that is nobody's.
        """
        trades = list(self._jd.books.trades.values())
        if trades:
            trade = self._rng.choice(trades)
            notice = self._jd.notice(trade, trade.step(self._scheduler.seconds))
            self._hear(notice, lambda: None)


def _limits(rng: Random) -> Limits:
    return Limits(
        schedule=Schedule() if rng.random() < 0.02 else _SHORT,
        resend_limit=rng.choice((0, 1, 2, 2)),
        unverifiable_limit=rng.choice((3, 1000)),
        send_within=timedelta(minutes=rng.choice((20, 24 * 60))),
        breaker_least=rng.choice((2, 1000)),
        send_pace=rng.choice((Pace(1_000_000), Pace(10), Pace(6, timedelta(minutes=1)))),
        query_pace=rng.choice((Pace(1_000_000), Pace(20), Pace(12, timedelta(minutes=1)))),
    )
