"""
What people see in a real terminal that is narrow.
"""

import fcntl
import json
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from collections.abc import Iterator

import pytest

from tests.integration.cli.conftest import Run
from tests.integration.cli.samples import a_job, an_answer, answered, handler, queued
from worker.intake import jobs
from worker.payouts.evidence import TradeStatus
from worker.store.ledger import SqlLedger

#: As long as a number may be, and different in the last character alone.
NUMBERS = [f"{'A1B2C3D4' * 3}ABCDEFG{last}" for last in "0123"]

_COLOURS = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]")


def printed(columns: int, *arguments: str) -> list[str]:
    """
    The lines that `payouts` writes to a terminal of that width.
    """
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    environment = {name: value for name, value in os.environ.items() if name != "COLUMNS"}
    with subprocess.Popen(
        [sys.executable, "-m", "worker", *arguments],
        env={**environment, "TERM": "xterm"},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    ) as process:
        os.close(theirs)
        text = b"".join(_read(ours)).decode()
        os.close(ours)
        assert process.wait(60) == 0, text
    return [_COLOURS.sub("", line).rstrip() for line in text.splitlines()]


def _read(terminal: int) -> Iterator[bytes]:
    while True:
        try:
            piece = os.read(terminal, 65536)
        except OSError:  # how Linux tells that the other side was closed
            return
        if not piece:
            return
        yield piece


@pytest.fixture
def twins(ledger: SqlLedger, store_settings: str) -> SqlLedger:
    """
    Two payouts and two cases, two rejections, all with numbers that are hard to tell apart.
    """
    first, second, third, fourth = NUMBERS
    for number in (first, second):
        payout_id = answered(
            ledger, an_answer(number, trade_status=TradeStatus.REFU, refund_fen=1), number
        )
        handler(ledger).apply(payout_id)
    for number in (third, fourth):
        queued(ledger, number, amount_fen=987_654_321)
        fault = ("payee_bank_code: is not a bank that JD pays to; did you mean CMB?",)
        ledger.reject(jobs.rejection(a_job(number), "invalid", fault, "unsealed"))
    return ledger


@pytest.mark.parametrize("columns", [80, 60])
@pytest.mark.parametrize(
    ("command", "numbers", "whole"),
    [
        ("list", NUMBERS, ["queued", "paid", "12,345.67", "9,876,543.21"]),
        ("cases", NUMBERS[:2], ["partial_return", "resolve"]),
        ("rejections", NUMBERS[2:], ["invalid"]),
    ],
)
def test_no_number_is_cut(
    twins: SqlLedger, columns: int, command: str, numbers: list[str], whole: list[str]
) -> None:
    """
    Each is whole on one line, statuses and amounts are, and no line is wider than the terminal.
    """
    lines = printed(columns, command)

    assert max(map(len, lines)) <= columns
    words = [line.split() for line in lines]
    assert [sum(number in line for line in words) for number in numbers] == [1] * len(numbers)
    assert [word for word in whole if not any(word in line for line in words)] == []


@pytest.mark.parametrize("columns", [80, 60])
def test_a_payouts_own_page_shows_its_number_whole(twins: SqlLedger, columns: int) -> None:
    """
    Its number, its obligation, its amount and its status.
    """
    lines = printed(columns, "show", NUMBERS[0])

    assert max(map(len, lines)) <= columns
    assert f"payout       {NUMBERS[0]}" in lines[0]
    assert sum(NUMBERS[0] in re.split(r"[ ,]+", line) for line in lines) == 2
    assert any(line.startswith("status       paid:") for line in lines)
    assert any("12,345.67 yuan (1234567 fen)" in line for line in lines)


@pytest.mark.parametrize("columns", [80, 60])
def test_what_replaced_what_is_whole_too(
    healthy: None, ledger: SqlLedger, run: Run, columns: int
) -> None:
    """
    In the answer of `replace`, in the history, and in the advice.
    """
    old, new, *_ = NUMBERS
    queued(ledger, old)
    run("cancel", old, "--why", "wrong card")
    job = json.dumps(a_job(new, obligation=old))
    answer = run("replace", old, "-", "--why", "right card", text=job)
    assert answer.exit_code == 0

    for command in ("show", "history"):
        lines = printed(columns, command, old)
        assert max(map(len, lines)) <= columns
        assert any(new in line for line in lines)


def test_what_has_no_room_is_named(twins: SqlLedger) -> None:
    """
    Nobody takes the narrow table for all there is.
    """
    (told,) = [line for line in printed(80, "list") if "no room for" in line]

    assert "id" in told
    assert "--json has all" in told


def test_a_pipe_has_room_for_all(twins: SqlLedger, run: Run) -> None:
    """
    What a program reads line by line has every column.
    """
    heading, *_ = run("list").stdout.splitlines()

    assert "no room for" not in run("list").stdout
    assert heading.split()[:6] == ["id", "number", "status", "reason", "yuan", "payee"]
