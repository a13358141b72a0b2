"""
What may become of a request, a question and a notification: the alphabet of the machine.
"""

import enum
from dataclasses import dataclass, replace
from typing import Any

from hypothesis import strategies as st

from tests.machine.books import Course
from worker.payouts.evidence import Answer, Meaning, TradeStatus


class Fate(enum.Enum):
    """
    What becomes of a request to pay. What is booked is booked once.
    """

    BOOKED = "booked, and answered with where it stands"
    UNANSWERED = "booked, and the read timed out"
    LOST = "lost on its way"
    LATE = "arrives when nobody waits for the answer any more"
    NOT_CONNECTED = "no connection was made"
    SERVER_FAULT = "answered 5xx, and not booked"
    SERVER_FAULT_BOOKED = "answered 5xx, and booked"
    GARBLED = "answered with garbage, and not booked"
    GARBLED_BOOKED = "answered with garbage, and booked"
    SYSTEM_ERROR = "SYSTEM_ERROR, and not booked"
    SYSTEM_ERROR_BOOKED = "SYSTEM_ERROR, and booked"
    UNLISTED = "a code that nobody knows, and not booked"
    UNLISTED_BOOKED = "a code that nobody knows, and booked"
    PAYEE = "refused: the payee's data"
    REQUEST = "refused: the request"
    CHANNEL = "refused: us"
    BALANCE = "refused: the balance"
    BARE = "booked, and 0000 without a status"
    BARE_DUPLICATE = "a duplicate without a status, if JD has it; booked if not"


#: What JD says by a code alone.
CODES = {
    Fate.SYSTEM_ERROR: Meaning.UNCLEAR,
    Fate.SYSTEM_ERROR_BOOKED: Meaning.UNCLEAR,
    Fate.UNLISTED: Meaning.UNCLEAR,
    Fate.UNLISTED_BOOKED: Meaning.UNCLEAR,
    Fate.PAYEE: Meaning.PAYEE,
    Fate.REQUEST: Meaning.REQUEST,
    Fate.CHANNEL: Meaning.CHANNEL,
    Fate.BALANCE: Meaning.BALANCE,
    Fate.BARE: Meaning.PROCESSED,
}
#: Why the transport gives no answer, although the request may have arrived.
NO_ANSWER = {
    Fate.UNANSWERED: "read_timeout",
    Fate.LOST: "read_timeout",
    Fate.LATE: "read_timeout",
    Fate.SERVER_FAULT: "http_502",
    Fate.SERVER_FAULT_BOOKED: "http_502",
    Fate.GARBLED: "garbled",
    Fate.GARBLED_BOOKED: "garbled",
}
REFUSES = frozenset({Fate.PAYEE, Fate.REQUEST, Fate.CHANNEL, Fate.BALANCE})
BOOKS_NOT = REFUSES | {
    Fate.LOST,
    Fate.SERVER_FAULT,
    Fate.GARBLED,
    Fate.SYSTEM_ERROR,
    Fate.UNLISTED,
}


class Word(enum.Enum):
    """
    What JD answers to a question.
    """

    TRUE = "what it has"
    NO_ANSWER = "nothing"
    NOT_CONNECTED = "nothing, since no connection was made"
    NOT_FOUND = "not found, whatever it has"
    NO_RESULT = "no result"
    SYSTEM_ERROR = "SYSTEM_ERROR"
    CHANNEL = "a refusal of us"
    PAYEE = "a refusal of the payee, which answers no question"
    BARE = "0000 without a status"


#: The answers that are nothing but a code.
WORDS = {
    Word.NOT_FOUND: Meaning.NOT_FOUND,
    Word.NO_RESULT: Meaning.NO_RESULT,
    Word.SYSTEM_ERROR: Meaning.UNCLEAR,
    Word.CHANNEL: Meaning.CHANNEL,
    Word.PAYEE: Meaning.PAYEE,
    Word.BARE: Meaning.PROCESSED,
}


class Spoil(enum.Enum):
    """
    What is wrong with a message, signed unless it says otherwise.
    """

    NOTHING = "nothing"
    UNSIGNED = "the signature, and what it says"
    AMOUNT = "the amount"
    MERCHANT = "the merchant"
    NUMBER = "the number"
    CURRENCY = "the currency"
    INCOMPLETE = "the amount is missing"
    NO_CURRENCY = "the currency is missing"
    NO_MERCHANT = "the merchant is missing"
    UNLISTED = "the status is in no table"
    NUMBER_ONLY = "all but JD's own number is missing"
    SOME_BACK = "an amount that came back is named beside any status"
    TRADE_NO = "JD's own number is another one"


_CHANGES: dict[Spoil, dict[str, Any]] = {
    Spoil.UNSIGNED: {"verified": False},
    Spoil.AMOUNT: {"amount_fen": 1},
    Spoil.MERCHANT: {"merchant": "another"},
    Spoil.NUMBER: {"number": "P-another"},
    Spoil.CURRENCY: {"currency": "USD"},
    Spoil.INCOMPLETE: {"amount_fen": None},
    Spoil.NO_CURRENCY: {"currency": None},
    Spoil.NO_MERCHANT: {"merchant": None},
    Spoil.UNLISTED: {"meaning": Meaning.UNREADABLE},
    Spoil.NUMBER_ONLY: {"amount_fen": None, "merchant": None, "currency": None},
}
#: Nothing is said of what became of it.
_STATUSLESS = frozenset({Spoil.UNLISTED, Spoil.NUMBER_ONLY})


def spoilt(answer: Answer, spoil: Spoil, lie: TradeStatus) -> Answer:
    """
    The answer as it reaches us; whoever gets something wrong may get the status wrong too.
    """
    if spoil is Spoil.TRADE_NO and answer.trade_no is not None:
        answer = replace(answer, trade_no=answer.trade_no + "-second")
    if spoil is Spoil.SOME_BACK and answer.trade_status is not TradeStatus.REFU:
        answer = replace(answer, refund_fen=1)
    if spoil in _CHANGES:
        status = None if answer.number is None or spoil in _STATUSLESS else lie
        answer = replace(answer, trade_status=status, **_CHANGES[spoil])
    return replace(answer, raw=repr(answer).encode())


@dataclass(frozen=True)
class Fortune:
    """
    What becomes of one request to pay, of its trade and of the answer.
    """

    fate: Fate = Fate.BOOKED
    course: Course = Course.PAID
    spoil: Spoil = Spoil.NOTHING
    lie: TradeStatus = TradeStatus.FINI
    #: How late a late request arrives, and how long JD takes to know what it booked.
    minutes: int = 0


@dataclass(frozen=True)
class Reply:
    """
    What becomes of one question.
    """

    word: Word = Word.TRUE
    spoil: Spoil = Spoil.NOTHING
    lie: TradeStatus = TradeStatus.FINI


lies = st.sampled_from([TradeStatus.FINI, TradeStatus.CLOS, TradeStatus.REFU, TradeStatus.WPAR])
spoils = st.just(Spoil.NOTHING) | st.sampled_from(Spoil)
#: Most of these are odd: what nobody drew is booked, paid and answered honestly anyway.
fortunes = st.builds(
    Fortune,
    fate=st.sampled_from(Fate),
    course=st.sampled_from(Course),
    spoil=spoils,
    lie=lies,
    minutes=st.sampled_from([0, 1, 4]),
)
replies = st.just(Reply()) | st.builds(Reply, word=st.sampled_from(Word), spoil=spoils, lie=lies)
