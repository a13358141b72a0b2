"""
Producers: the applications that have payouts made, and the tokens by which they show who they are.
"""

import enum
import re
from dataclasses import dataclass
from datetime import datetime

#: Whose a job is that came without a seal and without a token.
DEFAULT_PRODUCER = "unsealed"

_NAME = re.compile(r"[a-z][a-z0-9-]{0,31}", re.ASCII)


def is_producer_name(text: str) -> bool:
    """
    Whether a producer may be called so: 1 to 32 small letters, digits and hyphens, a letter first.
    """
    return _NAME.fullmatch(text) is not None


class Scope(enum.StrEnum):
    """
    What a token is good for: one thing alone.
    """

    ACCEPT = "accept"  #: to hand payouts over and to withdraw them
    READ = "read"  #: to look at the producer's own payouts


@dataclass(frozen=True, slots=True)
class Producer:
    """
    An application that has payouts made. It sees and withdraws its own, and no other's.
    """

    name: str
    added_by: str
    added_at: datetime
    disabled_by: str | None = None
    disabled_why: str | None = None
    disabled_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Token:
    """
    Proof of being a producer. Nobody keeps the secret itself; its digest names this row.
    """

    id: int
    producer: str
    scope: Scope
    #: What people call it.
    name: str
    issued_by: str
    issued_at: datetime
    #: From when on it is good for nothing; None: never.
    expires_at: datetime | None = None
    revoked_by: str | None = None
    revoked_why: str | None = None
    revoked_at: datetime | None = None
