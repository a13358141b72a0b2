"""
The numbers that a merchant may set, with the defaults that the design argues for.
"""

from dataclasses import dataclass, field
from datetime import timedelta

from worker.payouts.pace import Pace
from worker.payouts.query_schedule import Schedule

#: JD's own limits are not public, so these are low.
SEND_PACE, QUERY_PACE = Pace(10), Pace(20)


@dataclass(frozen=True, slots=True)
class Limits:
    """
    How patient and how careful the worker is.
    """

    schedule: Schedule = field(default_factory=Schedule)
    #: A not-found answer counts towards a resend if its question was asked at least this long
    #: after the last lease ended: one answer for each gap.
    resend_gaps: tuple[timedelta, ...] = (timedelta(minutes=2), timedelta(minutes=10))
    #: No resend later than this after the first transmission.
    resend_window: timedelta = timedelta(hours=24)
    #: Resends for one payout; 0 switches them off.
    resend_limit: int = 2
    #: After a connection that was never made: the first wait, doubling up to the longest.
    backoff_first: timedelta = timedelta(seconds=5)
    backoff_longest: timedelta = timedelta(minutes=10)
    #: The whole of one exchange with the gateway takes no longer than this.
    http_deadline: timedelta = timedelta(seconds=45)
    #: A lease outlasts that deadline by this much.
    lease_margin: timedelta = timedelta(seconds=30)
    #: A payout that is still unsent so long after its acceptance is held, if its job names no time.
    send_within: timedelta = timedelta(hours=24)
    #: JD normally credits within two hours: a payout without a final state by then is overdue.
    overdue_after: timedelta = timedelta(hours=2)
    #: No sweep that ended well for so long is an alert.
    silence_limit: timedelta = timedelta(minutes=5)
    #: And so is what is due for so long while nothing of its kind is done.
    late_limit: timedelta = timedelta(minutes=5)
    #: What is due for so long is an alert though work gets on.
    backlog_limit: timedelta = timedelta(hours=1)
    #: An endpoint that has not taken an event for so long is dead, as far as anyone can tell.
    endpoint_limit: timedelta = timedelta(minutes=30)
    #: What one person proposes waits no longer than a working day for another.
    approval_limit: timedelta = timedelta(hours=24)
    #: A message that a worker takes and does not end comes back after half of this.
    in_hand_limit: timedelta = timedelta(minutes=30)
    #: No transaction of ours is open for more than half a minute.
    transaction_limit: timedelta = timedelta(minutes=10)
    #: The circuit breaker looks at what came of sending in this window ...
    breaker_window: timedelta = timedelta(minutes=5)
    #: ... judges nothing by fewer transmissions than this ...
    breaker_least: int = 20
    #: ... opens where at least this share of them, in percent, ended as `unknown` ...
    breaker_percent: int = 50
    #: ... and lets nothing be sent for so long.
    breaker_rest: timedelta = timedelta(minutes=1)
    #: How fast payouts are sent, and JD is asked.
    send_pace: Pace = SEND_PACE
    query_pace: Pace = QUERY_PACE
    #: A due row that may not be sent is looked at again after this.
    look_again: timedelta = timedelta(seconds=30)
    #: So long after a restore of the database JD is asked about a new payout before it is sent: its
    #: job may be the repetition of one that the backup lacks.
    ask_first_for: timedelta = timedelta(days=7)
    #: An unsigned message brings a payout's next query forward at most this often.
    hurry_spacing: timedelta = timedelta(seconds=60)
    #: So many answers in a row that do not verify stop the channel.
    unverifiable_limit: int = 3

    @property
    def lease(self) -> timedelta:
        """
        How long a fresh lease lasts.
        """
        return self.http_deadline + self.lease_margin
