"""
Triggers that refuse whoever would change or delete what is written down.

They hold back a mistake, also one of the tables' owner, and whoever took a process over. They are a
fence and no proof: the owner can take them away, and SQLite's REPLACE deletes without a word to
them. What was changed all the same is found by seals.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

_FUNCTION = """
CREATE OR REPLACE FUNCTION payouts_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION USING
    MESSAGE = TG_TABLE_NAME || ' stays as it was written', ERRCODE = 'restrict_violation';
END
$$
"""


@dataclass(frozen=True, slots=True)
class Fence:
    """
    What of a table's rows is fixed; none of them is ever deleted.

    It knows nothing of the tables as they are now: a revision may make one.
    """

    table: str
    #: Columns that stay as they were inserted; None where all of them do.
    fixed: Sequence[str] | None = None
    #: Columns that stay from when on one of them has a value, by that one.
    fixed_by: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def triggers(self, dialect: str) -> Sequence[str]:
        """
        What its triggers are called.
        """
        also = () if dialect == "sqlite" else (f"{self.table}_is_not_emptied",)
        return (f"{self.table}_stays", f"{self.table}_is_kept", *also)

    def statements(self, dialect: str) -> Iterator[str]:
        """
        What makes its triggers, in place of those that are there.
        """
        if dialect == "sqlite":
            yield from self._on_sqlite()
        else:
            yield from self._on_postgresql()

    def _on_sqlite(self) -> Iterator[str]:
        refuse = f"BEGIN SELECT RAISE(ABORT, '{self.table} stays as it was written'); END"
        when = self._when("IS NOT")
        yield f"DROP TRIGGER IF EXISTS {self.table}_stays"
        yield (
            f"CREATE TRIGGER {self.table}_stays BEFORE {self._update()} ON {self.table}{when}"
            f" {refuse}"
        )
        yield f"DROP TRIGGER IF EXISTS {self.table}_is_kept"
        yield f"CREATE TRIGGER {self.table}_is_kept BEFORE DELETE ON {self.table} {refuse}"

    def _on_postgresql(self) -> Iterator[str]:
        # After, not before: where there is one before, each row is locked once more.
        yield _FUNCTION
        for name, event in {
            "stays": f"AFTER {self._update()} ON {self.table} FOR EACH ROW"
            f"{self._when('IS DISTINCT FROM')}",
            "is_kept": f"AFTER DELETE ON {self.table} FOR EACH ROW",
            "is_not_emptied": f"BEFORE TRUNCATE ON {self.table}",
        }.items():
            yield f"DROP TRIGGER IF EXISTS {self.table}_{name} ON {self.table}"
            yield f"CREATE TRIGGER {self.table}_{name} {event} EXECUTE FUNCTION payouts_refuse()"

    def _update(self) -> str:
        if self.fixed is None:
            return "UPDATE"
        late = (name for names in self.fixed_by.values() for name in names)
        return f"UPDATE OF {', '.join(dict.fromkeys([*self.fixed, *late]))}"

    def _when(self, differs: str) -> str:
        """
        The condition that a row is not to be changed so.
        """
        if self.fixed is None:
            return ""

        def changed(names: Sequence[str]) -> str:
            return " OR ".join(f"OLD.{name} {differs} NEW.{name}" for name in names)

        late = (
            f"OLD.{by} IS NOT NULL AND ({changed(names)})" for by, names in self.fixed_by.items()
        )
        return f" WHEN ({' OR '.join([changed(self.fixed), *late])})"
