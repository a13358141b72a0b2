"""
What is known of a key that payee data is sealed with; nothing of it is secret.
"""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class SealingKey:
    """
    A key by its public id; None for what older versions sealed, which names no key.
    """

    id: str | None
    #: How many contents it seals.
    seals: int
    #: Whether it is in the keyring.
    is_here: bool
    #: Whether it seals what is new.
    is_current: bool
    begun_at: datetime | None = None
    begun_by: str | None = None
    retired_at: datetime | None = None
    retired_by: str | None = None
