"""
What a ledger in memory holds, what comes in at its door, and how to look things up.
"""

import threading
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence, Set
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import wraps
from itertools import islice
from typing import Any, TypeVar, cast

from sqlalchemy.engine.default import DefaultDialect

from worker.payouts.acceptance import Entry
from worker.payouts.channel import Channel
from worker.payouts.errors import IllegalMove, NoSuchCase, NoSuchPayout, NotAllowed
from worker.payouts.event import Event, EventType
from worker.payouts.evidence import Evidence, Source
from worker.payouts.hold import Hold
from worker.payouts.model import (
    Attempt,
    Case,
    Dossier,
    Obligation,
    Order,
    Payout,
    Rejection,
    Terms,
    Transition,
)
from worker.payouts.pace import PaceKind
from worker.payouts.policy.controls import is_set_aside
from worker.payouts.policy.events import NOT_YET_REPAYABLE, OF_PRODUCERS, repayable_from, told_by
from worker.payouts.policy.obligation import check_fits, normalized
from worker.payouts.proposal import Proposal
from worker.payouts.sealed_job import KeptSeal, kept
from worker.payouts.status import PayoutStatus, Reason
from worker.payouts.update import CaseNote, hold_back
from worker.store.base import new_token
from worker.store.types import ForeignText

T = TypeVar("T")

_WITHDRAWN = frozenset({PayoutStatus.QUEUED, PayoutStatus.HELD, PayoutStatus.CANCELLED})
_TEXT = ForeignText()
_DIALECT = DefaultDialect()


def transactions(ledger: type[T]) -> type[T]:
    """
    Make a transaction of every public method of a class: one runs at a time.
    """
    for name, method in list(vars(ledger).items()):
        if callable(method) and not name.startswith("_"):
            setattr(ledger, name, _alone(method))
    return ledger


