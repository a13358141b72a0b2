"""
A database that goes back to an earlier commit, and what can still tell of what it has forgotten.

The broker's mark stays, is emptied, or goes back with the database; the journal stays, or is lost
with its disk. Where one of them knows a claim that is gone, nobody need say that the database was
restored: the documents promise that it is noticed then.
"""

import contextlib
import enum
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, NamedTuple

from tests.doubles.backup import Backup, backup_of, put_back
from tests.doubles.high_water_mark import MemoryMark
from tests.doubles.journal import MemoryJournal
from tests.doubles.ledger import MemoryLedger
from tests.machine.virtual import VirtualClock
from worker.payouts.errors import StaleTransition
from worker.payouts.limits import Limits
from worker.payouts.progress import Progress
from worker.usecases.epochs import Epochs
from worker.usecases.operate import Operator
from worker.usecases.recall import recall

_ALL = 100
#: So often a story's database goes back: what follows takes its steps.
_MOST = 2
_AGAIN_AFTER = timedelta(minutes=1)
#: What the database may go back behind: what tells of a payout.
_COMMITS = frozenset(
    f"ledger.{name}"
    for name in (
        *("accept", "carry_out", "claim", "claim_due_sends"),
        *("judge", "notify", "replace", "take_in"),
    )
)


_CLAIMS = frozenset({"ledger.claim", "ledger.claim_due_sends"})


class Before(enum.Enum):
    """
    Behind what the database goes back.
    """

    CLAIM = "before a claim"
    JOB = "before a job"
    COMMIT = "before any commit"


class Past(NamedTuple):
    """
    A moment to go back to: before the last of something, or so many of them.
    """

    before: Before = Before.CLAIM
    times: int = 1


class Broker(enum.Enum):
    """
    What becomes of the broker when a backup is put back.
    """

    STAYS = "a backup is put back"
    EMPTIED = "a backup is put back, and the broker is empty"
    RESTORED = "a backup is put back, of the broker as well"


class Journal(enum.Enum):
    """
    What becomes of the journal then, if someone says that the database was restored.
    """

    READ = "the journal is read"
    UNREAD = "nobody reads the journal"
    LOST = "the journal is lost"


#: A claim that went out: the epoch in which it did, and its lease token.
Sent = tuple[str, str]


@dataclass(frozen=True)
class Kept:
    """
    The database and the mark as one commit left them.
    """

    ledger: Backup
    mark: dict[str, Progress]
    marked: frozenset["Sent"]


@dataclass(frozen=True)
class Lost:
    """
    What a database lacks that went back: claims by number and lease token, and payouts.
    """

    claims: frozenset[tuple[str, str]]
    #: The debts that lost a payout which had been claimed.
    debts: frozenset[str]


