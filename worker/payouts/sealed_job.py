"""
A sealed job, opened: what a producer wants, who it is, and what shows that nobody else wrote it.
"""

import enum
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from worker.payouts.job_keys import JobKey
from worker.payouts.model import Order


class Purpose(enum.StrEnum):
    """
    What a sealed job is for.
    """

    PAY = "pay"
    CANCEL = "cancel"


@dataclass(frozen=True, slots=True)
class Cancellation:
    """
    A producer wants a payout of its own withdrawn.
    """

    out_trade_no: str
    why: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Claims:
    """
    What a producer has sealed, and for whom.
    """

    wanted: Order | Cancellation
    merchant: str
    profile: str
    issued: datetime
    #: Not to be accepted after this. What is accepted goes on.
    expires: datetime

    @property
    def purpose(self) -> Purpose:
        """
        What for.
        """
        return Purpose.PAY if isinstance(self.wanted, Order) else Purpose.CANCEL


class KeptSeal(NamedTuple):
    """
    What a payout's row keeps of its producer's seal.
    """

    #: Which of its producer's keys made it.
    key_name: str
    #: The producer's words as they were sealed, or signed.
    text: str


@dataclass(frozen=True, slots=True)
class Proof:
    """
    A seal and the key that made it: by the two a row is compared once more.
    """

    text: str = field(repr=False)
    key: JobKey


def kept(proof: Proof | None) -> KeptSeal | None:
    """
    What a row keeps; None of a job that came unsealed.
    """
    return None if proof is None else KeptSeal(proof.key.name, proof.text)


@dataclass(frozen=True, slots=True)
class Opened:
    """
    What a producer's key vouches for, not yet read.
    """

    proof: Proof
    content: bytes = field(repr=False)

    @property
    def producer(self) -> str:
        """
        Who sealed it.
        """
        assert self.proof.key.producer is not None
        return self.proof.key.producer
