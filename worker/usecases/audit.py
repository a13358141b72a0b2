"""
Whether every promise holds for every payout: read-only, in bounded memory.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, fields
from datetime import datetime

from worker.payouts.debts import may_be_overpaid
from worker.payouts.errors import MaybeSent
from worker.payouts.evidence import Answer
from worker.payouts.invariants import Breach, Invariant, of_debt, of_record
from worker.payouts.limits import Limits
from worker.payouts.record import Message, Record, Records
from worker.usecases.ports import AuditReads

#: So many payouts are read in one snapshot: none is held for longer than that takes.
_BLOCK = 500

#: More breaches than these are counted, not kept.
_KEPT = 1000

#: Reads a stored message anew; None where its merchant's key is not at hand. Raises `MaybeSent` if
#: it is none.
Reader = Callable[[Message], Answer | None]


@dataclass(frozen=True, slots=True)
class ToldCheckpoint:
    """
    A checkpoint as it was told outside the database: its number, and how its digest begins.
    """

    number: int
    digest: str


@dataclass(frozen=True, slots=True)
class Audited:
    """
    What an audit found.
    """

    payouts: int
    #: The first of them.
    breaches: tuple[Breach, ...]
    #: How many there are.
    breached: int
    #: How many stored messages were read anew.
    messages: int = 0
    #: How many were not, being another merchant's.
    foreign: int = 0


class _Findings:
    """
    What an audit has found so far, in bounded memory.
    """

    def __init__(self) -> None:
        self.payouts = self.breached = self.messages = self.foreign = 0
        #: Payouts and debts to be looked at again.
        self.suspects: list[int] = []
        self.debts: set[int] = set()
        self._kept: list[Breach] = []

    def add(self, breaches: Iterable[Breach]) -> None:
        """
        Count what was found, and keep it while there is room.
        """
        for breach in breaches:
            self.breached += 1
            if len(self._kept) < _KEPT:
                self._kept.append(breach)

    def audited(self) -> Audited:
        """
        All of it.
        """
        return Audited(self.payouts, tuple(self._kept), self.breached, self.messages, self.foreign)


class Auditor:
    """
    Checks a ledger.

    It may run beside the workers: what looks broken while a worker is busy is looked at again.
    """

    def __init__(self, ledger: AuditReads, limits: Limits, reader: Reader | None = None) -> None:
        """
        Every stored message is read anew with `reader`, if there is one.
        """
        self._ledger = ledger
        self._limits = limits
        self._reader = reader

    def count(self) -> int:
        """
        How many payouts there are to look at.
        """
        return self._ledger.count()

    def audit(
        self,
        advance: Callable[[int], None] = lambda _: None,
        since: datetime | None = None,
        told: Sequence[ToldCheckpoint] = (),
    ) -> Audited:
        """
        Check every payout, or those alone that changed since then, and all checkpoints.

        `told` are checkpoints as a log or a metric has kept them: the database must have them too.
        `advance` hears after each block how many payouts it was, with those that were passed over.
        """
        found = _Findings()
        for block in self._blocks():
            ids = [payout_id for payout_id, at in block if since is None or at >= since]
            self._look(ids, found)
            for number, why in self._ledger.altered(ids):
                found.add([Breach(Invariant.I14_AS_WRITTEN, number, why)])
            if self._reader is not None:
                self._reread(self._reader, ids, found)
            advance(len(block))
        for some in _chunks(found.suspects):
            again = self._ledger.records(some)
            for record in again.records:
                found.add(self._breaches(record, again))
        for some in _chunks(sorted(found.debts)):
            for obligation, dossiers in self._ledger.debts(some):
                found.add(of_debt(obligation, dossiers))
        found.add(self._left_alone())
        found.add(self._past(told))
        return found.audited()

    def _look(self, ids: Sequence[int], found: _Findings) -> None:
        read = self._ledger.records(ids)
        found.payouts += len(ids)
        for record in read.records:
            if any(self._breaches(record, read)):
                found.suspects.append(record.payout.id)
            if record.debt is not None and may_be_overpaid(record.debt):
                found.debts.add(record.debt.obligation.id)

    def _blocks(self) -> Iterator[Sequence[tuple[int, datetime]]]:
        last = 0
        while block := self._ledger.ids_after(last, _BLOCK):
            yield block
            last, _ = block[-1]

    def _breaches(self, record: Record, read: Records) -> Iterator[Breach]:
        return of_record(record, read.registrations, read.at, self._limits)

    def _left_alone(self) -> Iterator[Breach]:
        for number, is_known in {*self._ledger.left_alone()} & {*self._ledger.left_alone()}:
            if is_known:
                detail = "a notification of it was never taken for its evidence"
                yield Breach(Invariant.I2_NOTHING_LOST, number, detail)
            else:
                detail = "notified, not in the ledger, and without a case"
                yield Breach(Invariant.I13_A_PERSON_KNOWS, number, detail)

    def _past(self, told: Iterable[ToldCheckpoint]) -> Iterator[Breach]:
        """
        What was known at a checkpoint and is not known any more.
        """
        for number in self._ledger.altered_checkpoints():
            detail = "it is not what was written, or is missing: compare it with the log"
            yield Breach(Invariant.I14_AS_WRITTEN, f"checkpoint {number}", detail)
        for payout_id, number in self._ledger.gone():
            detail = f"checkpoint {number} saw it, and it is not there"
            yield Breach(Invariant.I14_AS_WRITTEN, f"payout {payout_id}", detail)
        for one in told:
            known = self._ledger.checkpoint(one.number)
            if known is None or not known.digest.startswith(one.digest):
                detail = "it was told outside, and the database knows another or none"
                yield Breach(Invariant.I14_AS_WRITTEN, f"checkpoint {one.number}", detail)

    def _reread(self, reader: Reader, ids: Sequence[int], found: _Findings) -> None:
        for message in self._ledger.messages(ids):
            try:
                answer = reader(message)
            except MaybeSent:
                answer = Answer(verified=False, meaning=message.evidence.answer.meaning)
            if answer is None:
                found.foreign += 1
                continue
            found.messages += 1
            for why in _differs(message, answer):
                detail = f"evidence {message.evidence.id} {why}"
                found.add([Breach(Invariant.I7_SIGNED_ONLY, message.number, detail)])


def _differs(message: Message, answer: Answer) -> Iterator[str]:
    """
    In what a stored message is not what was made of it; no value is quoted.
    """
    stored = message.evidence.answer
    if not message.evidence.is_intact:
        yield "was changed, belongs elsewhere, or its key is lost"
        return
    if hashlib.sha256(stored.raw).hexdigest() != message.digest:
        yield "has another digest than its text"
    names = [f.name for f in fields(Answer) if f.name != "raw"]
    wrong = [name for name in names if getattr(stored, name) != getattr(answer, name)]
    if wrong:
        yield f"says otherwise than its text: {', '.join(wrong)}"


def _chunks(ids: Sequence[int]) -> Iterator[Sequence[int]]:
    return (ids[start : start + _BLOCK] for start in range(0, len(ids), _BLOCK))
