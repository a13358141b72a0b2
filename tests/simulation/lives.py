"""
Scripted lives of one payout over the real ledger on SQLite, to be cut off at any effect.

What outlives a process is on disk: the database, and a file with JD's books and the time.
"""

import json
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from tests.doubles.clock import telling
from tests.doubles.high_water_mark import MemoryMark
from tests.doubles.journal import MemoryJournal
from tests.doubles.usecases import UseCases
from tests.factories import MERCHANT, NOON, TERMS, a_bare, a_trade, an_order
from tests.simulation.effects import Around, guarded
from worker.payouts.errors import MaybeSent, NotSent
from worker.payouts.evidence import Answer, Meaning, TradeStatus
from worker.payouts.invariants import Breach, Invariant, at_rest, of_books, of_payout
from worker.payouts.limits import Limits
from worker.payouts.model import Order, Payout, Terms
from worker.payouts.policy.actions import Action
from worker.payouts.policy.controls import ReviewList, held_by
from worker.payouts.query_schedule import Schedule, Stretch
from worker.payouts.status import PayoutStatus
from worker.store.engine import create_engine
from worker.store.installation import ensure_profile
from worker.store.keyring import Keyring
from worker.store.ledger import SqlLedger
from worker.store.migrate import upgrade
from worker.usecases.epochs import Epochs
from worker.usecases.evidence import EvidenceHandler
from worker.usecases.maintenance import Maintenance
from worker.usecases.operate import Operator

ORDER = an_order()
LIMITS = Limits(
    schedule=Schedule(
        tail=(Stretch(timedelta(hours=1), timedelta(hours=1)), Stretch(timedelta(days=7))),
        return_queries=(timedelta(days=1),),
    ),
    send_within=timedelta(minutes=5),
)
_KEYRING = Keyring([Keyring.generate_key()])
_HORIZON = NOON + timedelta(days=12)
_ENOUGH = 400
#: How long after its acceptance an operator looks at what is held: too late for it to be sent.
_LOOKED_AFTER = timedelta(minutes=20)
#: When the watch is kept, beside the start of each process: each beat is a change to die after, so
#: there are fewer of them than of sweeps.
_WATCHES = tuple(NOON + timedelta(minutes=minutes) for minutes in (5, 150, 2000))


@dataclass(frozen=True)
class Life:
    """
    What becomes of each transmission in turn, and where the trade stands after so many minutes.

    The fates: `unconnected`, `lost` on the way, `refused` for the payee's data, `unanswered` though
    booked, `booked`. Whatever comes after the last one is booked.
    """

    name: str
    fates: tuple[str, ...]
    course: tuple[tuple[float, TradeStatus], ...]
    notified: bool = False
    #: Where it ends if JD never had it.
    unbooked: PayoutStatus = PayoutStatus.FAILED
    #: Whether the payee is on the review list: once nothing else is due, an operator lets it go.
    reviewed: bool = False
    #: Whether it connects within the leave that its claim gives; else it takes longer to get there.
    at_once: bool = False


#: How long getting there takes otherwise.
_SLOWLY = timedelta(seconds=2)

LIVES = (
    Life(
        "lost reply, then returned",
        ("unanswered",),
        ((0, TradeStatus.WPAR), (2, TradeStatus.FINI), (600, TradeStatus.REFU)),
    ),
    Life("never arrived", ("lost",), ((0, TradeStatus.FINI),), at_once=True),
    Life(
        "no connection, then closed",
        ("unconnected",),
        ((0, TradeStatus.ACSU), (5, TradeStatus.CLOS)),
        notified=True,
    ),
    Life("refused", ("refused",), ((0, TradeStatus.FINI),)),
    Life(
        "no connection in time",
        ("unconnected",) * 8,
        ((0, TradeStatus.FINI),),
        unbooked=PayoutStatus.HELD,
    ),
    Life("held for review", ("unanswered",), ((0, TradeStatus.FINI),), reviewed=True),
)


