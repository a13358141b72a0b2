"""
What beat sends, and how often: one wake-up, because every due time is in the ledger.
"""

from datetime import timedelta

from worker.names import QueueName, TaskName


def beat_schedule(sweep_every: timedelta) -> dict[str, dict[str, object]]:
    """
    The beat entries. A sweep that nobody took before the next one is dropped, not piled up.
    """
    seconds = sweep_every.total_seconds()
    return {
        "sweep": {
            "task": TaskName.SWEEP.value,
            "schedule": seconds,
            "options": {"queue": QueueName.SWEEP.value, "expires": max(seconds, 1.0)},
        }
    }
