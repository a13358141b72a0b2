"""
An application with a spool that ends itself by SIGKILL, each time one effect later.

``python -m tests.unit.producer.dying FOLDER KEY`` has it live anew in FOLDER/life1, life2 ...
until nothing kills it any more.
"""

import functools
import itertools
import json
import os
import signal
import sqlite3
import sys
from pathlib import Path
from typing import Any

from tests.unit.producer.opening import open_shared
from worker.producer import Accepted, Producer, Spool

FIRST = {"out_trade_no": "WITHDRAW0001", "amount_fen": 12345}
SECOND = {"out_trade_no": "WITHDRAW0002", "amount_fen": 67890}
ACCEPTED = {"id": "1", "type": "payout.accepted", "data": {"out_trade_no": "WITHDRAW0001"}}


def take(folder: Path, sealed: str) -> Accepted | None:
    """
    Be a worker, whose answer to the first job comes as an event, and to the second here.
    """
    _, claims = open_shared(sealed)
    with (folder / "taken").open("a") as file:
        print(json.dumps(claims["job"]), file=file)
    return None if claims["job"] == FIRST else Accepted(claims["job"], is_new=True)


class Life:
    """
    An application that puts two jobs and sends them, and dies at its nth effect.
    """

    def __init__(self, folder: Path, key: str, deadly: int) -> None:
        self._folder = folder
        self._key = key
        self._deadly = deadly

    def live(self) -> None:
        """
        From its beginning to the end.
        """
        life = self

        class Connection(sqlite3.Connection):
            def __init__(self, *args: Any, **kwargs: Any) -> None:
                super().__init__(*args, **kwargs)
                self.set_trace_callback(life._reach)

            def __exit__(self, *raised: Any) -> Any:
                super().__exit__(*raised)
                life._reach("after COMMIT")

        vars(sqlite3)["connect"] = functools.partial(sqlite3.connect, factory=Connection)
        spool = Spool(f"{self._folder}/jobs.sqlite", Producer.load(self._key))
        for job in (FIRST, SECOND):
            spool.put(job)
            with (self._folder / "put").open("a") as file:
                print(job["out_trade_no"], file=file)
        spool.send(self._pay)
        spool.hear(ACCEPTED)

    def _pay(self, sealed: str) -> Accepted | None:
        self._reach("send")
        answer = take(self._folder, sealed)
        self._reach("answer")
        return answer

    def _reach(self, effect: str) -> None:
        """
        An effect comes next, perhaps as its last.
        """
        self._deadly -= 1
        if self._deadly == 0:
            (self._folder / "died").write_text(effect)
            os.kill(os.getpid(), signal.SIGKILL)


def main(folder: Path, key: str) -> None:
    """
    Have it live until it dies no more.
    """
    for deadly in itertools.count(1):
        own = folder / f"life{deadly}"
        own.mkdir()
        if (child := os.fork()) == 0:
            Life(own, key, deadly).live()
            os._exit(0)
        _, status = os.waitpid(child, 0)
        if status == 0:
            return
        assert os.waitstatus_to_exitcode(status) == -signal.SIGKILL


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
