"""
The memory ledger's share in keeping watch.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from tests.doubles.rows import Epoch, MemoryRows, transactions
from worker.payouts.health import (
    CertificateKind,
    Health,
    Looked,
    OtherMerchant,
    Overdue,
    Told,
)
from worker.payouts.model import CaseKind, Payout
from worker.payouts.pace import PaceKind
from worker.payouts.policy.circuit_breaker import Tally
from worker.payouts.policy.controls import is_set_aside, send_deadline
from worker.payouts.progress import Progress
from worker.payouts.status import PayoutStatus, Reason
from worker.store.base import new_token


@transactions
class MemoryHealth(MemoryRows):
    """
    Heartbeat, epoch, breaker, and what is late, over plain dictionaries.
    """

    def __init__(
        self, clock: Callable[[], datetime], new_token: Callable[[], str] = new_token
    ) -> None:
        super().__init__(clock, new_token)
        self._beats = 0
        self._swept: dict[str, datetime] = {}
        self._until: dict[str, dict[CertificateKind, datetime]] = defaultdict(dict)
        self._foreign: Counter[str] = Counter()
        self._looked_at = 0
        self._alerts: dict[str, set[str]] = defaultdict(set)

    def sweep_count(self) -> Progress:
        """
        How many sweeps were counted.
        """
        return Progress(self._epoch.uid, self._beats)

    def count_sweep(self) -> Progress:
        """
        Count one more sweep.
        """
        self._beats += 1
        return self.sweep_count()

    def note_checkpoint(self, every: timedelta) -> None:
        """
        Nothing: nobody else writes to it.
        """

    @property
    def restored_at(self) -> datetime | None:
        """
        When the epoch began; None in the first.
        """
        return self._epoch.began_at

    def has_forgotten(self, known: Progress, own: Progress | None = None) -> bool | None:
        """
        Whether it lacks something of what is known; None if that is of another epoch.
        """
        if known.uid != self._epoch.uid:
            return None
        tries = (attempt for tries in self._attempts.values() for attempt in tries)
        kept = {0: "", **{attempt.id: attempt.lease_token for attempt in tries}}
        seen = (known, own or known)
        return self._beats < known.sweeps or any(kept.get(s.attempt_id) != s.token for s in seen)

    def epochs_before(self, uid: str) -> Collection[str]:
        """
        Every epoch before this one.
        """
        *before, present = (epoch.uid for epoch in self._epochs)
        return before if present == uid else ()

    def begin_epoch(self, who: str, why: str, ask_first_for: timedelta) -> int:
        """
        Raise the epoch, and ask about every unfinished payout before anything is sent.
        """
        now = self._clock()
        self._epochs.append(Epoch(self._new_token(), now, now + ask_first_for))
        lately = now - ask_first_for
        doubted = [
            row
            for row in self._rows.values()
            if not row.status.is_final or (_is_given_up(row) and (row.finalized_at or now) > lately)
        ]
        for row in doubted:
            self._touch(row, doubted_at=now, next_query_at=now, query_misses=0)
        return len(doubted)

    def find_stale(self, limit: int, within: timedelta) -> Sequence[int]:
        """
        Unsent payouts past their time to be sent: `within` from acceptance if they name none.
        """
        now = self._clock()
        rows = self._rows.values()
        unsent = [row for row in rows if row.status is PayoutStatus.QUEUED]
        unsent += [r for r in rows if r.status is PayoutStatus.REFUSED and r.next_send_at]
        return [row.id for row in unsent if now >= send_deadline(row, within)][:limit]

    def mark_overdue(self, limit: int, after: timedelta) -> Sequence[Overdue]:
        """
        Mark, once, what has had no final state for so long since it was first sent; return it.
        """
        now = self._clock()
        late = [
            row
            for row in self._rows.values()
            if row.status.awaits_gateway
            and row.overdue_at is None
            and row.first_sent_at
            and row.first_sent_at <= now - after
        ]
        late.sort(key=lambda row: (row.first_sent_at or now, row.id))
        for row in late[:limit]:
            self._write(row, replace(row, overdue_at=now))
        return [Overdue(row.id, row.out_trade_no) for row in late[:limit]]

    def end_sweep(self, customer_no: str) -> None:
        """
        Record that a sweep for a merchant ended well just now.
        """
        self._swept[customer_no] = self._clock()

    def note_certificates(
        self, customer_no: str, valid_until: Mapping[CertificateKind, datetime]
    ) -> None:
        """
        Record until when the certificates are valid that a worker starts with.
        """
        self._until[customer_no] = {**valid_until}

    def note_foreign(self, customer_no: str, merchant: str) -> None:
        """
        Count a notification that names another merchant.
        """
        self._foreign[customer_no] += 1

    def look(self, customer_no: str, who: str) -> Looked:
        """
        Take all rejections, and all notifications about others, as looked at.
        """
        looked = Looked(len(self._rejections) - self._looked_at, self._foreign[customer_no])
        self._looked_at = len(self._rejections)
        del self._foreign[customer_no]
        return looked

    def tell(self, customer_no: str, current: Collection[str]) -> Told:
        """
        Remember which alerts stand; return which nobody was told of, and which are over.
        """
        known = self._alerts[customer_no]
        self._alerts[customer_no] = {*current}
        return Told(
            tuple(kind for kind in current if kind not in known),
            tuple(sorted(known - {*current})),
        )

    def health(self, customer_no: str) -> Health:
        """
        How the whole is for one merchant.
        """
        now = self._clock()
        own = [row for row in self._rows.values() if row.terms.customer_no == customer_no]
        switch = self._switches[customer_no]
        cases = [c for c in self._cases if c.closed_at is None and c.customer_no == customer_no]
        free = self.find_due_sends(customer_no, len(own))
        paces = {kind: self._full_at.get((customer_no, kind)) for kind in PaceKind}
        sends = [r.next_send_at for r in own if r.next_send_at and r.next_send_at <= now]
        queries = [r.next_query_at for r in own if r.next_query_at and r.next_query_at <= now]
        return Health(
            now=now,
            swept_at=self._swept.get(customer_no),
            paused_why=switch.paused_why,
            broken_until=switch.broken_until,
            in_doubt=sum(row.doubted_at is not None and not is_set_aside(row) for row in own),
            overdue=sum(r.status.awaits_gateway and r.overdue_at is not None for r in own),
            held=sum(row.status is PayoutStatus.HELD for row in own),
            open_cases=len(cases),
            others=tuple(self._others(customer_no)),
            sends_due=len(sends),
            queries_due=len(queries),
            send_due_at=min(filter(None, (self._rows[i].next_send_at for i in free)), default=None),
            sent_at=paces[PaceKind.SEND],
            query_due_at=min(queries, default=None),
            asked_at=paces[PaceKind.QUERY],
            unapplied_at=self._unapplied_at(),
            proposed_at=min(
                (
                    p.proposed_at
                    for p in self._proposals.values()
                    if p.waits and any(row.id == p.payout_id for row in own)
                ),
                default=None,
            ),
            orphans=sum(case.payout_id is None for case in cases),
            tampered=sum(case.kind is CaseKind.TAMPERED for case in cases),
            foreign=self._foreign[customer_no],
            rejected=len(self._rejections) - self._looked_at,
            certificates=self._until[customer_no],
        )

    def find_due_sends(self, customer_no: str, limit: int) -> Sequence[int]:
        """
        What one merchant may send by its time, unless that is stopped; the longest due first.
        """
        now = self._clock()
        with_case = {case.payout_id for case in self._cases if case.closed_at is None}
        own = (r for r in self._rows.values() if r.terms.customer_no == customer_no)
        free = (row for row in own if row.id not in with_case and row.doubted_at is None)
        waiting = ((row.next_send_at, row) for row in free)
        due = sorted(
            (at, row.id) for at, row in waiting if at and at <= now and not self._is_stopped(row)
        )
        return [payout_id for _, payout_id in due[:limit]]

    def _unapplied_at(self) -> datetime | None:
        pieces = (e for pieces in self._evidence.values() for e in pieces)
        return min((e.received_at for e in pieces if not e.applied_at), default=None)

    def _others(self, customer_no: str) -> Iterator[OtherMerchant]:
        unfinished = Counter(
            row.terms.customer_no for row in self._rows.values() if not row.status.is_final
        )
        for other in sorted(unfinished.keys() - {customer_no}):
            yield OtherMerchant(other, unfinished[other], self._swept.get(other))

    def tally(self, customer_no: str, window: timedelta) -> Tally:
        """
        What came of the transmissions that ended in `window`, since the breaker last closed.
        """
        since = self._clock() - window
        broken_until = self._switches[customer_no].broken_until
        if broken_until is not None:
            since = max(since, broken_until)
        ends = [
            move.to_status
            for payout_id, moves in self._transitions.items()
            if self._rows[payout_id].terms.customer_no == customer_no
            for move in moves
            if move.from_status is PayoutStatus.SENDING
            and move.to_status is not PayoutStatus.QUEUED
            and move.at > since
        ]
        return Tally(len(ends), ends.count(PayoutStatus.UNKNOWN))

    def open_breaker(self, customer_no: str, rest: timedelta) -> None:
        """
        Let nothing be sent for one merchant for `rest` from now.
        """
        self._switches[customer_no].broken_until = self._clock() + rest


def _is_given_up(row: Payout) -> bool:
    return row.status is PayoutStatus.CANCELLED or row.reason is Reason.FAILED_BY_HAND