class Jd:
    """
    JD's books of one number, and the time, both in a file.
    """

    def __init__(self, path: Path, life: Life) -> None:
        self._path = path
        self._life = life
        self._state: dict[str, Any] = {"now": 0, "sent": []}
        if path.exists():
            self._state = json.loads(path.read_text())

    @property
    def now(self) -> datetime:
        """
        The time everywhere.
        """
        return NOON + timedelta(seconds=self._state["now"])

    def seconds(self) -> float:
        """
        The same time, as seconds that nobody sets.
        """
        return self.now.timestamp()

    def advance(self, to: datetime) -> None:
        """
        Let time pass.
        """
        self._state["now"] = (to - NOON).total_seconds()
        self._save()

    def render(self, order: Order, terms: Terms, requested_at: datetime) -> str:
        """
        A text that names its moment.
        """
        return f"{order.out_trade_no} at {requested_at}"

    def submit(self, request: str, terms: Terms, before_connect: Callable[[], None]) -> Answer:
        """
        Meet the next fate.
        """
        if not self._life.at_once:
            self.advance(self.now + _SLOWLY)
        before_connect()
        place = len(self._state["sent"])
        fate = self._life.fates[place] if place < len(self._life.fates) else "booked"
        known = self.booked_at
        self._state["sent"].append([self._state["now"], fate, request])
        self._save()
        match fate:
            case "unconnected":
                raise NotSent("refused")
            case "lost" | "unanswered":
                raise MaybeSent("read_timeout")
            case "refused":
                return a_bare(Meaning.PAYEE)
            case _:
                meaning = Meaning.PROCESSED if known is None else Meaning.DUPLICATE
                return self._answer(meaning=meaning)

    def query(self, out_trade_no: str, terms: Terms, asked_at: datetime) -> Answer:
        """
        Say what it has.
        """
        return a_bare(Meaning.NOT_FOUND) if self.booked_at is None else self._answer()

    @property
    def booked_at(self) -> float | None:
        """
        When it was booked, in seconds after noon; None if it was not.
        """
        return next((at for at, fate, _ in self._state["sent"] if _books(fate)), None)

    @property
    def stands(self) -> TradeStatus | None:
        """
        Where the trade stands.
        """
        if self.booked_at is None:
            return None
        minutes = (self._state["now"] - self.booked_at) / 60
        return [status for at, status in self._life.course if at <= minutes][-1]

    def next_notice(self) -> datetime | None:
        """
        When it calls next; it repeats itself until it is heard.
        """
        if not self._life.notified or self.booked_at is None or self._state.get("heard"):
            return None
        end = self.booked_at + self._life.course[-1][0] * 60
        return max(self.now, NOON + timedelta(seconds=end))

    def notify(self, handler: EvidenceHandler) -> None:
        """
        Call us about the end.
        """
        self._state["heard"] = handler.notify(self._answer(raw=b"notice", meaning=Meaning.NONE))
        self._save()

    def breaches(self, row: Payout) -> Iterator[Breach]:
        """
        What the books show that must not be.
        """
        times = [_books(fate) for _, fate, _ in self._state["sent"]]
        if (sum(times) and not times[-1]) or sum(times) > 1:
            detail = "sent again although JD had it"
            yield Breach(Invariant.I1_PAID_ONCE, row.out_trade_no, detail)
        if len({request for *_, request in self._state["sent"]}) > 1:
            yield Breach(Invariant.I1_PAID_ONCE, row.out_trade_no, "sent with other content")
        if self._life.reviewed and self._state["sent"]:
            let_go_at = row.let_go_at and (row.let_go_at - NOON).total_seconds()
            if let_go_at is None or self._state["sent"][0][0] < let_go_at:
                detail = "sent before a person let it go"
                yield Breach(Invariant.I11_HELD_FOR_A_PERSON, row.out_trade_no, detail)
        true = _STANDS[self.stands] if self.stands else self._life.unbooked
        if row.status is not true:
            detail = f"{row.status} in the ledger, {true} in truth"
            yield Breach(Invariant.I8_COMES_TO_REST, row.out_trade_no, detail)
        kept = row.amount_fen if true is PayoutStatus.PAID else 0
        number, owed = row.out_trade_no, (row.obligation, row.amount_fen)
        yield from of_books({number: sum(times)}, {number: kept}, {number: owed})

    def _answer(self, **changes: object) -> Answer:
        assert self.stands is not None
        return a_trade(self.stands, **changes)

    def _save(self) -> None:
        self._path.write_text(json.dumps(self._state))


def _books(fate: str) -> bool:
    return fate in {"unanswered", "booked"}


