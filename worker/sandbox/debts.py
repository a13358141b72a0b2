"""
What became of each debt, by the producer's jobs and the gateway's books alone.

Amounts are fen, times are aware.
"""

import enum
import unicodedata
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from worker.sandbox.trade import Status, Step

UNDER_WAY = frozenset({Status.BUID, Status.ACSU, Status.WPAR})


@dataclass(frozen=True, slots=True)
class Job:
    """
    What a producer asked for. A split and a replacement name the debt of an earlier job.
    """

    number: str
    amount_fen: int
    obligation: str
    asked_at: datetime
    #: What is owed in all; None: as the debt's first job says, or else that job's amount.
    owed_fen: int | None = None


@dataclass(frozen=True, slots=True)
class Trade:
    """
    What the gateway has booked under a number, and all that became of it, oldest first.
    """

    amount_fen: int
    steps: Sequence[Step]
    #: How often the amount was taken from the merchant's account.
    debits: int = 1
    #: What a gateway that contradicts itself has signed beside its books: the statuses that this
    #: gives, and the most that it named as returned.
    told: frozenset[str] = frozenset()
    told_back_fen: int = 0

    def until(self, now: datetime) -> tuple[Step, ...]:
        """
        Its steps so far.
        """
        return tuple(step for step in self.steps if step.at <= now)

    def back_fen(self, step: Step) -> int:
        """
        What has come back by a step.
        """
        return self.amount_fen if step.status is Status.CLOS else step.refund_fen

    def away_fen(self, now: datetime) -> int:
        """
        What was taken and has not come back.
        """
        steps = self.until(now)
        return self.amount_fen * self.debits - self.back_fen(steps[-1]) if steps else 0


class Outcome(enum.StrEnum):
    """
    What a fen that is owed may be.
    """

    PAID_ONCE = "paid once"
    UNDECIDED = "undecided"
    RETURNED = "returned"
    NOT_PAID = "not paid"


@dataclass(frozen=True, slots=True)
class Debt:
    """
    What is owed, and where the money for it is, in fen.
    """

    owed_fen: int
    #: With payees.
    kept_fen: int = 0
    #: Taken, and not yet paid or closed.
    undecided_fen: int = 0
    #: Was with payees, and is back.
    returned_fen: int = 0

    @property
    def excess_fen(self) -> int:
        """
        What went out beyond what is owed.
        """
        return max(0, self.kept_fen + self.undecided_fen - self.owed_fen)

    @property
    def outcomes(self) -> dict[Outcome, int]:
        """
        How many of the fen that are owed are what: together they are the debt.
        """
        found, left = {}, self.owed_fen
        for outcome, fen in (
            (Outcome.PAID_ONCE, self.kept_fen),
            (Outcome.UNDECIDED, self.undecided_fen),
            (Outcome.RETURNED, self.returned_fen),
            (Outcome.NOT_PAID, self.owed_fen),
        ):
            found[outcome] = min(fen, left)
            left -= found[outcome]
        return found


def debts(
    jobs: Iterable[Job], trades: Mapping[str, Trade], rejected: Collection[str], now: datetime
) -> dict[str, Debt]:
    """
    What became of each debt, by its name. Jobs are in the order in which they were given.

    A rejected job owes nothing; what was paid of it all the same counts against its debt.
    """
    names: dict[str, str] = {}
    owed: dict[str, int] = {}
    for job in jobs:
        # Full-width and narrow letters are one name.
        name = names[job.number] = unicodedata.normalize("NFKC", job.obligation)
        if job.number not in rejected:
            owed.setdefault(name, job.amount_fen if job.owed_fen is None else job.owed_fen)
    paid: dict[str, list[Trade]] = {name: [] for name in names.values()}
    for number, trade in trades.items():
        if number in names:
            paid[names[number]].append(trade)
    return {name: _debt(owed.get(name, 0), some, now) for name, some in paid.items()}


def _debt(owed_fen: int, trades: Iterable[Trade], now: datetime) -> Debt:
    kept = undecided = returned = 0
    for trade in trades:
        for last in trade.until(now)[-1:]:
            if last.status in UNDER_WAY:
                undecided += trade.away_fen(now)
            else:
                kept += trade.away_fen(now)
            returned += last.refund_fen if last.status is Status.REFU else 0
    return Debt(owed_fen, kept, undecided, returned)
