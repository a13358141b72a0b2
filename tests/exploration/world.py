"""
The real use cases over a ledger in memory, with a state that can be kept and gone back to.
"""

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from tests.doubles.backup import Backup, backup_of, put_back
from tests.doubles.high_water_mark import MemoryMark
from tests.doubles.journal import MemoryJournal
from tests.doubles.ledger import MemoryLedger
from tests.doubles.rows import Numbers
from tests.doubles.usecases import UseCases
from tests.doubles.world import Clock
from tests.exploration import wire
from tests.exploration.jd import PART, Died, Jd
from tests.exploration.words import Said, Submit, Travels
from tests.factories import MERCHANT, NOON, an_order
from tests.simulation.audited import row_of
from tests.simulation.deployment import Settings, Wire
from tests.simulation.words import Fields
from worker.payouts.acceptance import Conflict
from worker.payouts.errors import IllegalMove, NotAllowed, StaleTransition
from worker.payouts.evidence import Answer
from worker.payouts.journal import JournaledClaim
from worker.payouts.limits import Limits
from worker.payouts.model import Payout
from worker.payouts.pace import Pace
from worker.payouts.policy.actions import Action, legal
from worker.payouts.policy.controls import ReviewList
from worker.payouts.progress import Progress
from worker.payouts.status import PayoutStatus
from worker.usecases.evidence import EvidenceHandler
from worker.usecases.operate import Operator
from worker.usecases.recall import recall

AMOUNT = 100
DEBT = "A"
#: A pace is not what is explored: as many as one likes, at any moment.
LIMITS = Limits(send_pace=Pace(1_000_000), query_pace=Pace(1_000_000))
_WHO = "operator"


class Nobody:
    """
    A dispatcher that wakes nobody: letters do.
    """

    def wake_sender(self) -> None:
        """
        Forget it.
        """

    def wake_querier(self) -> None:
        """
        Forget it.
        """


class Interrupted(MemoryMark):
    """
    A mark that something happens in front of when it is told of a claim.
    """

    def __init__(self, mark: MemoryMark, first: Callable[[], None]) -> None:
        self.memory = mark.memory
        self.is_away = mark.is_away
        self._first = first

    def remember(self, progress: Progress) -> Progress:
        """
        Let it happen, and keep the farther of both.
        """
        self._first()
        return super().remember(progress)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """
    A state of the world.
    """

    now: datetime
    ledger: Backup
    jd: dict[str, Any]
    rejected: frozenset[str]
    backup: Backup | None
    restored: bool
    mark: dict[str, Progress]
    journal: tuple[JournaledClaim, ...]
    is_mark_away: bool
    settings: Settings
    is_key_ours: bool


