"""
What a run is asked for.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from tests.bench.checkout import THIS, Checkout


@dataclass(frozen=True, slots=True)
class Wanted:
    """
    How much is measured, and of which checkouts.
    """

    #: Every competitor is measured so often, in turns.
    rounds: int = 3
    databases: tuple[str, ...] = ("postgres", "sqlite")
    #: Payouts a round; each benchmark takes the share that it can bear.
    payouts: int = 150
    #: How often each command is started in a round.
    starts: int = 4
    #: Crews of so many processes empty the queues.
    crews: Sequence[int] = (1, 2)
    #: What a slow gateway takes for each answer.
    latency: str = "1s"
    #: For about so long a slow gateway is paid through.
    seconds: float = 10.0
    #: For so long a snapshot is held, in seconds.
    held: float = 20.0
    #: So many requests wait at once for a gateway, and for so long.
    in_flight: int = 200
    hanging: str = "15s"
    #: So many questions fall due, at the rate of 100,000 an hour.
    follow_ups: int = 1_500
    #: The first step of their schedule, in seconds.
    step: float = 10.0
    #: So many payouts are in flight when everything is killed.
    killed: int = 1_000
    #: For so long they are owned by who sends them, in seconds.
    lease: float = 30.0
    #: Numbers of prefork children, to tell from what one more takes.
    children: Sequence[int] = (4, 16)
    #: Rows of the tables that are swept.
    rows: Sequence[int] = (10_000, 100_000)
    #: Payouts to audit, rising.
    audited: Sequence[int] = (2_000,)
    #: For so long PostgreSQL may keep its counts to itself, in seconds.
    settling: float = 11.0
    #: A checkout to be measured beside this one.
    against: Checkout | None = None

    @property
    def checkouts(self) -> tuple[Checkout, ...]:
        """
        Whose stacks are measured.
        """
        return (THIS,) if self.against is None else (THIS, self.against)


#: Enough to see that a benchmark works, far too little for a figure.
SMALLEST = Wanted(
    rounds=1,
    databases=("sqlite",),
    payouts=8,
    starts=1,
    crews=(2,),
    latency="0.2s",
    seconds=1.0,
    held=1.0,
    in_flight=4,
    hanging="3s",
    follow_ups=8,
    step=2.0,
    killed=8,
    lease=5.0,
    children=(2, 3),
    rows=(500,),
    audited=(20,),
    settling=1.0,
)
