"""
The developer's stack: one folder and fixed ports, with everything kept from one run to the next.
"""

import contextlib
import fcntl
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

from worker.demo.stack import HURRIED_SANDBOX, Stack, StackError, running
from worker.demo.triggers import SCRIPT
from worker.embedded.listener import is_free, listener

#: Of no well-known service, and below those that the system gives to whoever asks for any.
FIRST_PORT = 7610


def default_directory() -> Path:
    """
    Where the state of this user's programs belongs: one stack for each user, as for the ports.
    """
    state = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(state, "payouts-dev")


def ports_from(first: int) -> Mapping[str, int]:
    """
    The port of each part, in a row.
    """
    return {"broker": first, "sandbox": first + 1, "receiver": first + 2}


@contextlib.contextmanager
def developing(
    directory: Path, ports: Mapping[str, int], *, reset: bool = False
) -> Iterator[Stack]:
    """
    Run the stack of a folder, as it was left or with `reset` an empty one.

    Raises `StackError` where a port is taken, the folder is in use or something cannot start.
    """
    with _locked(directory):
        for part, port in ports.items():
            _check_free(part, port)
        if reset:
            _empty(directory)
        with kept(directory, ports) as stack:
            yield stack


@contextlib.contextmanager
def kept(directory: Path, ports: Mapping[str, int]) -> Iterator[Stack]:
    """
    Run a stack in which every event can be made to happen, on these ports or on free ones.

    Raises `StackError` or `EmbeddedError` where something cannot start.
    """
    script = directory / "script.json"
    script.write_text(json.dumps(SCRIPT), encoding="utf-8")
    record = directory / "transmissions.jsonl"
    options = (*HURRIED_SANDBOX, "--script", str(script), "--record", str(record))
    with running(directory, sandbox=options, ports=ports) as stack:
        try:
            yield stack
        finally:
            stack.end()


def _check_free(part: str, port: int) -> None:
    if not is_free(port):
        by = listener(port) or "a process that cannot be seen from here"
        raise StackError(
            f"port {port}, which the {part} is to have, is taken by {by}: end that, or choose"
            " other ports with --port"
        )


_LOCK = "lock"


@contextlib.contextmanager
def _locked(directory: Path) -> Iterator[None]:
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (directory / _LOCK).open("ab") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StackError(
                f"another `payouts dev` uses {directory}: end it, or choose another with --dir"
            ) from None
        yield


def _empty(directory: Path) -> None:
    for path in directory.iterdir():
        if path.is_dir():
            shutil.rmtree(path)
        elif path.name != _LOCK:
            path.unlink()