class Restores:
    """
    The backups of one story; none are kept unless `is_on`. `went_back` hears what was lost.
    """

    def __init__(
        self,
        clock: VirtualClock,
        ledger: MemoryLedger,
        mark: MemoryMark,
        journal: MemoryJournal,
        limits: Limits,
        who: str,
    ) -> None:
        self._clock = clock
        self._ledger = ledger
        self._mark = mark
        self._journal = journal
        self._limits = limits
        self._who = who
        self.is_on = False
        self.times = 0
        self.went_back: Callable[[Lost], None] = lambda _lost: None
        #: After which going back someone last had the journal read to its end.
        self._read_after = 0
        self._has_lost_journal = False
        #: The epoch that the database went back to, while claims are missing and nobody knows.
        self._unsaid: str | None = None
        #: Whether a process starts that sends, and has not looked into its journal yet.
        self._is_starting = False
        self._kept: defaultdict[Before, list[Kept]] = defaultdict(list)
        #: What mark and journal have to know, whatever they do.
        self._marked: set[Sent] = set()
        self._journaled: set[Sent] = set()
        #: The claims that there were when the mark was last emptied.
        self._emptied_behind: set[str] = set()

    @property
    def has_claims(self) -> bool:
        """
        Whether there is a claim that the database may go back behind.
        """
        return self.is_on and bool(self._kept[Before.CLAIM])

    @property
    def is_journal_read(self) -> bool:
        """
        Whether the whole journal was read to its end since the database last went back.
        """
        return not self._has_lost_journal and 0 < self.times == self._read_after

    def commit(self, effect: str, do: Callable[[], Any]) -> Any:
        """
        Have an effect happen; keep what there was before it, if it is a commit.
        """
        if not self.is_on or effect not in _COMMITS:
            return do()
        mark = dict(self._mark.memory)
        kept = Kept(backup_of(self._ledger), mark, frozenset(self._marked))
        self._kept[Before.COMMIT].append(kept)
        result = do()
        if effect in _CLAIMS and result.claims:
            self._kept[Before.CLAIM].append(kept)
        if effect == "ledger.accept":
            self._kept[Before.JOB].append(kept)
        return result

    def connects(self, token: str) -> None:
        """
        Know that a claim goes out: from now on mark and journal have to know it.

        But for a mark that was emptied since it was told of that very claim.
        """
        if token in self._tokens():
            sent = (self._ledger.sweep_count().uid, token)
            self._journaled.add(sent)
            if token not in self._emptied_behind:
                self._marked.add(sent)

    def fail_over(self, to: Past) -> bool:
        """
        Lose the last commits, and stop nobody; return whether there were any to lose.
        """
        if self._go_back(to) is None:
            return False
        if self._unsaid and not self._lacks(self._marked):
            self.say_so(Journal.READ)
        return True

    def restore(self, to: Past, broker: Broker, journal: Journal, *, says: bool) -> bool:
        """
        Put a backup back while everything stands still; return whether there was any.

        Without `says` nobody says so, if it is noticed without that.
        """
        kept = self._go_back(to)
        if kept is None:
            return False
        if broker is not Broker.STAYS:
            is_restored = broker is Broker.RESTORED
            self._mark.memory = dict(kept.mark) if is_restored else {}
            self._marked = set(kept.marked) if is_restored else set()
        if journal is Journal.LOST:
            self._journal.claims.clear()
            self._journaled.clear()
            self._has_lost_journal = True
        self._is_starting = True
        if says or (self._unsaid and not self._lacks(self._marked | self._journaled)):
            self.say_so(journal)
        return True

    def say_so(self, journal: Journal) -> None:
        """
        Do as the documents say: `payouts restored`, with the journal if there is one.
        """
        self._unsaid = None
        Operator(self._ledger, self._who).declare_restored("a backup", self._limits.ask_first_for)
        if journal is Journal.READ:
            self._recall(self.times)

    def forget_mark(self) -> None:
        """
        Empty the mark; whoever does that says what it alone could have told.
        """
        if self._unsaid == self._ledger.sweep_count().uid:
            self.say_so(Journal.READ)
        self._mark.memory.clear()
        self._marked.clear()
        self._emptied_behind = self._tokens()

    def start(self) -> None:
        """
        Do what a process does first that sends.
        """
        if self._is_starting:
            self._is_starting = False
            Epochs(self._ledger, self._mark, self._limits).check(self._journal)

    def heal(self) -> None:
        """
        From now on the database stays what it is, and the mark is there.
        """
        self.is_on = False
        self._mark.is_away = False

    def _go_back(self, to: Past) -> Kept | None:
        older = self._kept[to.before]
        if not self.is_on or not older:
            return None
        kept = older[max(0, len(older) - to.times)]
        claims, debts, epoch = self._claims(), self._debts(), self._ledger.sweep_count().uid
        put_back(self._ledger, kept.ledger)
        self.times += 1
        self.is_on = self.times < _MOST
        lost = claims - self._claims()
        numbers, gone = {number for number, _ in lost}, debts.keys() - self._debts().keys()
        uid = self._ledger.sweep_count().uid
        # With its epoch the database forgets what that epoch began for.
        self._unsaid = uid if lost or uid != epoch or self._unsaid else None
        self.went_back(Lost(frozenset(lost), frozenset(debts[n] for n in gone & numbers)))
        return kept

    def _recall(self, times: int) -> None:
        """
        Put claims back, and once more those whose payout was being sent.
        """
        with contextlib.suppress(StaleTransition):
            for _ in recall(self._ledger, self._journal.claims, self._limits.lease):
                pass
        if self._ledger.find_forgotten(self._journal.claims):
            self._clock.plan(_AGAIN_AFTER, lambda: self._recall(times))
        else:
            self._read_after = times

    def _lacks(self, known: set[Sent]) -> bool:
        """
        Whether whoever knows these claims, each by its epoch, can tell that some are gone.
        """
        uid, tokens = self._ledger.sweep_count().uid, self._tokens()
        return any(epoch == uid and token not in tokens for epoch, token in known)

    def _tokens(self) -> set[str]:
        return {token for _, token in self._claims()}

    def _claims(self) -> set[tuple[str, str]]:
        rows = self._ledger.payouts(None, _ALL)
        return {
            (row.out_trade_no, attempt.lease_token)
            for row in rows
            for attempt in self._ledger.dossier(row.id).attempts
        }

    def _debts(self) -> dict[str, str]:
        return {row.out_trade_no: row.obligation for row in self._ledger.payouts(None, _ALL)}
