"""
Chaos with real processes: ``python -m tests.chaos --minutes 10 --seed 1``.

The whole product runs against real servers and a sandbox that misbehaves, under load, while a
seeded plan kills, freezes and empties its parts. Then everything heals, and the promises are
checked for every payout. The same seed gives the same plan; when processes run is their own affair.
"""