_STANDS = {
    TradeStatus.FINI: PayoutStatus.PAID,
    TradeStatus.CLOS: PayoutStatus.FAILED,
    TradeStatus.REFU: PayoutStatus.RETURNED,
}


class Messages:
    """
    A dispatcher whose messages die with its process.
    """

    def __init__(self) -> None:
        self.waiting: deque[str] = deque()
        self.mark = MemoryMark()

    def wake_sender(self) -> None:
        """
        Ask for what is due to be sent.
        """
        self.waiting.append("send")

    def wake_querier(self) -> None:
        """
        Ask for what is due to be asked.
        """
        self.waiting.append("ask")


def prepare(template: Path) -> None:
    """
    Make an empty database.
    """
    engine = create_engine(f"sqlite:///{template}")
    upgrade(engine)
    ensure_profile(engine, "sandbox")
    engine.dispose()


def live(life: Life, folder: Path, around: Around) -> list[Breach]:
    """
    Live from wherever the folder's database is until nothing is due; return what is wrong then.

    Every process begins like this: the producer repeats its job, and the rest is on disk.
    """
    jd, messages = Jd(folder / "jd.json", life), Messages()
    engine = create_engine(f"sqlite:///{folder / 'payouts.sqlite'}")
    sa.event.listen(engine, "connect", _hurry)
    ledger = SqlLedger(engine, _KEYRING, telling(lambda: jd.now))
    try:
        handler = EvidenceHandler(guarded("ledger", ledger, around), MERCHANT, LIMITS, "worker")
        gateway = guarded("gateway", jd, around)
        dispatcher = guarded("dispatcher", messages, around)
        listed = ReviewList(frozenset({ORDER.payee.account_no} if life.reviewed else ()))
        journal = guarded("journal", MemoryJournal(), around)
        mark = guarded("high_water_mark", messages.mark, around)
        service = UseCases(
            handler,
            gateway,
            dispatcher,
            TERMS,
            listed,
            steady=jd.seconds,
            mark=mark,
            journal=journal,
        )
        maintenance = Maintenance(
            handler, service.ledger, Epochs(service.ledger, mark, handler.limits)
        )
        watches = deque((jd.now, *(moment for moment in _WATCHES if moment > jd.now)))
        service.accept(ORDER)
        for _ in range(_ENOUGH):
            while messages.waiting:
                getattr(service, messages.waiting.popleft())()
            if watches and jd.now >= watches[0]:
                maintenance.run()
                watches.popleft()
            service.sweep()
            if jd.next_notice() == jd.now:
                jd.notify(handler)
            if not messages.waiting:
                due = _next_due(ledger, jd)
                if due is None and _is_in_review(ledger):
                    jd.advance(jd.now + _LOOKED_AFTER)
                    (row,) = ledger.payouts(None, 10)
                    Operator(service.ledger, "cli:mei").act(Action.LET_GO, row.id, "looked at")
                    continue
                if due is None or due > _HORIZON:
                    return list(_breaches(ledger, jd))
                jd.advance(max(due, jd.now))
        return [Breach(Invariant.I8_COMES_TO_REST, ORDER.out_trade_no, "it never rests")]
    finally:
        ledger.close()


def _hurry(connection: object, _record: object) -> None:
    """
    A process that dies loses nothing that the system has taken; only the system's own death does.
    """
    connection.execute("PRAGMA synchronous=OFF")  # type: ignore[attr-defined]


def _is_in_review(ledger: SqlLedger) -> bool:
    (row,) = ledger.payouts(None, 10)
    return held_by(row) is not None


def _next_due(ledger: SqlLedger, jd: Jd) -> datetime | None:
    (row,) = ledger.payouts(None, 10)
    due = (row.next_send_at, row.next_query_at, row.lease_until, jd.next_notice())
    return min((at for at in due if at is not None), default=None)


def _breaches(ledger: SqlLedger, jd: Jd) -> Iterator[Breach]:
    (row,) = ledger.payouts(None, 10)
    dossier, history = ledger.dossier(row.id), ledger.history(row.id)
    cases = ledger.cases(open_only=False, limit=100)
    yield from of_payout(dossier, history, cases, jd.now, LIMITS)
    yield from at_rest(dossier)
    yield from jd.breaches(row)
