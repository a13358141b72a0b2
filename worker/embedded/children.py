"""
One child process: started here, watched here, and ended by its own number only.

A child never outlives its parent. Leaving the `with` block stops it; and if the parent is killed,
the kernel sends the child its stop signal (`PR_SET_PDEATHSIG`). That needs no helper process, holds
for `kill -9` as well, and has one condition, which is checked: the child is started by the main
thread, because the kernel watches the thread and not the process. Other systems than Linux have no
such call; there, only a parent that ends in good order takes its children along.
"""

import contextlib
import ctypes
import functools
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

from worker.embedded.errors import EmbeddedError

_PR_SET_PDEATHSIG = 1
_POLL_SECONDS = 0.02

#: Loaded here and not in the new process, where only system calls are safe.
_libc = ctypes.CDLL(None) if sys.platform == "linux" else None


class Child:
    """
    A running process, leader of a session of its own, with its output in a log file.

    `stop_signal` is the one that the program takes for an orderly end.
    """

    def __init__(
        self,
        argv: Sequence[str | Path],
        *,
        log: Path,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        stop_signal: signal.Signals = signal.SIGTERM,
    ) -> None:
        if threading.current_thread() is not threading.main_thread():
            raise EmbeddedError("Child processes must be started by the main thread.")
        self.log = log
        self._stop_signal = stop_signal
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("ab") as output:
            self._process = subprocess.Popen(  # noqa: S603 (the caller's own argument list)
                [str(part) for part in argv],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=env,
                cwd=cwd,
                start_new_session=True,
                preexec_fn=functools.partial(die_with, os.getpid(), stop_signal),  # noqa: PLW1509
            )

    @property
    def pid(self) -> int:
        """
        The process id, which is also the id of its process group.
        """
        return self._process.pid

    @property
    def exit_code(self) -> int | None:
        """
        What it ended with, negative for a signal; None until it has been ended from here.
        """
        return self._process.returncode

    def is_alive(self) -> bool:
        """
        Whether the process still runs.
        """
        if self.exit_code is not None:
            return False
        # Looks without reaping: while the leader is a zombie, its number, which is the group's, can
        # belong to nobody else, so that `kill` cannot hit a stranger.
        return os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None

    def wait(self, timeout: float) -> bool:
        """
        Wait for the process to end by itself; whether it did so in time.
        """
        deadline = time.monotonic() + timeout
        while self.is_alive():
            if time.monotonic() >= deadline:
                return False
            time.sleep(_POLL_SECONDS)
        return True

    def send(self, signum: signal.Signals) -> None:
        """
        Send a signal to the process itself, not to its group. Nothing happens if it has ended.
        """
        if self.is_alive():
            os.kill(self.pid, signum)

    def stop(self, grace: float = 10.0) -> int:
        """
        Ask the process to end, kill what is left of its group, and return the exit code.
        """
        self.send(self._stop_signal)
        self.wait(grace)
        return self.kill()

    def kill(self) -> int:
        """
        End the whole process group at once and return the exit code. May be repeated.
        """
        if self.exit_code is None:
            # macOS refuses to signal a group in which only the zombie is left.
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.pid, signal.SIGKILL)
        return self._process.wait()

    def tail(self, lines: int = 10) -> str:
        """
        The last lines of its log, to be shown when it failed.
        """
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def die_with(parent: int, signum: signal.Signals) -> None:
    """
    Ask the kernel, in the new process, for a signal when the parent dies.
    """
    if _libc is None:
        return
    _libc.prctl(_PR_SET_PDEATHSIG, int(signum))
    if os.getppid() != parent:  # it died before we asked
        os.kill(os.getpid(), signal.SIGKILL)