class World:
    """
    Payout A for the one debt, perhaps a B for it, and all that may happen to them.
    """

    def __init__(
        self, *, honest: bool, keeps_backups: bool = False, begins: datetime = NOON
    ) -> None:
        self.clock = Clock(begins)
        tokens = Numbers()
        self.ledger = MemoryLedger(self.clock, lambda: f"lease-{next(tokens)}")
        self.jd = Jd(self.clock, honest)
        self.rejected: frozenset[str] = frozenset()
        self.backup: Backup | None = None
        self.restored = False
        self.mark = MemoryMark()
        self.journal = MemoryJournal()
        self._keeps_backups = keeps_backups
        self.settings = Settings()
        #: Called when a person has had a payout sent where the settings say.
        self.moved: Callable[[str], None] = lambda _number: None
        #: Called with what JD signed, what we made of it, and whether it should count.
        self.heard: Callable[[Fields, Answer, bool], None] = lambda *_: None
        #: Called before anything is said: with which settings, on whose terms, of which number.
        self.speaks: Callable[..., None] = lambda *_: None
        self._operator = Operator(self.ledger, _WHO)
        self._empty = backup_of(self.ledger)
        self._payouts.accept(an_order("A", amount_fen=AMOUNT, obligation=DEBT))

    @property
    def _payouts(self) -> UseCases:
        """
        A process that starts: it knows nothing of what is not in the state.
        """
        return UseCases(
            self._handler,
            Wire(self.jd, self.settings, self.speaks),
            Nobody(),
            self.settings.terms,
            steady=self.clock.steady,
            mark=self.mark,
            journal=self.journal,
        )

    @property
    def _handler(self) -> EvidenceHandler:
        return EvidenceHandler(self.ledger, self.settings.merchant, LIMITS, "worker")

    def row(self, number: str) -> Payout | None:
        """
        A payout's row, if there is one.
        """
        return row_of(self.ledger, number)

    def keep(self) -> Snapshot:
        """
        The state as it is.
        """
        return Snapshot(
            self.clock.now,
            backup_of(self.ledger),
            dict(self.jd.entries),
            self.rejected,
            self.backup,
            self.restored,
            dict(self.mark.memory),
            tuple(self.journal.claims),
            self.mark.is_away,
            self.settings,
            self.jd.is_key_ours,
        )

    def go_back(self, to: Snapshot) -> None:
        """
        Be in a state again that was kept.
        """
        self.clock.now = to.now
        put_back(self.ledger, to.ledger)
        self.jd.entries = dict(to.jd)
        self.rejected = to.rejected
        self.backup = to.backup
        self.restored = to.restored
        self.mark.memory = dict(to.mark)
        self.journal.claims = list(to.journal)
        self.mark.is_away = to.is_mark_away
        self.settings = to.settings
        self.jd.is_key_ours = to.is_key_ours

    # --- what letters do

    def send(self, number: str, fate: Submit) -> None:
        """
        A worker is woken for a payout.
        """
        self.jd.reached, self.jd.fate = False, fate
        before = backup_of(self.ledger) if self._keeps_backups else None
        with contextlib.suppress(Died, IllegalMove):
            self._payouts.submit(self._id(number))
        if self.jd.reached and self._keeps_backups:
            self.backup = before

    def send_twice(self, number: str) -> None:
        """
        A worker's claim is lost before the mark is told of it, and another worker sends.
        """
        before, mark = backup_of(self.ledger), self.mark

        def lose() -> None:
            self.mark = mark
            put_back(self.ledger, before)
            self.restored = True
            self.send(number, Submit.REPLY_LOST)

        self.mark = Interrupted(mark, lose)
        self.send(number, Submit.REPLY_LOST)
        self.mark = mark

    def ask(self, number: str, said: Said) -> None:
        """
        JD is asked, and answers.
        """
        self.jd.said = said
        self._payouts.query(self._id(number))

    def hear(self, number: str, said: Said, travels: Travels = Travels.PLAINLY) -> None:
        """
        JD notifies us.
        """
        fields = wire.signed(self.jd.notice(number, said, travels), travels)
        notice = wire.read(wire.carried(fields, self.jd.key, travels))
        self.heard(fields, notice, self.jd.is_key_ours and travels is not Travels.MERGED)
        if notice.verified and self.settings.merchant == notice.merchant:
            self._handler.notify(notice)
        else:
            self._handler.hurry(number)

    def act(self, action: Action, number: str) -> None:
        """
        An operator decides, if it is legal.
        """
        with contextlib.suppress(NotAllowed, StaleTransition, IllegalMove):
            self._operator.act(action, self._id(number), "asked for")

    def look(self, number: str) -> None:
        """
        An operator closes the oldest case by having looked.
        """
        dossier = self.ledger.dossier(self._id(number))
        for case in dossier.open_cases[:1]:
            if Action.RESOLVE in legal(case, dossier):
                self.ledger.close_case(case, _WHO, "looked into")

    def replace(self, number: str, by: str) -> None:
        """
        An operator has another payout pay instead of one, or what came back of it.
        """
        row = self.ledger.dossier(self._id(number)).payout
        amount_fen = PART if row.status is PayoutStatus.PAID else AMOUNT
        order = an_order(by, amount_fen=amount_fen, obligation=DEBT)
        with contextlib.suppress(NotAllowed, StaleTransition, IllegalMove):
            self._operator.replace(row.id, order, self.settings.terms, "asked for", ReviewList())

    def move(self, number: str) -> None:
        """
        An operator has a refused payout sent again, where the settings say.
        """
        with contextlib.suppress(NotAllowed, StaleTransition, IllegalMove):
            self._operator.resend_at(self._id(number), self.settings.terms, "asked for")
            self.moved(number)

    def settle(self, settings: Settings) -> None:
        """
        Processes start anew, with these settings.
        """
        self.settings = settings

    def switch_key(self) -> None:
        """
        JD signs with another key than we have, or with ours again.
        """
        self.jd.is_key_ours = not self.jd.is_key_ours

    def accept(self, number: str) -> None:
        """
        A producer asks for one more payout of the same debt.
        """
        outcome = self._payouts.accept(an_order(number, amount_fen=AMOUNT, obligation=DEBT))
        if isinstance(outcome, Conflict):
            self.rejected |= {number}
        else:
            self.rejected -= {number}

    def sweep(self) -> None:
        """
        Beat asks for a sweep.
        """
        self._handler.apply_all(self.ledger.find_stale(100, LIMITS.send_within))
        self._payouts.sweep()

    def switch(self) -> None:
        """
        An operator stops sending, or lets it go on.
        """
        if self.ledger.channel(MERCHANT).is_paused:
            self._operator.resume(MERCHANT, "fixed")
        else:
            self._operator.pause(MERCHANT, "a look")

    def pass_time(self, by: timedelta) -> None:
        """
        Nobody does anything for a while; what is on the wire arrives.
        """
        self.jd.arrive(self.clock.now + by)
        self.clock.now += by

    def restore(self) -> None:
        """
        The database is what it was before the last transmission, and someone says so.
        """
        assert self.backup is not None
        self._restore(self.backup)

    def restore_without(self) -> None:
        """
        The database is what it was before payout A was accepted, and someone says so.
        """
        self._restore(self._empty)

    def restore_with_journal(self) -> None:
        """
        The same, and its claims are put back from the journal.
        """
        self.restore_without()
        for _ in recall(self.ledger, self.journal.claims, LIMITS.lease):
            pass

    def fail_over(self) -> None:
        """
        The database has lost the last transmission, and nobody says so.
        """
        assert self.backup is not None
        self._go_back(self.backup)

    def switch_mark(self) -> None:
        """
        The broker goes away, or comes back with what it remembers.
        """
        self.mark.is_away = not self.mark.is_away

    def _restore(self, backup: Backup) -> None:
        self._go_back(backup)
        self._operator.declare_restored("a backup", LIMITS.ask_first_for)

    def _go_back(self, backup: Backup) -> None:
        put_back(self.ledger, backup)
        self.backup, self.restored = None, True

    def _id(self, number: str) -> int:
        row = self.row(number)
        assert row is not None
        return row.id
