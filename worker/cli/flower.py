"""
`payouts flower`: Flower, started again when it ends, so that it takes nothing with it.

What runs several processes together (honcho) ends them all when one of them ends; a monitor is no
reason for that.
"""

import contextlib
import functools
import logging
import os
import signal
import subprocess
import sys
import time
from datetime import timedelta

import click

from worker import logs
from worker.embedded.children import die_with
from worker.payouts.query_schedule import doubled

log = logging.getLogger("jdpay_payouts.flower")

PASSWORD_VARIABLE = "FLOWER_BASIC_AUTH"  # noqa: S105 (the name of the variable)

_FIRST_PAUSE = timedelta(seconds=1)
_LONGEST_PAUSE = timedelta(seconds=60)

#: A Flower that ran for so long was well: the pauses begin anew.
_RAN_WELL_SECONDS = 60.0

#: A Flower that was told to end has so long for it.
_GRACE_SECONDS = 3.0


@click.command()
@click.option("--address", default="127.0.0.1", show_default=True, help="Where to listen.")
@click.option(
    "--port", default=5555, show_default=True, type=click.IntRange(1, 65_535), help="And its port."
)
def flower(address: str, port: int) -> None:
    """
    Run Flower, read-only, behind the user and password in FLOWER_BASIC_AUTH (user:password).

    Flower that ends is started again, with growing pauses. Without a password it is not started:
    the log says what to set. Ends by TERM or Ctrl-C alone.
    """
    logs.configure("INFO")
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with contextlib.suppress(KeyboardInterrupt):
        if fault := password_fault(os.environ.get(PASSWORD_VARIABLE, "")):
            log.error(fault)
            while True:
                signal.pause()
        _keep_running(command_line(address, port))


def password_fault(given: str) -> str | None:
    """
    What is wrong with FLOWER_BASIC_AUTH and what to do, without its value; None if all is well.
    """
    pairs = [pair.partition(":") for pair in given.split(",")]
    if given and all(user and password for user, _, password in pairs):
        return None
    what = "is not user:password" if given else "is not set"
    return (
        f"Flower is not started, because {PASSWORD_VARIABLE} {what}. Set it to user:password and"
        " start this process again; no other process needs it"
    )


def command_line(address: str, port: int) -> list[str]:
    """
    Flower's own command. The password is not in it: Flower reads it from the environment.
    """
    return [
        *(sys.executable, "-m", "celery", "--app=worker.broker.app", "flower"),
        *(f"--address={address}", f"--port={port}", "--read_only=True", "--persistent=False"),
    ]


def _keep_running(command: list[str]) -> None:
    ends = 0
    while True:
        started = time.monotonic()
        code = _run(command)
        if time.monotonic() - started >= _RAN_WELL_SECONDS:
            ends = 0
        pause = doubled(_FIRST_PAUSE, _LONGEST_PAUSE, ends).total_seconds()
        how = f"by signal {-code}" if code < 0 else f"with exit code {code}"
        log.error("Flower ended %s; it is started again in %.0f s", how, pause)
        time.sleep(pause)
        ends += 1


def _run(command: list[str]) -> int:
    """
    Run Flower until it ends; it never outlives this process.
    """
    process = subprocess.Popen(  # noqa: S603 (the command above)
        command,
        stdin=subprocess.DEVNULL,
        preexec_fn=functools.partial(die_with, os.getpid(), signal.SIGTERM),  # noqa: PLW1509
    )
    try:
        return process.wait()
    finally:
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(_GRACE_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
