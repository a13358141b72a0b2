"""
A database that goes back in time, to a backup or to a replica that lagged, and what people do then.

JD's books stay. The broker stays, is emptied, or goes back with the database; the journals stay, or
are lost with their disk. Where something of these can still tell, people may forget to say that the
database was restored: the documents promise that it is noticed then.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from random import Random

from tests.doubles.backup import Backup, backup_of, put_back
from tests.doubles.journal import MemoryJournal
from tests.doubles.ledger import MemoryLedger
from tests.simulation import broker
from tests.simulation.books import Books
from tests.simulation.broker import Broker
from tests.simulation.scheduler import Scheduler
from tests.simulation.story import Story
from worker.payouts.journal import JournaledClaim, Recalled
from worker.payouts.limits import Limits
from worker.usecases.operate import Operator
from worker.usecases.recall import recall

_WHO = "operator"
#: So often nobody says that the database was restored, if it is noticed without that.
_FORGETS = 0.4
#: So often a claim is lost that JD has booked, and not any.
_BOOKED = 0.7
#: So often the database fails over while the mark is away.
_TOGETHER = 0.5
#: So often someone says so after the program has noticed it by itself.
_ADDS = 0.4


#: A claim that the database has forgotten: its number, and its lease token.
Lost = tuple[str, str]


@dataclass(frozen=True)
class Kept:
    """
    The database and the broker as one commit left them.
    """

    at: datetime
    ledger: Backup
    broker: broker.Kept


class Restores:
    """
    The backups of one world, and its failovers.

    `went_back` hears of the claims that were lost, and of the debts that lost a claimed payout;
    `repeat` has the producers do what is theirs.
    """

    def __init__(
        self,
        rng: Random,
        scheduler: Scheduler,
        ledger: MemoryLedger,
        broker: Broker,
        journal: MemoryJournal,
        books: Books,
        *,
        limits: Limits,
        story: Story,
    ) -> None:
        self._rng = rng
        self._scheduler = scheduler
        self._ledger = ledger
        self._broker = broker
        self._journal = journal
        self._books = books
        self._limits = limits
        self._story = story
        #: How often the database went back, and how often it may: what follows takes its time.
        self.times = 0
        self._most = rng.choice((1, 1, 2, 3))
        #: Whether producers keep their jobs, and repeat what the database may have forgotten.
        self.repeats_jobs = rng.random() < 0.6
        self._loses_journals = rng.random() < 0.3
        #: Whether processes start that send, and have not looked into the journals yet.
        self.is_starting = False
        self.went_back: Callable[[set[Lost], set[str]], None] = lambda _claims, _debts: None
        self._read_after = 0
        self._kept: list[Kept] = []
        self.keep()
        self.repeat: Callable[[], None] = lambda: None

    @property
    def journals_read(self) -> bool:
        """
        Whether someone has had the journals read since the database last went back.
        """
        return 0 < self.times == self._read_after

    def keep(self) -> None:
        """
        Keep what a commit left, as long as it may be put back.
        """
        if self.times == self._most:
            return
        now = self._scheduler.now()
        self._kept.append(Kept(now, backup_of(self._ledger), self._broker.keep()))

    def fail_over(self) -> None:
        """
        Lose the last commits. Nobody stops working; perhaps someone says so later.

        Whoever waited for the database goes on at once.
        """
        older = self._older()
        if not older:
            return
        lost = self._rng.randrange(self._rng.choice((2, 6, 20)))
        self._go_back(older[max(0, len(older) - 1 - lost)])
        self._broker.wake_sender()
        self._add()

    def restore(self) -> None:
        """
        Stop everything, and put a backup back, with the broker or without it.
        """
        older = self._older()
        if not older:
            return
        self._scheduler.kill_all()
        kept = self._rng.choice(older)
        self._go_back(kept)
        match self._rng.choice(("stays", "stays", "emptied", "restored")):
            case "emptied":
                self._broker.wipe()
                can_tell = False
            case "restored":
                self._broker.put_back(kept.broker)
                can_tell = False
            case _:
                can_tell = not self._broker.mark.is_away
        can_tell = can_tell or not self._loses_journals
        self.is_starting = not self._loses_journals
        if can_tell and self._rng.random() < _FORGETS:
            self._add()
        else:
            self._say_so()

    def read_journals(self) -> bool:
        """
        Do what the documents advise where JD knows a number that we do not remember sending.

        False if no journal is left.
        """
        if not self._loses_journals:
            self._recall(self._journal.claims, self.times)
        return not self._loses_journals

    def lose_sight(self) -> None:
        """
        Have the broker's mark away for a while, in which the database may fail over as well.
        """
        self._broker.mark.is_away = True
        away = self._rng.uniform(1, 3600)
        self._scheduler.after(away, self._see_again)
        if self._rng.random() < _TOGETHER:
            self._scheduler.after(self._rng.uniform(0, away), self.fail_over)

    def _add(self) -> None:
        """
        Have someone say, perhaps, what was noticed without them: soon, or days later.
        """
        if self._rng.random() < _ADDS:
            latest = self._rng.choice((7200, 300_000))
            self._scheduler.after(self._rng.uniform(60, latest), self._say_so)

    def heal(self) -> None:
        """
        From now on the database stays what it is, and the mark is there.
        """
        self._most = self.times
        self._see_again()

    def _see_again(self) -> None:
        self._broker.mark.is_away = False

    def _older(self) -> list[Kept]:
        """
        What may be put back: from before a claim, mostly one that JD has booked, or its payout.

        Nothing once it went back often enough.
        """
        dossiers = [self._ledger.dossier(row.id) for row in self._ledger.payouts(None, 1000)]
        claimed = [dossier for dossier in dossiers if dossier.attempts]
        if self._rng.random() < _BOOKED:
            claimed = [d for d in claimed if d.payout.out_trade_no in self._books.trades]
        if self.times == self._most or not claimed:
            return []
        lost = self._rng.choice(claimed)
        before = self._rng.choice((lost.payout.accepted_at, lost.attempts[-1].started_at))
        return [kept for kept in self._kept if kept.at < before]

    def _go_back(self, to: Kept) -> None:
        claims, payouts = self._claims(), self._payouts()
        put_back(self._ledger, to.ledger)
        self.times += 1
        lost = claims - self._claims()
        numbers = {number for number, _ in lost}
        gone = payouts.keys() - self._payouts().keys()
        self._story.tell("", f"--- the database goes back, and has lost {len(lost)} claims")
        self.went_back(lost, {payouts[number] for number in gone & numbers})
        if self.repeats_jobs:
            self._scheduler.after(self._rng.uniform(0, self._rng.choice((60, 86_400))), self.repeat)

    def _say_so(self) -> None:
        """
        Do as the documents say: `payouts restored`, with the journals if there are any.
        """
        self._story.tell(_WHO, "says that the database was restored")
        Operator(self._ledger, _WHO).declare_restored("a backup", self._limits.ask_first_for)
        if self._loses_journals:
            return
        self._recall(self._journal.claims, self.times)

    def _recall(self, claims: Sequence[JournaledClaim], times: int) -> None:
        """
        Put claims back, and again what is being sent, as `payouts restored` does.
        """
        left = []
        for one in recall(self._ledger, claims, self._limits.lease):
            self._story.tell(_WHO, "recalls", one.claim.order, one.found)
            if one.found is Recalled.BEING_SENT:
                left.append(one.claim)
        if left:
            self._scheduler.after(1, lambda: self._recall(left, times))
        else:
            self._read_after = times

    def _claims(self) -> set[Lost]:
        rows = self._ledger.payouts(None, 1000)
        tries = (
            (row, attempt) for row in rows for attempt in self._ledger.dossier(row.id).attempts
        )
        return {(row.out_trade_no, attempt.lease_token) for row, attempt in tries}

    def _payouts(self) -> dict[str, str]:
        return {row.out_trade_no: row.obligation for row in self._ledger.payouts(None, 1000)}
