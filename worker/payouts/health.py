"""
How the whole is: what is late, and what alerts are made from.

Everything here is a fact, told by the database or by the broker; what is too late or too many is
decided by `policy.alerts`. Times are aware UTC.
"""

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from worker.payouts.checkpoint import Checkpoint


@dataclass(frozen=True, slots=True)
class Overdue:
    """
    A payout without a final state for too long.
    """

    payout_id: int
    out_trade_no: str


class CertificateKind(enum.StrEnum):
    """
    What a certificate is used for.
    """

    MERCHANT = "merchant"  #: the one in our pfx, which signs
    JD = "jd"  #: JD's, which requests are sealed for


@dataclass(frozen=True, slots=True)
class OtherMerchant:
    """
    A merchant who is not ours and has payouts in the same database.
    """

    customer_no: str
    #: Up to a thousand.
    unfinished: int
    #: When the last sweep for it ended well.
    swept_at: datetime | None


#: So many messages in a queue are many: of wake-ups there are few, and jobs are taken fast.
LONG = 1000


@dataclass(frozen=True, slots=True)
class QueueHealth:
    """
    One queue of the broker.
    """

    messages: int
    #: For how long the message whose turn it is has been that, as far as anybody has looked.
    unread_for: timedelta
    #: For how long there have never been fewer than `LONG`, as far as anybody has looked.
    long_for: timedelta = timedelta(0)


@dataclass(frozen=True, slots=True)
class BrokerHealth:
    """
    What the broker tells, at its own time.
    """

    now: datetime
    queues: Mapping[str, QueueHealth]
    #: Messages that were taken and not acknowledged, and when the first of them was taken.
    in_hand: int = 0
    taken_at: datetime | None = None
    #: Those of them that no worker will ever find again.
    lost: int = 0
    #: Keys that hold messages and that nobody reads.
    misrouted: tuple[str, ...] = ()
    #: How often each worker has started lately.
    starts: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Health:
    """
    How the whole is for one merchant, at the database's time.
    """

    now: datetime
    #: When the last sweep ended well; None if there never was one.
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
    #: The other merchants with unfinished payouts.
    others: tuple[OtherMerchant, ...] = ()
    #: Payouts that are due to be sent, stopped or not, and payouts that are due to be asked about.
    sends_due: int = 0
    queries_due: int = 0
    #: Since when the oldest payout is due that nothing keeps from being sent, and when something
    #: was last claimed to be sent.
    send_due_at: datetime | None = None
    sent_at: datetime | None = None
    #: The same for questions.
    query_due_at: datetime | None = None
    asked_at: datetime | None = None
    #: When the oldest evidence came in that has not been applied.
    unapplied_at: datetime | None = None
    #: When the oldest event happened that no relay has announced, if anybody wants to hear any.
    unannounced_at: datetime | None = None
    #: Since when the oldest event waits for an endpoint that does not take it, and which that is.
    undelivered_at: datetime | None = None
    undelivered_to: str = ""
    #: Since when the oldest proposal waits for another person.
    proposed_at: datetime | None = None
    #: Notifications about numbers that we lack, which wait for a person.
    orphans: int = 0
    #: Cases of payouts that someone changed in the database.
    tampered: int = 0
    #: Since the last look of a person: verified notifications about numbers that we lack, which
    #: name another merchant, and jobs that were not accepted, up to a thousand.
    foreign: int = 0
    rejected: int = 0
    #: Until when the certificates are valid that the workers last started with.
    certificates: Mapping[CertificateKind, datetime] = field(default_factory=dict)
    #: Since when the oldest transaction is open, where the database tells.
    transaction_at: datetime | None = None
    #: The last checkpoint over all histories; None before the first.
    checkpoint: Checkpoint | None = None
    #: This host's own time, just after the database told its.
    host_at: datetime | None = None
    #: None where the broker cannot be asked.
    broker: BrokerHealth | None = None


@dataclass(frozen=True, slots=True)
class Looked:
    """
    What someone has looked at.
    """

    rejected: int
    foreign: int


@dataclass(frozen=True, slots=True)
class Told:
    """
    Which alerts nobody was told of yet, and which are over.
    """

    begun: tuple[str, ...] = ()
    over: tuple[str, ...] = ()
