"""
Stand-ins for the world: a clock, a gateway that follows a script, a dispatcher that remembers.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from tests.factories import NOON, a_bare, a_case, a_trade
from worker.payouts.errors import MaybeSent, NotSent
from worker.payouts.evidence import Answer, Meaning, TradeStatus
from worker.payouts.model import Dossier, Order, Terms
from worker.payouts.status import TRANSITIONS
from worker.payouts.update import Update


class Clock:
    """
    A database's clock that stands still until a test moves it.
    """

    def __init__(self, now: datetime = NOON) -> None:
        self.now = now

    def __call__(self, _connection: object = None) -> datetime:
        """
        What the ledger takes for the database's time.
        """
        return self.now

    def steady(self) -> float:
        """
        The seconds of the same time.
        """
        return self.now.timestamp()

    def advance(self, **by: float) -> datetime:
        """
        Let time pass, by a timedelta's arguments.
        """
        self.now += timedelta(**by)
        return self.now


#: An answer to give, an error to raise, or something to do first that yields either.
Step = Answer | BaseException | Callable[[], "Answer | BaseException"]


@dataclass
class ScriptedGateway:
    """
    Gives the next answer of its script to each call, and keeps what it was sent.
    """

    replies: list[Step] = field(default_factory=list)
    answers: list[Step] = field(default_factory=list)
    sent: list[str] = field(default_factory=list)
    asked: list[datetime] = field(default_factory=list)
    rendered: int = 0
    #: What happens after the claim and before the connection.
    meanwhile: Callable[[], object] = lambda: None
    #: What happens while the claim is decided, before its request is written.
    deciding: Callable[[], object] = lambda: None
    #: How many connections find nobody, before that.
    in_vain: int = 0

    def render(self, order: Order, terms: Terms, requested_at: datetime) -> str:
        """
        Another text each time, as a request that names its moment is.
        """
        self.deciding()
        self.rendered += 1
        return f"{order.out_trade_no}@{requested_at.isoformat()}#{self.rendered}"

    def submit(self, request: str, terms: Terms, before_connect: Callable[[], None]) -> Answer:
        """
        Follow the script once the worker may connect.
        """
        for _ in range(self.in_vain):
            before_connect()
        self.meanwhile()
        before_connect()
        self.sent.append(request)
        return _play(self.replies)

    def query(self, out_trade_no: str, terms: Terms, asked_at: datetime) -> Answer:
        """
        Follow the script.
        """
        self.asked.append(asked_at)
        return _play(self.answers)


def _play(script: list[Step]) -> Answer:
    step = script.pop(0)
    outcome = step() if callable(step) else step
    if isinstance(outcome, BaseException):
        raise outcome
    return outcome


@dataclass
class RecordingDispatcher:
    """
    Remembers whom it was asked to wake.
    """

    woken: list[str] = field(default_factory=list)

    def wake_sender(self) -> None:
        """
        Remember it.
        """
        self.woken.append("sender")

    def wake_querier(self) -> None:
        """
        Remember it.
        """
        self.woken.append("querier")


class Died(BaseException):
    """
    The process ended here.
    """


class MortalLedger:
    """
    A ledger whose process dies at its n-th write: just before it, or just after it was committed.
    """

    WRITES = ("accept", "claim_due_sends", "claim", "renew", "take_in", "notify", "judge")

    def __init__(self, ledger: Any, dies_at: int, *, after: bool) -> None:
        self._ledger = ledger
        self._left = dies_at
        self._after = after

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._ledger, name)
        return self._counted(method) if name in self.WRITES else method

    def _counted(self, method: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            self._left -= 1
            if self._left == 0 and not self._after:
                raise Died
            result = method(*args, **kwargs)
            if self._left == 0:
                raise Died
            return result

        return call


@dataclass
class HonestGateway:
    """
    Books each number once, and tells what it has; a reply may be lost on its way.
    """

    loses_replies: bool = False
    refuses_connections: int = 0
    booked: list[str] = field(default_factory=list)
    sent: list[str] = field(default_factory=list)

    def render(self, order: Order, terms: Terms, requested_at: datetime) -> str:
        """
        A text that names its moment.
        """
        return f"{order.out_trade_no}@{requested_at.isoformat()}"

    def submit(self, request: str, terms: Terms, before_connect: Callable[[], None]) -> Answer:
        """
        Book it, unless the number was used before.
        """
        before_connect()
        if self.refuses_connections:
            self.refuses_connections -= 1
            raise NotSent("connect_refused")
        self.sent.append(request)
        known = bool(self.booked)
        if not known:
            self.booked.append(request)
        if self.loses_replies:
            raise MaybeSent("read_timeout")
        meaning = Meaning.DUPLICATE if known else Meaning.PROCESSED
        return a_trade(TradeStatus.FINI, meaning=meaning)

    def query(self, out_trade_no: str, terms: Terms, asked_at: datetime) -> Answer:
        """
        What became of it.
        """
        return a_trade(TradeStatus.FINI) if self.booked else a_bare(Meaning.NOT_FOUND)


def written(dossier: Dossier, update: Update, now: datetime) -> Dossier:
    """
    The dossier after its standing was written, as the ledger would have it.
    """
    old = dossier.payout
    moved = update.status is not old.status
    assert not moved or update.status in TRANSITIONS[old.status]

    payout = replace(
        old,
        status=update.status,
        reason=update.reason,
        version=old.version + 1,
        exposed=update.exposed,
        trade_no=update.trade_no,
        returned_fen=update.returned_fen,
        finalized_at=update.finalized_at,
        next_send_at=update.next_send_at,
        next_query_at=update.next_query_at,
        updated_at=now,
    )
    open_kinds = {case.kind for case in dossier.open_cases}
    opened = [note for note in update.cases if note.kind not in open_kinds]
    return Dossier(
        payout=payout,
        attempts=dossier.attempts,
        evidence=tuple(replace(e, applied_at=e.applied_at or now) for e in dossier.evidence),
        open_cases=(
            *dossier.open_cases,
            *(a_case(note.kind, evidence_id=note.evidence_id) for note in opened),
        ),
    )
