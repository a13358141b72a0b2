"""
The circuit breaker: where most of what is sent ends in not knowing, sending rests for a while.

Each payout sent at such a time would cost queries, and perhaps a person's time; one that waits
costs nothing.
"""

from dataclasses import dataclass

from worker.payouts.limits import Limits


@dataclass(frozen=True, slots=True)
class Tally:
    """
    How many transmissions ended lately, and how many of them left the payout `unknown`.

    Connections that were never made are not counted: they leave nothing unclear, and wait longer
    each time by themselves.
    """

    ended: int
    unknown: int


def trips(tally: Tally, limits: Limits) -> bool:
    """
    Whether sending should rest.
    """
    enough = tally.ended >= limits.breaker_least
    return enough and tally.unknown * 100 >= tally.ended * limits.breaker_percent
