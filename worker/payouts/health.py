"""
How the whole is: what is late, and what alerts are made from.
"""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Overdue:
    """
    A payout without a final state for too long.
    """

    payout_id: int
    out_trade_no: str


@dataclass(frozen=True, slots=True)
class Health:
    """
    How the whole is for one merchant, at the database's time.
    """

    now: datetime
    #: When the last sweep began; None if there never was one.
    swept_at: datetime | None
    paused_why: str | None
    broken_until: datetime | None
    #: Payouts that JD must be asked about before anything is sent.
    in_doubt: int
    #: Payouts without a final state for too long.
    overdue: int
    #: Payouts that a control stopped before they were sent.
    held: int
    #: Cases that wait for a person; some name a number that is no payout of ours.
    open_cases: int
    #: Unfinished payouts of other merchants.
    others: int = 0
    #: Payouts that are due to be sent, stopped or not, and payouts that are due to be asked about.
    sends_due: int = 0
    queries_due: int = 0
