"""
Many seeds, over all cores.
"""

import contextlib
import logging
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from multiprocessing import get_context

from tests.simulation.plants import planted
from tests.simulation.world import Outcome, World

_CHUNK = 50


@dataclass
class Tally:
    """
    What many seeds came to.
    """

    seeds: int = 0
    effects: int = 0
    payouts: int = 0
    resends: int = 0
    #: How payouts ended, and the faults that struck, by kind.
    ends: Counter[str] = field(default_factory=Counter)
    struck: Counter[str] = field(default_factory=Counter)
    #: What was found wrong, by seed.
    faults: dict[int, str] = field(default_factory=dict)

    def add(self, outcome: Outcome) -> None:
        """
        Count one seed.
        """
        self.seeds += 1
        self.effects += outcome.effects
        self.payouts += outcome.payouts
        self.resends += outcome.resends
        self.ends += outcome.ends
        self.struck += outcome.struck
        if outcome.fault:
            self.faults[outcome.seed] = outcome.fault

    def merge(self, other: "Tally") -> None:
        """
        Add another tally to this one.
        """
        self.seeds += other.seeds
        self.effects += other.effects
        self.payouts += other.payouts
        self.resends += other.resends
        self.ends += other.ends
        self.struck += other.struck
        self.faults |= other.faults


def run_one(seed: int, plant: str | None = None, *, tells: bool = False) -> Outcome:
    """
    Run one seed in this process, if wanted with its story.
    """
    with quiet(), planted(plant):
        return World(seed, tells=tells).run()


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """
    Keep the service from logging what happens thousands of times, in here only.
    """
    log = logging.getLogger("jdpay_payouts")
    before = log.level
    log.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        log.setLevel(before)


def run_some(work: tuple[Iterable[int], str | None]) -> Tally:
    """
    Run seeds in this process.
    """
    seeds, plant = work
    tally = Tally()
    for seed in seeds:
        tally.add(run_one(seed, plant))
    return tally


def run_many(seeds: range, jobs: int, plant: str | None) -> Iterator[Tally]:
    """
    Run seeds over so many processes; yield what each chunk came to as soon as it is done.
    """
    chunks = (seeds[at : at + _CHUNK] for at in range(0, len(seeds), _CHUNK))
    work = [(chunk, plant) for chunk in chunks]
    if jobs == 1:
        yield from map(run_some, work)
        return
    with get_context("spawn").Pool(jobs) as pool:
        yield from pool.imap_unordered(run_some, work)
