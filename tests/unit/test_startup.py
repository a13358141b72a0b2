"""
What a process that starts waits for, and what it ends for.
"""

import logging
import socket
from collections.abc import Callable

import pytest

from worker import startup
from worker.payouts.errors import PayoutError, SettingsError, StoreFault, StoreUnavailable


def unknown_host(number: int) -> SettingsError:
    """
    What comes of a gateway whose host's name cannot be looked up.
    """
    error = SettingsError("PAYOUTS_GATEWAY_URL: the host gateway is not known")
    error.__cause__ = socket.gaierror(number, "cannot tell")
    return error


def failing(*faults: PayoutError) -> Callable[[], str]:
    """
    Something that cannot be made at first, and then can.
    """
    left = list(faults)

    def make() -> str:
        if left:
            raise left.pop(0)
        return "made"

    return make


@pytest.mark.parametrize(
    "fault", [StoreUnavailable("connection refused"), unknown_host(socket.EAI_AGAIN)]
)
def test_what_passes_is_waited_for(caplog: pytest.LogCaptureFixture, fault: PayoutError) -> None:
    """
    Each try is told, with the time until the next.
    """
    made = startup.when_usable("worker", failing(fault, fault), longest_pause=0.01)

    assert made == "made"
    assert len(caplog.messages) == 2
    assert caplog.messages[0].startswith("the worker waits: ")
    assert str(fault) in caplog.messages[0]


@pytest.mark.parametrize(
    "fault",
    [
        SettingsError("the settings cannot be used:\n  A: is not set\n  B: is not set"),
        StoreFault("no such table"),
        unknown_host(socket.EAI_NONAME),
    ],
)
def test_what_takes_a_person_ends_it(caplog: pytest.LogCaptureFixture, fault: PayoutError) -> None:
    """
    In one line, with the exit code that was asked for.
    """
    with pytest.raises(SystemExit) as ended:
        startup.when_usable("receiver", failing(fault), fault_code=3)

    assert ended.value.code == 3
    ((_, level, told),) = caplog.record_tuples
    assert level == logging.CRITICAL
    assert told.startswith("the receiver cannot start: ")
    assert "\n" not in told
    assert str(fault).splitlines()[-1].strip() in told


def test_patience_may_end() -> None:
    """
    Whoever starts processes anew may take over the waiting: the code is not that of a fault.
    """
    endless = failing(*[StoreUnavailable("away")] * 1000)

    with pytest.raises(SystemExit) as ended:
        startup.when_usable("x", endless, fault_code=3, patience=0.05, longest_pause=0.01)

    assert ended.value.code == 1


def test_a_fault_that_nobody_foresaw_is_not_hidden() -> None:
    """
    It ends the process with its traceback.
    """

    def make() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        startup.when_usable("worker", make)
