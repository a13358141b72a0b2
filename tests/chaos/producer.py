"""
A producer that keeps to docs/producers.md: each job is kept, and repeated, until its fate is known.
"""

import random
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from celery import Celery
from kombu.exceptions import OperationalError

from worker.broker.names import QueueName, TaskName
from worker.demo.story import PAUSING, Actor, job, note
from worker.sandbox.debts import Job
from worker.sandbox.scenarios import SCENARIOS
from worker.usecases.ports import Ledger

#: How long to wait for a job to be accepted before it is sent again, in seconds: doubled each time.
#: Where workers cannot keep up, more repetitions would be all that they have time for.
_PATIENCE = (3.0, 6.0, 12.0, 24.0, 48.0)

#: Every so many jobs, one claims an obligation that an earlier job claims already, and two share
#: one that is as large as both.
_DOUBLE_EVERY = 25
_SPLIT = (11, 12)

#: A short balance pauses the channel, which is right, and would end the load. A refused request
#: waits for a person, so it never comes to rest by itself; a held payout is at rest in its case.
_LEFT_OUT = {PAUSING, "refused_request"}


@dataclass(slots=True)
class _Kept:
    """
    A job whose fate is not known yet.
    """

    job: dict[str, Any]
    times: int = 0
    due: float = float("-inf")


class Producer:
    """
    Makes jobs of all scenarios at a steady rate, and keeps each until its fate is known.
    """

    def __init__(
        self,
        broker_url: str,
        merchant: str,
        ledger: Ledger,
        seed: int,
        per_second: float,
        *,
        restores: bool = False,
    ) -> None:
        #: What it keeps of each job, for the audit.
        self.jobs: list[Job] = []
        self.accepted: set[str] = set()
        self.rejected: set[str] = set()
        self.repeated = 0
        self._merchant = merchant
        self._ledger = ledger
        self._seed = seed
        self._per_second = per_second
        self._dice = random.Random(seed)
        self._kept: dict[str, _Kept] = {}
        self._made: list[str] = []
        self._jobs: dict[str, dict[str, Any]] = {}
        self._is_in_doubt = False
        # After a restore no answer ever comes for it, and so nothing is sent any more: a person
        # has to say so.
        left_out = _LEFT_OUT | ({"no_result"} if restores else set())
        self._scenarios = tuple(s for s in SCENARIOS if s.name not in left_out)
        self._app = Celery("producer", broker=broker_url, set_as_current=False)
        self._app.conf.broker_transport_options = {"socket_timeout": 2, "socket_connect_timeout": 2}

    @property
    def made(self) -> int:
        """
        How many jobs there are.
        """
        return len(self._made)

    @property
    def kept(self) -> Collection[str]:
        """
        The numbers of the jobs whose fate is not known yet.
        """
        return self._kept.keys()

    def make(self, elapsed: float) -> None:
        """
        Make the jobs that are due after so many seconds of load.
        """
        while self.made < elapsed * self._per_second:
            place = self.made
            number = f"CHAOS{self._seed}N{place:06}"
            scenario = self._scenarios[place % len(self._scenarios)]
            wanted = job(Actor(number, scenario, scenario.ends.normal), 10_000 + place)
            if place % _DOUBLE_EVERY == _DOUBLE_EVERY - 1:
                wanted["obligation"] = self._dice.choice(self._made)
            if place % _DOUBLE_EVERY in _SPLIT:
                first = place - place % _DOUBLE_EVERY + _SPLIT[0]
                wanted["obligation"] = f"CHAOS{self._seed}SPLIT{first:06}"
                wanted["owed_fen"] = 2 * (10_000 + first) + 1
            self._jobs[number] = wanted
            self._kept[number] = _Kept(wanted)
            self.jobs.append(note(wanted))
            self._made.append(number)

    def send(self, now: float) -> None:
        """
        Send what is new, and again what was not accepted in time. `now` is any steady clock's.
        """
        due = [kept for kept in self._kept.values() if kept.due <= now]
        if not due:
            return
        try:
            with self._app.connection_for_write() as connection:
                connection.ensure_connection(max_retries=0)
                for kept in due:
                    self._app.send_task(
                        TaskName.ENQUEUE.value,
                        kwargs={"job": kept.job},
                        queue=QueueName.ENTRY.value,
                        connection=connection,
                        retry=False,
                    )
                    self.repeated += kept.times > 0
                    kept.due = now + _PATIENCE[min(kept.times, len(_PATIENCE) - 1)]
                    kept.times += 1
        except OperationalError:
            return  # the jobs are kept, and come again

    def look_again(self) -> None:
        """
        See, at the next look, whether the ledger still has what it accepted or rejected.
        """
        self._is_in_doubt = True

    def look(self) -> None:
        """
        Let go of the jobs that the ledger accepted or rejected; keep those again that it lost.
        """
        if self._is_in_doubt:
            rejected = {r.out_trade_no for r in self._ledger.rejections(len(self._made))}
            lost = [n for n in self.accepted if self._ledger.find(self._merchant, n) is None]
            for number in (*lost, *(self.rejected - rejected)):
                self._kept[number] = _Kept(self._jobs[number])
            self.accepted -= self._kept.keys()
            self.rejected -= self._kept.keys()
            self._is_in_doubt = False
        for number in list(self._kept):
            if self._ledger.find(self._merchant, number) is not None:
                self.accepted.add(number)
                del self._kept[number]
        if self._kept:
            for rejection in self._ledger.rejections(len(self._made)):
                if rejection.out_trade_no in self._kept:
                    self.rejected.add(rejection.out_trade_no)
                    del self._kept[rejection.out_trade_no]

    def close(self) -> None:
        """
        Let go of the broker.
        """
        self._app.close()
