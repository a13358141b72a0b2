"""
What a trade may do: the words in which the scenarios are written.
"""

import enum
from dataclasses import dataclass
from datetime import datetime, timedelta


class Status(enum.StrEnum):
    """
    The values of `trade_status` that this gateway uses.
    """

    WPAR = "WPAR"  #: waiting for the bank
    FINI = "FINI"  #: paid
    CLOS = "CLOS"  #: closed, not paid
    REFU = "REFU"  #: 退票: returned after it was paid


@dataclass(frozen=True, slots=True)
class Cause:
    """
    Why a trade was closed: `trade_respcode` and `trade_respmsg`.
    """

    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Refusal:
    """
    Why an order is not taken: `response_code` and `response_message`.
    """

    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Course:
    """
    What becomes of a booked trade: paid unless closed, then perhaps returned.
    """

    at_once: bool = False  #: already decided in the reply
    closed: Cause | None = None
    returned_percent: int = 0


class Intake(enum.Enum):
    """
    Whether a well-formed order gets into the books.
    """

    BOOKED = enum.auto()
    MISSED_ONCE = enum.auto()  #: the first transmission is not booked, any later one is
    REFUSED = enum.auto()  #: never booked, since it is refused each time it comes
    ASTRAY = enum.auto()  #: accepted in words, but never reaches the database


class Fault(enum.Enum):
    """
    What befalls the reply to the first transmission.
    """

    CUT = enum.auto()  #: the connection is closed without a byte
    HELD = enum.auto()  #: the connection stays open and silent
    BAD_GATEWAY = enum.auto()  #: HTTP 502 with a page
    HTML_PAGE = enum.auto()  #: HTTP 200 with a page
    CUT_JSON = enum.auto()  #: HTTP 200 with half of the reply
    SYSTEM_ERROR = enum.auto()  #: signed, SYSTEM_ERROR
    UNLISTED_CODE = enum.auto()  #: signed, a code that is in no table
    BAD_SIGNATURE = enum.auto()  #: the right reply with a wrong signature


class Notices(enum.Enum):
    """
    How a trade's notifications go out.
    """

    NORMAL = enum.auto()
    NONE = enum.auto()
    TRIPLED = enum.auto()  #: each three times, and on and on whatever is answered
    RETURN_FIRST = enum.auto()  #: that of the success comes after that of the return
    RETURN_SILENT = enum.auto()  #: that of the return never comes
    FORGED_FIRST = enum.auto()  #: before the real one, a false one claims CLOS


@dataclass(frozen=True, slots=True)
class Timing:
    """
    How long things take.
    """

    pay_after: timedelta = timedelta(seconds=2)
    return_after: timedelta = timedelta(seconds=4)  #: counted from the payment
    hang: timedelta = timedelta(seconds=60)
    #: Counted from the moment at which the trade became final.
    notify_at: tuple[timedelta, ...] = tuple(timedelta(minutes=m) for m in (0, 1, 3, 10, 120))
    #: How long a notification is under way, which lets a reply that says paid come first.
    notice_takes: timedelta = timedelta(0)


@dataclass(frozen=True, slots=True)
class Step:
    """
    One status that a trade takes, and when. `refund_fen` is what had come back by then.
    """

    at: datetime
    status: Status
    refund_fen: int = 0
    cause: Cause | None = None


@dataclass(frozen=True, slots=True)
class Notice:
    """
    One notification to be sent: the step that it reports, and when it is due.
    """

    at: datetime
    step: Step
    forged: bool = False
    #: Sent even if this status was acknowledged already.
    insistent: bool = False
