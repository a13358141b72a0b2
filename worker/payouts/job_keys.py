"""
Keys by which jobs are sealed: those of producers, and our own, for producers that share no secret.
"""

import enum
import re
from dataclasses import dataclass, field
from datetime import datetime

from worker.payouts.person import Person

_NAME = re.compile(r"([a-z][a-z0-9-]{0,31})\.[1-9][0-9]{0,8}", re.ASCII)

#: Our own keys are called ``OWN.1`` and so on: no producer's name has large letters.
_OWN = "OWN"


class KeyKind(enum.StrEnum):
    """
    What a key does.
    """

    SHARED = "shared"  #: 256 bits that the producer and we hold: it encrypts
    SIGNING = "signing"  #: an Ed25519 public key, whose other half only the producer holds
    OWN = "own"  #: our X25519 private key: whoever has the other half encrypts for us


@dataclass(frozen=True, slots=True)
class JobKey:
    """
    A key for jobs. A retired one opens no new job, and still those that it brought before.
    """

    #: Whose and which, as the header of a sealed job says: ``shop.2``.
    name: str
    kind: KeyKind
    #: None: it is our own.
    producer: str | None
    #: The raw 32 bytes.
    material: bytes = field(repr=False)
    added_by: Person
    added_at: datetime
    #: Who let it count; in the sandbox that is whoever added it.
    approved_by: Person | None = None
    approved_at: datetime | None = None
    retired_by: str | None = None
    retired_why: str | None = None
    retired_at: datetime | None = None
    #: Whether its row is what was written: nobody wrote to the database beside us.
    is_intact: bool = True

    @property
    def is_good(self) -> bool:
        """
        Whether jobs that come now may be sealed with it.
        """
        return self.is_intact and self.approved_at is not None and self.retired_at is None


def name_key(producer: str | None, serial: int) -> str:
    """
    What a key is called: by its producer and which of theirs it is, from 1 on.
    """
    return f"{producer or _OWN}.{serial}"


def producer_of(key_name: str) -> str | None:
    """
    Whose key is called so; None where no producer's is.
    """
    found = _NAME.fullmatch(key_name)
    return None if found is None else found[1]
