"""
Column types that behave alike on SQLite and on PostgreSQL.
"""

import enum
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa


class UtcDateTime(sa.types.TypeDecorator[datetime]):
    """
    An aware UTC datetime with microseconds, in and out.

    SQLite has no such type: there it is text of constant width, which sorts as time does.
    """

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, _dialect: sa.Dialect) -> datetime | None:
        """
        Take an aware time of any zone; refuse a naive one, whose meaning could only be guessed.
        """
        if value is None:
            return None
        if value.utcoffset() is None:
            raise ValueError("a stored time must be aware")
        return value.astimezone(UTC)

    def result_processor(
        self, dialect: sa.Dialect, _coltype: object
    ) -> Callable[[Any], datetime | None]:
        """
        Give it back in UTC, whatever zone the session has.
        """
        return _from_text if dialect.name == "sqlite" else _in_utc


def _from_text(value: str | None) -> datetime | None:
    if value is None:
        return None
    at = datetime.fromisoformat(value)
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)


def _in_utc(value: datetime | None) -> datetime | None:
    return value if value is None or value.tzinfo is UTC else value.astimezone(UTC)


class ForeignText(sa.types.TypeDecorator[str]):
    """
    Text that someone else wrote: a character that a database cannot hold becomes an escape.

    PostgreSQL holds no NUL, and neither database a half of a surrogate pair; no message from
    outside may fail to be stored for that.
    """

    impl = sa.String()
    cache_ok = True

    def process_bind_param(self, value: str | None, _dialect: sa.Dialect) -> str | None:
        """
        Escape what cannot be stored, and nothing else.
        """
        return None if value is None else self.escaped(value)

    @staticmethod
    def escaped(value: str) -> str:
        """
        A text as it is stored.
        """
        return value.encode(errors="backslashreplace").decode().replace("\0", "\\x00")


class Sealed(sa.types.TypeDecorator[bytes]):
    """
    Encrypted content, bound to columns of its row that never change: it opens beside no others.
    """

    impl = sa.LargeBinary
    cache_ok = True

    def __init__(
        self, *bound_to: str, and_to: tuple[str, ...] = (), named: tuple[str, ...] = ()
    ) -> None:
        super().__init__()
        self.bound_to = bound_to
        #: Columns that came later: it is bound to one if that has a value.
        self.and_to = and_to
        #: And to one of these by its name as well, so that none passes for another.
        self.named = named


def one_of(kind: type[enum.StrEnum]) -> sa.Enum:
    """
    A column of an enum's values as short strings; a new value needs no migration.
    """
    return sa.Enum(
        kind,
        values_callable=lambda values: [value.value for value in values],
        native_enum=False,
        create_constraint=False,
        validate_strings=True,
        length=32,
    )


#: SQLite numbers rows by itself only where the key is a plain INTEGER.
Id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
