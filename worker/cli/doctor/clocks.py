"""
Whether the clocks agree: JD checks request times, and leases go by the database's.
"""

from datetime import datetime, timedelta

from worker.cli.doctor.finding import Finding, ok, warning

#: Clocks may differ by this much.
TOLERANCE = timedelta(seconds=30)


def compared(whose: str, there: datetime, here: datetime) -> Finding:
    """
    Compare a clock with this host's.
    """
    skew = there - here
    seconds = abs(skew.total_seconds())
    if abs(skew) <= TOLERANCE:
        return ok(f"{whose} clock and this host's agree within {TOLERANCE.total_seconds():.0f} s")
    side = "ahead of" if skew > timedelta(0) else "behind"
    return warning(
        f"{whose} clock is {seconds:.0f} s {side} this host's",
        "synchronise both with NTP (`timedatectl status`)",
    )
