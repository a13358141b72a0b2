"""
What beat sends, and how often: one wake-up, because every due time is in the ledger.
"""

from datetime import timedelta

from worker.broker.names import QueueName, TaskName

#: A sweep is dropped if nobody took it within so many intervals, and no sooner than in a minute.
#: The worker's clock decides that by the time that beat recorded: if it were much less, a worker
#: whose clock is ahead of beat's would drop every sweep, in silence and forever. What piles up
#: meanwhile is cheap: a second sweep finds nothing to do.
_STALE_INTERVALS = 60
_STALE_SOONEST = 60.0


def beat_schedule(sweep_every: timedelta) -> dict[str, dict[str, object]]:
    """
    The beat entries.
    """
    seconds = sweep_every.total_seconds()
    stale = max(_STALE_INTERVALS * seconds, _STALE_SOONEST)
    return {
        "sweep": {
            "task": TaskName.SWEEP.value,
            "schedule": seconds,
            "options": {"queue": QueueName.SWEEP.value, "expires": stale},
        }
    }
