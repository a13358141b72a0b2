"""
What a process makes sure of before it takes any work.

What passes by itself, a database that is away above all, is waited for. What a person has to put
right is said in one line, and the process ends.
"""

import logging
import socket
from collections.abc import Callable
from typing import TypeVar

import tenacity

from worker.cli.faults import explain
from worker.payouts.errors import PayoutError, StoreUnavailable

log = logging.getLogger("jdpay_payouts.startup")

Made = TypeVar("Made")


def when_usable(
    whose: str,
    make: Callable[[], Made],
    *,
    fault_code: int = 1,
    patience: float | None = None,
    longest_pause: float = 15.0,
) -> Made:
    """
    Return what `make` makes, as soon as it can be made.

    Ends the process with `fault_code` where that takes a person, and with 1 where `patience`, in
    seconds, is over; None has no end.
    """
    attempts = tenacity.Retrying(
        retry=tenacity.retry_if_exception(_passes),
        wait=tenacity.wait_exponential(max=longest_pause),
        stop=tenacity.stop_never if patience is None else tenacity.stop_after_delay(patience),
        before_sleep=lambda state: _say_waiting(whose, state),
        reraise=True,
    )
    try:
        return attempts(make)
    except PayoutError as fault:
        log.critical("the %s cannot start: %s", whose, _line(fault))
        raise SystemExit(1 if _passes(fault) else fault_code) from None


def _passes(fault: BaseException) -> bool:
    if isinstance(fault.__cause__, socket.gaierror):
        return fault.__cause__.errno == socket.EAI_AGAIN
    return isinstance(fault, StoreUnavailable)


def _say_waiting(whose: str, state: tenacity.RetryCallState) -> None:
    fault = state.outcome.exception() if state.outcome else None
    assert isinstance(fault, PayoutError)
    seconds = state.next_action.sleep if state.next_action else 0
    log.warning("the %s waits: %s; next try in %.0f s", whose, _line(fault), seconds)


def _line(fault: PayoutError) -> str:
    first, *rest = explain(fault).splitlines()
    return " ".join([first, "; ".join(line.strip() for line in rest)]).strip()
