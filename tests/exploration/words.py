"""
What JD can say or do in this world, and what it has said: the parts of the alphabet that are JD's.
"""

import enum
from dataclasses import dataclass
from datetime import datetime

from worker.payouts.evidence import Source


class Submit(enum.StrEnum):
    """
    What becomes of one transmission. Those that JD books are on the way, paid or closed at once.
    """

    UNCONNECTED = "no connection"  #: provably nothing was sent
    LOST = "lost on the way"
    DELAYED = "under way for minutes"  #: four at most
    REPLY_LOST = "booked, reply lost"
    DEAD_BEFORE = "claimed, worker dies"
    DEAD_AFTER = "booked, worker dies"
    UNCLEAR = "booked, unlisted code"
    WPAR = "booked, WPAR"
    FINI = "booked, FINI"
    CLOS = "booked, CLOS"
    PAYEE = "refused, the payee"
    REQUEST = "refused, the request"
    CHANNEL = "refused, the merchant"
    REFUSED_AND_BOOKED = "refused, and booked"  #: JD contradicts itself


class Said(enum.StrEnum):
    """
    What a query is answered, or a notification says.
    """

    NOTHING = "no answer"
    NOT_FOUND = "TRADE_NOT_EXIST"
    NO_RESULT = "NO_RESULT"
    KNOWN = "FINI without a currency"  #: a sign that JD has it, and no status to believe
    SIGN = "a trade number alone"  #: the same
    WPAR = "WPAR"
    FINI = "FINI"
    CLOS = "CLOS"
    PART = "REFU of 40"
    WHOLE = "REFU of all"
    REFUSED = "refused"  #: never asked for: the reply to a transmission

    @property
    def is_status(self) -> bool:
        """
        Whether it tells of a trade.
        """
        return self in _STATUSES


class Travels(enum.StrEnum):
    """
    What a notification goes through.
    """

    PLAINLY = "as JD writes it"
    ODDLY = "with an & in its free text"
    MERGED = "written anew, its status inside another value"


_STATUSES = {Said.WPAR, Said.FINI, Said.CLOS, Said.PART, Said.WHOLE}
#: What the books may become by honest words, from what they have.
HONEST: dict[Said | None, frozenset[Said]] = {
    None: frozenset(),
    Said.WPAR: frozenset({Said.WPAR, Said.FINI, Said.CLOS}),
    Said.FINI: frozenset({Said.FINI, Said.PART, Said.WHOLE}),
    Said.CLOS: frozenset({Said.CLOS}),
    Said.PART: frozenset({Said.PART, Said.WHOLE}),
    Said.WHOLE: frozenset({Said.WHOLE}),
}


@dataclass(frozen=True, slots=True)
class Word:
    """
    One verified message that reached us.
    """

    source: Source
    said: Said
    #: When it was asked for, or came.
    at: datetime