def _alone(method: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(method)
    def call(self: Any, *args: Any, **kwargs: Any) -> Any:
        with self._lock:
            return method(self, *args, **kwargs)

    return call


class Numbers(Iterator[int]):
    """
    The ids of one table, as a count that can be copied.
    """

    def __init__(self, last: int = 0) -> None:
        self.last = last

    def __next__(self) -> int:
        self.last += 1
        return self.last


@dataclass
class Switch:
    """
    The channel of one merchant.
    """

    paused_why: str | None = None
    unverifiable: int = 0
    broken_until: datetime | None = None


@dataclass(frozen=True)
class Epoch:
    """
    From one restore to the next.
    """

    uid: str
    began_at: datetime | None = None
    #: What is accepted before this is asked about before it is sent.
    ask_first_until: datetime = datetime(1970, 1, 1, tzinfo=UTC)


def _is_alike(row: Payout, order: Order, other: Order) -> bool:
    """
    Whether a payout may be the same payment as another order, for another debt.
    """
    payees = {(o.payee.account_no, o.payee.account_name) for o in (order, other)}
    return (
        len(payees) == 1
        and row.amount_fen == other.amount_fen
        and normalized(row.obligation) != normalized(other.obligation)
        and row.status is not PayoutStatus.CANCELLED
        and row.released_at is None
    )


@transactions
class MemoryRows:
    """
    Plain dictionaries of frozen rows. `clock` tells the time, `new_token` makes lease tokens.
    """

    def __init__(
        self, clock: Callable[[], datetime], new_token: Callable[[], str] = new_token
    ) -> None:
        self._lock = threading.RLock()
        self._clock = clock
        self._new_token = new_token
        self._ids: defaultdict[str, Numbers] = defaultdict(Numbers)
        self._rows: dict[int, Payout] = {}
        self._orders: dict[int, Order] = {}
        self._requests: dict[int, str] = {}
        self._kept: dict[int, KeptSeal] = {}
        self._attempts: dict[int, list[Attempt]] = {}
        self._evidence: dict[int, list[Evidence]] = {}
        self._transitions: dict[int, list[Transition]] = {}
        # By merchant and number, and by name.
        self._numbers: dict[tuple[str, str], int] = {}
        self._obligations: dict[str, Obligation] = {}
        self._orphans: defaultdict[tuple[str, str], list[Evidence]] = defaultdict(list)
        self._cases: list[Case] = []
        self._proposals: dict[int, Proposal] = {}
        self._rejections: list[Rejection] = []
        self._events: list[Event] = []
        self._switches: defaultdict[str, Switch] = defaultdict(Switch)
        #: Every restore of the database, the newest last.
        self._epochs: list[Epoch] = [Epoch("memory")]
        #: When each merchant's buckets are full.
        self._full_at: dict[tuple[str, PaceKind], datetime] = {}

    def now(self) -> datetime:
        """
        The injected clock's time.
        """
        return self._clock()

    def accept(self, entries: Sequence[Entry], terms: Terms) -> Sequence[int | None]:
        """
        Insert queued payouts, due at once, or held for review.

        None for one whose number or obligation is taken.
        """
        return [self._accept(entry, terms) for entry in entries]

    def _accept(self, entry: Entry, terms: Terms, seal: KeptSeal | None = None) -> int | None:
        order = entry.order
        number = (terms.customer_no, order.out_trade_no)
        if number in self._numbers:
            return None
        name = normalized(order.obligation)
        owed = self._obligations.get(name) or Obligation(
            len(self._obligations) + 1, "default", name, order.owed_fen or order.amount_fen, 0
        )
        try:
            check_fits(owed, self._sharing(order.obligation), order)
        except NotAllowed:
            return None
        self._commit(owed, order.amount_fen)
        hold = self._hold(entry)
        payout_id = self._insert(order, terms, seal or kept(entry.proof))
        if hold is not None:
            self._hold_back(self._rows[payout_id], hold)
        return payout_id

    def _denies(self, order: Order) -> bool:
        """
        Whether an order's payee is on the deny list: who keeps one says so.
        """
        del order
        return False

    def _hold(self, entry: Entry) -> Hold | None:
        if self._denies(entry.order):
            return Hold.DENIED
        if entry.for_review:
            return Hold.REVIEW
        since = self._clock() - entry.duplicates_within
        alike = (row for row in self._rows.values() if row.accepted_at > since)
        if any(_is_alike(row, self._orders[row.id], entry.order) for row in alike):
            return Hold.DUPLICATE
        return None

    def _hold_back(self, queued: Payout, hold: Hold) -> None:
        held = hold_back(queued, hold, self._clock())
        self._write(queued, held)
        self._move(queued, held, hold.actor)
        number = (queued.terms.customer_no, queued.out_trade_no)
        self._open_case(queued.id, *number, CaseNote(hold.case, reopens=True))

    def _insert(self, order: Order, terms: Terms, seal: KeptSeal | None = None) -> int:
        number = (terms.customer_no, order.out_trade_no)
        now = self._clock()
        payout_id = next(self._ids["payouts"])
        self._numbers[number] = payout_id
        self._orders[payout_id] = order
        if seal is not None:
            self._kept[payout_id] = seal
        self._attempts[payout_id] = []
        self._transitions[payout_id] = []
        # What was notified of the number before we had it becomes the payout's evidence.
        orphans = self._orphans.pop(number, [])
        self._evidence[payout_id] = [replace(e, payout_id=payout_id) for e in orphans]
        self._rows[payout_id] = Payout(
            id=payout_id,
            terms=terms,
            out_trade_no=order.out_trade_no,
            amount_fen=order.amount_fen,
            currency=order.currency,
            obligation=order.obligation,
            producer=order.producer,
            payee_masked=order.payee.masked,
            bank_code=order.payee.bank_code,
            status=PayoutStatus.QUEUED,
            reason=Reason.ACCEPTED,
            version=1,
            exposed=False,
            accepted_at=now,
            updated_at=now,
            job_key=None if seal is None else seal.key_name,
            next_send_at=now,
            send_before=order.send_before,
            doubted_at=self._epoch.began_at if now < self._epoch.ask_first_until else None,
            next_query_at=now if now < self._epoch.ask_first_until else None,
        )
        self._append(
            self._rows[payout_id],
            from_status=None,
            to_status=PayoutStatus.QUEUED,
            reason=Reason.ACCEPTED,
            actor=order.producer,
        )
        self._tell(EventType.ACCEPTED, self._rows[payout_id])
        return payout_id

    def reject(self, rejection: Rejection) -> None:
        """
        Record an entry message that was not accepted.
        """
        rejection = storable(rejection, ("reason", "out_trade_no", "producer"))
        rejection_id = next(self._ids["rejections"])
        self._rejections.append(replace(rejection, id=rejection_id, rejected_at=self._clock()))
        if rejection.producer is not None:
            self._events.append(
                Event(
                    *(self._event_uid(), EventType.REJECTED, self._clock(), rejection.producer),
                    *(None, rejection.out_trade_no, len(self._epochs)),
                    faults=(rejection.reason, *rejection.faults),
                )
            )

    def find(self, customer_no: str, out_trade_no: str) -> Payout | None:
        """
        The payout with that number, if there is one.
        """
        payout_id = self._numbers.get((customer_no, out_trade_no))
        return None if payout_id is None else self._rows[payout_id]

    def numbered(self, out_trade_no: str) -> Sequence[Payout]:
        """
        The payouts that have an order number, oldest first.
        """
        return [row for row in self._rows.values() if row.out_trade_no == out_trade_no]

    def number_of(self, payout_id: int) -> str:
        """
        A payout's order number. Raises `NoSuchPayout`.
        """
        return self._row(payout_id).out_trade_no

    def holders_of(self, obligation: str) -> Sequence[Payout]:
        """
        The payouts that hold that obligation, oldest first.
        """
        sharing = (dossier.payout for dossier in self._sharing(obligation))
        return [row for row in sharing if row.released_at is None]

    def producers_of(self, obligation: str) -> Set[str]:
        """
        The producers of all payouts that name that obligation.
        """
        return {dossier.payout.producer for dossier in self._sharing(obligation)}

    def obligation(self, name: str) -> Obligation | None:
        """
        What is owed under a name; None if no job has named it.
        """
        return self._obligations.get(normalized(name))

    def dossier(self, payout_id: int) -> Dossier:
        """
        Everything known of one payout. Raises `NoSuchPayout`.
        """
        return Dossier(
            self._row(payout_id),
            tuple(self._attempts[payout_id]),
            tuple(self._evidence[payout_id]),
            tuple(c for c in self._cases if c.payout_id == payout_id and c.closed_at is None),
            self._proposals.get(self._row(payout_id).proposal_id or 0),
        )

    def order(self, payout_id: int) -> Order:
        """
        What the producer asked for. Raises `NoSuchPayout`.
        """
        self._row(payout_id)
        return self._orders[payout_id]

    def request(self, payout_id: int) -> str | None:
        """
        The stored request; None before the first claim. Raises `NoSuchPayout`.
        """
        self._row(payout_id)
        return self._requests.get(payout_id)

    def history(self, payout_id: int) -> Sequence[Transition]:
        """
        Every move, oldest first.
        """
        return list(self._transitions.get(payout_id, ()))

    def payouts(self, status: PayoutStatus | None, limit: int) -> Sequence[Payout]:
        """
        The newest payouts, optionally of one status.
        """
        newest = reversed(self._rows.values())
        return list(islice((p for p in newest if status in {None, p.status}), limit))

    def cases(self, *, open_only: bool, limit: int) -> Sequence[Case]:
        """
        The newest cases.
        """
        newest = reversed(self._cases)
        return list(islice((c for c in newest if not (open_only and c.closed_at)), limit))

    def case(self, case_id: int) -> Case:
        """
        One case, open or closed. Raises `NoSuchCase`.
        """
        for case in self._cases:
            if case.id == case_id:
                return case
        raise NoSuchCase(f"there is no case {case_id}")

    def cases_of(self, payout_id: int) -> Sequence[Case]:
        """
        All cases of one payout, closed ones included, oldest first.
        """
        return [case for case in self._cases if case.payout_id == payout_id]

    def alike(self, status: PayoutStatus, reason: Reason | None) -> Sequence[Payout]:
        """
        All payouts of a status, and of one reason if it is named, oldest first.
        """
        wanted = (row for row in self._rows.values() if row.status is status)
        return [row for row in wanted if reason in {None, row.reason}]

    def unreadable(self, payout_ids: Sequence[int]) -> Set[int]:
        """
        Nothing is sealed in memory.
        """
        return set()

    def count(self, status: PayoutStatus | None = None) -> int:
        """
        How many payouts there are, optionally of one status.
        """
        return sum(status in {None, row.status} for row in self._rows.values())

    def count_cases(self, *, open_only: bool) -> int:
        """
        How many cases there are.
        """
        return sum(not (open_only and case.closed_at) for case in self._cases)

    def count_rejections(self) -> int:
        """
        How many rejections there are.
        """
        return len(self._rejections)

    def channel(self, customer_no: str) -> Channel:
        """
        Whether one merchant's payouts may be sent.
        """
        switch = self._switches[customer_no]
        paused_at = self._clock() if switch.paused_why is not None else None
        return Channel(
            customer_no,
            paused_at=paused_at,
            paused_why=switch.paused_why,
            unverifiable=switch.unverifiable,
            broken_until=switch.broken_until,
        )

    def rejections(self, limit: int) -> Sequence[Rejection]:
        """
        The newest rejections.
        """
        return list(islice(reversed(self._rejections), limit))

    def pause(self, customer_no: str, why: str, actor: str) -> None:
        """
        Stop sending for one merchant. The first reason stands until someone resumes.
        """
        switch = self._switches[customer_no]
        switch.paused_why = switch.paused_why or why

    def resume(self, customer_no: str, why: str, actor: str) -> None:
        """
        Let sending go on, and forget the count of unverifiable replies.
        """
        self._switches[customer_no] = Switch()

    def _sharing(self, obligation: str, *, but: int | None = None) -> tuple[Dossier, ...]:
        name = normalized(obligation)
        return tuple(
            self.dossier(row.id)
            for row in self._rows.values()
            if normalized(row.obligation) == name and row.id != but
        )

    def _commit(self, owed: Obligation, amount_fen: int) -> None:
        committed = owed.committed_fen + amount_fen
        if not 0 <= committed <= owed.owed_fen:
            raise IllegalMove(f"{committed} fen cannot be committed to a debt of {owed.owed_fen}")
        self._obligations[owed.name] = replace(owed, committed_fen=committed)

    def _row(self, payout_id: int) -> Payout:
        if payout_id not in self._rows:
            raise NoSuchPayout(f"there is no payout {payout_id}")
        return self._rows[payout_id]

    def _is_stopped(self, row: Payout) -> bool:
        merchant = row.terms.customer_no
        switch = self._switches[merchant]
        return (
            switch.paused_why is not None
            or (switch.broken_until is not None and switch.broken_until > self._clock())
            or any(
                r.doubted_at
                and r.doubted_at >= r.accepted_at
                and r.terms.customer_no == merchant
                and not is_set_aside(r)
                for r in self._rows.values()
            )
        )

    @property
    def _epoch(self) -> Epoch:
        return self._epochs[-1]

    def _count_unverifiable(self, customer_no: str, verified: Sequence[bool]) -> int:
        switch, peak = self._switches[customer_no], 0
        for one in verified:
            switch.unverifiable = 0 if one else switch.unverifiable + 1
            peak = max(peak, switch.unverifiable)
        return peak

    def _write(self, row: Payout, changed: Payout) -> None:
        if changed.exposed and changed.status in _WITHDRAWN:
            raise IllegalMove(f"an exposed payout is never {changed.status}")
        self._rows[row.id] = changed

    @contextmanager
    def _transaction(self, payout_id: int) -> Iterator[None]:
        """
        What fails leaves nothing of one payout behind.
        """
        row = self._row(payout_id)
        tables: tuple[dict[int, list[Any]], ...] = (
            *(self._attempts, self._evidence, self._transitions),
        )
        kept = [list(table[payout_id]) for table in tables]
        cases, switch = list(self._cases), replace(self._switches[row.terms.customer_no])
        told = len(self._events)
        try:
            yield
        except BaseException:
            self._rows[payout_id], self._cases = row, cases
            self._switches[row.terms.customer_no] = switch
            del self._events[told:]
            for table, before in zip(tables, kept, strict=True):
                table[payout_id] = before
            raise

    def _touch(self, row: Payout, **changes: Any) -> None:
        """
        Raise the version, and change what else is said.
        """
        self._write(row, replace(row, version=row.version + 1, updated_at=self._clock(), **changes))

    def _move(
        self, row: Payout, changed: Payout, actor: str, evidence_id: int | None = None
    ) -> None:
        if changed.status is not row.status:
            self._append(
                row,
                from_status=row.status,
                to_status=changed.status,
                reason=changed.reason,
                actor=actor,
                evidence_id=evidence_id,
                learnt_from=self._source(row, evidence_id),
            )
        for type_ in told_by(row, changed):
            self._tell(type_, changed)

    def _event_uid(self) -> str:
        return f"event-{next(self._ids['events'])}"

    def _tell(
        self, type_: EventType, payout: Payout, at: datetime | None = None, **more: Any
    ) -> None:
        is_back = type_ in NOT_YET_REPAYABLE
        self._events.append(
            Event(
                uid=self._event_uid(),
                type=type_,
                at=at or payout.updated_at,
                producer=payout.producer,
                customer_no=payout.terms.customer_no,
                out_trade_no=payout.out_trade_no,
                epoch=len(self._epochs),
                version=payout.version,
                payout_id=payout.id,
                obligation=payout.obligation,
                status=payout.status,
                reason=payout.reason,
                amount_fen=payout.amount_fen,
                returned_fen=payout.returned_fen,
                repayable_from=repayable_from(payout) if is_back else None,
                **more,
            )
        )

    def _open_case(
        self, payout_id: int | None, customer_no: str, out_trade_no: str, note: CaseNote
    ) -> None:
        about = (payout_id, customer_no, out_trade_no, note.kind)
        newest = note.evidence_id or 0
        for place, case in enumerate(self._cases):
            if (case.payout_id, case.customer_no, case.out_trade_no, case.kind) != about:
                continue
            named = case.evidence_id or 0
            if case.closed_at is None:
                if newest > named:
                    self._cases[place] = replace(case, evidence_id=newest)
                return
            covers = bool(named) == bool(newest) and named >= newest
            if covers and not note.reopens:
                return
        self._cases.append(
            Case(
                id=next(self._ids["cases"]),
                kind=note.kind,
                customer_no=customer_no,
                out_trade_no=out_trade_no,
                opened_at=self._clock(),
                payout_id=payout_id,
                evidence_id=note.evidence_id,
            )
        )
        if payout_id is not None and note.kind in OF_PRODUCERS:
            row = self._rows[payout_id]
            self._tell(EventType.NEEDS_ATTENTION, row, self._clock(), case=note.kind)

    def _source(self, row: Payout, evidence_id: int | None) -> Source | None:
        return next((e.source for e in self._evidence[row.id] if e.id == evidence_id), None)

    def _append(self, row: Payout, **move: Any) -> None:
        moved = Transition(next(self._ids["transitions"]), row.id, at=self._clock(), **move)
        self._transitions[row.id].append(moved)


def storable(row: T, names: Iterable[str]) -> T:
    """
    The same row with its foreign texts as a database would hold them.
    """
    texts = {name: getattr(row, name) for name in names}
    kept = {name: _TEXT.process_bind_param(text, _DIALECT) for name, text in texts.items()}
    return row if kept == texts else cast(T, replace(cast(Any, row), **kept))
