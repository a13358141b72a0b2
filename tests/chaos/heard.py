"""
What a shop heard of events: in a SQLite file of its own, which outlives its process.
"""

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# A process is killed here, never the machine: what was written is there without a sync.
_OPTIONS = "PRAGMA synchronous = OFF"
_TABLES = """
CREATE TABLE IF NOT EXISTS heard (
  place INTEGER PRIMARY KEY, uid TEXT NOT NULL UNIQUE,
  number TEXT, epoch INTEGER NOT NULL, version INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS healed (at TEXT NOT NULL);
"""
_WAIT_SECONDS = 30.0

#: Tells a shop, in its environment, which file is its own.
VARIABLE = "SHOP_FILE"


@dataclass(frozen=True, slots=True)
class Hearing:
    """
    The first time that an event was heard.
    """

    uid: str
    #: The payout's or the job's; None where a job had none that could be read.
    number: str | None
    epoch: int
    #: 0 where there is no payout.
    version: int


class Heard:
    """
    The file of one shop, which the shop writes and the run reads.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        with self._open() as file:
            file.executescript(_TABLES)

    def take(self, event: Mapping[str, Any]) -> None:
        """
        Write an event down, unless it was heard before.
        """
        data = event["data"]
        with self._open() as file:
            file.execute(
                "INSERT INTO heard (uid, number, epoch, version) VALUES (?, ?, ?, ?)"
                " ON CONFLICT (uid) DO NOTHING",
                [event["id"], data.get("out_trade_no"), data["epoch"], data["version"]],
            )

    def all(self) -> Sequence[Hearing]:
        """
        All of it, in the order in which it was heard first.
        """
        with self._open() as file:
            rows = file.execute("SELECT uid, number, epoch, version FROM heard ORDER BY place")
            return [Hearing(*row) for row in rows]

    def heal(self) -> None:
        """
        End the shop's faults for good, also for a process that starts later.
        """
        with self._open() as file:
            file.execute("INSERT INTO healed VALUES (datetime())")

    @property
    def is_healed(self) -> bool:
        """
        Whether the shop makes no more faults.
        """
        with self._open() as file:
            found = file.execute("SELECT count(*) > 0 FROM healed").fetchone()
            return bool(found[0])

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        with closing(sqlite3.connect(self.path, timeout=_WAIT_SECONDS)) as file, file:
            file.execute(_OPTIONS)
            yield file
