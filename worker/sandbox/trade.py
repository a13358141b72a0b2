"""
What a trade is at one moment.
"""

import enum
from dataclasses import dataclass
from datetime import datetime


class Status(enum.StrEnum):
    """
    The values of `trade_status`. The first two are told in scripts alone.
    """

    BUID = "BUID"  #: created
    ACSU = "ACSU"  #: accepted
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
class Step:
    """
    One status that a trade takes, and when. `refund_fen` is what had come back by then.
    """

    at: datetime
    status: Status
    refund_fen: int = 0
    cause: Cause | None = None
