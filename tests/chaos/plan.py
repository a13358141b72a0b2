"""
What goes wrong, when, and for how long: decided by the seed alone.
"""

import enum
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from worker.processes import CONSUMERS

WORKERS = tuple(f"{kind}{place}" for kind in CONSUMERS for place in ("", 2))
BEATS = ("beat", "beat2")
WEBHOOK_SHOP, QUEUE_SHOP = "webhook_shop", "queue_shop"
SHOPS = (WEBHOOK_SHOP, QUEUE_SHOP)

#: A frozen worker sleeps for at least this long: longer than the demo's lease of 4 seconds.
LONGER_THAN_A_LEASE = 5.0


class Kind(enum.StrEnum):
    """
    The faults, by the names that the report uses.
    """

    WORKER_KILLED = "worker killed"  #: kill -9 of its whole process group
    WORKER_FROZEN = "worker frozen"  #: SIGSTOP for longer than its lease, then SIGCONT
    BEAT_KILLED = "beat killed"
    RECEIVER_KILLED = "receiver killed"
    RELAY_KILLED = "relay killed"
    SHOP_KILLED = "shop killed"  #: a producer's web server, or its worker on a queue
    BROKER_CLIENTS_CUT = "broker clients cut"  #: CLIENT KILL TYPE normal
    BROKER_EMPTIED = "broker emptied"  #: FLUSHALL
    BROKER_KILLED = "broker killed"
    POSTGRES_STOPPED = "postgres stopped"  #: its immediate mode, which is a crash
    DISK_FULL = "disk full"  #: what writes to a SQLite database cannot write to any file
    DATABASE_RESTORED = "database restored"  #: put back, and someone says so, with the journals
    DATABASE_FAILED_OVER = "database failed over"  #: seconds are lost, and nobody says so
    GATEWAY_FROZEN = "gateway frozen"  #: its books are in memory, so it is never killed
    REPLIES_DROPPED = "replies dropped"
    NOTIFICATIONS_DROPPED = "notifications dropped"


@dataclass(frozen=True, slots=True)
class Fault:
    """
    One fault: in seconds after the start, and how many until it is fixed.
    """

    at: float
    kind: Kind
    target: str
    lasts: float

    @property
    def ends(self) -> float:
        """
        When it is fixed.
        """
        return self.at + self.lasts

    def __str__(self) -> str:
        return f"{self.at:7.2f} s  {self.kind} ({self.target}) for {self.lasts:.2f} s"


#: Kind: how often in proportion, what it may hit, and how long it may last. A fault of no length
#: is over at once. Faults with one target never overlap; all others may.
_CHOICES: dict[Kind, tuple[int, tuple[str, ...], tuple[float, float]]] = {
    Kind.WORKER_KILLED: (6, WORKERS, (0.2, 4.0)),
    Kind.WORKER_FROZEN: (3, WORKERS, (LONGER_THAN_A_LEASE, 9.0)),
    Kind.BEAT_KILLED: (2, BEATS, (0.2, 6.0)),
    Kind.RECEIVER_KILLED: (2, ("receiver",), (0.2, 4.0)),
    Kind.RELAY_KILLED: (2, ("relay",), (0.2, 4.0)),
    Kind.SHOP_KILLED: (3, SHOPS, (0.2, 4.0)),
    Kind.BROKER_CLIENTS_CUT: (2, ("broker",), (0.0, 0.0)),
    Kind.BROKER_EMPTIED: (3, ("broker",), (0.0, 0.0)),
    Kind.BROKER_KILLED: (2, ("broker",), (0.2, 4.0)),
    Kind.POSTGRES_STOPPED: (2, ("database",), (0.2, 4.0)),
    Kind.DISK_FULL: (3, ("database",), (1.0, 6.0)),
    # What was written since it began is lost at its end.
    Kind.DATABASE_RESTORED: (1, ("database",), (1.0, 15.0)),
    Kind.DATABASE_FAILED_OVER: (1, ("database",), (0.5, 5.0)),
    Kind.GATEWAY_FROZEN: (2, ("gateway",), (1.0, 5.0)),
    Kind.REPLIES_DROPPED: (2, ("gateway",), (2.0, 8.0)),
    Kind.NOTIFICATIONS_DROPPED: (2, ("gateway",), (2.0, 8.0)),
}

#: Seconds between the beginnings of two faults.
_GAPS = (0.5, 4.0)


#: A process ends at once, and is started again later.
KILLS = frozenset(
    {
        *(Kind.WORKER_KILLED, Kind.BEAT_KILLED, Kind.RECEIVER_KILLED),
        *(Kind.RELAY_KILLED, Kind.SHOP_KILLED),
    }
)

#: The database goes back in time.
RESTORES = frozenset({Kind.DATABASE_RESTORED, Kind.DATABASE_FAILED_OVER})


def kinds(database: str, *, restores: bool = False) -> list[Kind]:
    """
    What can happen to a stack on this database, ``postgres`` or ``sqlite``.

    A database that goes back needs a broker that has not forgotten how far it had come.
    """
    others = {"postgres": Kind.DISK_FULL, "sqlite": Kind.POSTGRES_STOPPED}
    never = {others[database]} | ({Kind.BROKER_EMPTIED} if restores else RESTORES)
    return [kind for kind in Kind if kind not in never]


def make(seed: int, seconds: float, database: str, *, restores: bool = False) -> list[Fault]:
    """
    The faults of one run; a longer run with the same seed begins with the shorter one's.
    """
    found: list[Fault] = []
    for fault in _endless(random.Random(seed), kinds(database, restores=restores)):
        if fault.at > seconds:
            return found
        found.append(fault)
    raise AssertionError("the plan has no end")


def _endless(dice: random.Random, kinds: Sequence[Kind]) -> Iterator[Fault]:
    now = 0.0
    busy: dict[str, float] = {}
    # Each kind once at first, so that a short run has seen them all.
    first = dice.sample(kinds, len(kinds))
    weights = [_CHOICES[kind][0] for kind in kinds]
    while True:
        now += dice.uniform(*_GAPS)
        kind = first.pop() if first else dice.choices(kinds, weights)[0]
        _, targets, lengths = _CHOICES[kind]
        target, lasts = dice.choice(targets), dice.uniform(*lengths)
        now = max(now, busy.get(target, 0.0))
        fault = Fault(round(now, 3), kind, target, round(lasts, 3))
        # A moment for whoever was restarted to begin, before it is hit again.
        busy[target] = fault.ends + 2.0
        yield fault
