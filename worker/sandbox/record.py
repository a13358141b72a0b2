"""
What was transmitted, on disk: from it the books are made again when the sandbox starts anew.
"""

import json
import os
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any


class Record:
    """
    A file of mode 0600 with a line for each transmission, in order. The books hold the lock.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        path.touch(mode=0o600)
        whole = path.read_bytes().rpartition(b"\n")
        # Half a line is of a transmission that was never answered.
        os.truncate(path, len(whole[0] + whole[1]))

    def add(self, at: datetime, request: Mapping[str, str]) -> None:
        """
        Add a transmission. Raises `OSError`.
        """
        line = json.dumps({"at": at.isoformat(), "request": dict(request)}, ensure_ascii=False)
        with self._path.open("ab") as file:
            file.write(f"{line}\n".encode())

    def __iter__(self) -> Iterator[tuple[datetime, dict[str, str]]]:
        for line in self._path.read_bytes().splitlines():
            told: dict[str, Any] = json.loads(line)
            yield datetime.fromisoformat(told["at"]), told["request"]
