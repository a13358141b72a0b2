"""
What a log line holds, and what it never does.
"""

import io
import json
import logging
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from tests.factories import PAYEE
from worker import logs

ACCOUNT = PAYEE.account_no


def line(message: str, *args: object, **more: Any) -> dict[str, Any]:
    """
    One record, as it would be written.
    """
    record = logging.LogRecord("jdpay_payouts.test", logging.INFO, "", 1, message, args, None)
    vars(record).update(more)
    written: dict[str, Any] = json.loads(logs.JsonFormatter().format(record))
    return written


def test_a_line_says_when_where_and_what() -> None:
    """
    One JSON object with the time in UTC.
    """
    written = line("payout %s", "moved")

    assert (
        written["level"],
        written["logger"],
        written["message"],
    ) == ("info", "jdpay_payouts.test", "payout moved")
    assert written["time"].endswith("+00:00")


def test_only_known_fields_are_written() -> None:
    """
    A library that hangs a task's arguments on its records does not get them into ours.
    """
    written = line("x", payout_id=7, data={"kwargs": ACCOUNT}, kwargs=ACCOUNT, args_repr=ACCOUNT)

    assert {"time", "level", "logger", "message", "payout_id"} == set(written)


@pytest.mark.parametrize("name", logs.FIELDS)
def test_every_known_field_is_written(name: str) -> None:
    """
    What our own records carry arrives.
    """
    assert line("x", **{name: "here"})[name] == "here"


@pytest.mark.parametrize(
    "text",
    [
        ACCOUNT,
        f"'{ACCOUNT}'",
        f'{{"payee_account_no": "{ACCOUNT}"}}',
        f"账号{ACCOUNT}，",
        f"account={ACCOUNT};",
        f"No.{ACCOUNT}",  # a point before it is no decimal point
        f"card{ACCOUNT}",  # the d is a letter of a word, not a hexadecimal digit
        f"{ACCOUNT}abc",
        f"{ACCOUNT},{ACCOUNT}",
        f"{ACCOUNT}\n",
        f"-{ACCOUNT}",
    ],
)
def test_an_account_number_is_hidden_wherever_it_stands(text: str) -> None:
    """
    A library's message may quote one.
    """
    assert ACCOUNT[2:-2] not in logs.redact(text)


@pytest.mark.parametrize("text", ["13812345678", "110101199003077758", "11010119900307775X"])
def test_phones_and_ids_are_hidden(text: str) -> None:
    """
    Any long run of digits is someone's.
    """
    assert text[3:9] not in logs.redact(f"value {text} refused")


@pytest.mark.parametrize("text", ["payout 123456789", "0.0123456789012s", "12:00:00.123456"])
def test_short_numbers_and_decimals_stay(text: str) -> None:
    """
    Ids and times are what an operator looks for.
    """
    assert text == logs.redact(text)


def test_a_traceback_is_redacted() -> None:
    """
    An exception's text may quote what it choked on.
    """
    try:
        int(f"card {ACCOUNT}")
    except ValueError:
        written = line("failed", exc_info=sys.exc_info())

    assert "ValueError" in written["traceback"]
    assert ACCOUNT[2:-2] not in json.dumps(written)


def test_arguments_are_redacted() -> None:
    """
    What is formatted into the message is part of it.
    """
    assert ACCOUNT[2:-2] not in line("got %r", {"job": ACCOUNT})["message"]


@pytest.fixture
def root() -> Iterator[logging.Logger]:
    """
    The root logger; it and those that are told of are put back as they were.
    """
    root = logging.getLogger()
    handlers = root.handlers[:]
    levels = {logger: logger.level for logger in (root, *map(logging.getLogger, logs.TOLD))}
    yield root
    root.handlers[:] = handlers
    for logger, level in levels.items():
        logger.setLevel(level)


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ("INFO", logging.INFO),
        ("warning", logging.WARNING),
        (logging.ERROR, logging.ERROR),
        # libraries print whole messages there
        ("DEBUG", logging.INFO),
        (logging.DEBUG, logging.INFO),
        ("NOTSET", logging.INFO),
        ("nonsense", logging.INFO),
    ],
)
def test_debug_is_refused(root: logging.Logger, asked: int | str, expected: int) -> None:
    """
    No setting makes the worker log more than INFO.
    """
    logs.configure(asked)

    assert expected == logging.getLogger("jdpay_payouts.any").getEffectiveLevel()
    assert max(expected, logging.WARNING) == root.level


@pytest.mark.parametrize(
    ("name", "is_told"),
    [
        ("jdpay_payouts.send", True),
        ("celery.apps.worker", True),  # that a worker is ready
        ("celery.worker.strategy", False),
        ("celery.app.trace", False),
        ("celery.beat", False),
        ("kombu.connection", False),
        ("alembic.runtime.migration", False),
        ("urllib3.connectionpool", False),
        ("some.library.of.tomorrow", False),
    ],
)
def test_libraries_chatter_is_not_told(
    root: logging.Logger, capsys: pytest.CaptureFixture[str], name: str, is_told: bool
) -> None:
    """
    What comes with every message, and so fills a disk; a warning of theirs is.
    """
    logs.configure("INFO")
    logging.getLogger(name).info("Task payouts.sweep succeeded in 0.1s")
    logging.getLogger(name).warning("a warning")

    told = [json.loads(line)["level"] for line in capsys.readouterr().err.splitlines()]
    assert told == (["info", "warning"] if is_told else ["warning"])


def test_everything_goes_to_standard_error_as_json(
    root: logging.Logger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    Libraries' records too.
    """
    written = io.StringIO()
    monkeypatch.setattr(sys, "stderr", written)
    logs.configure("INFO")
    logging.getLogger("some.library").warning("hello")

    assert json.loads(written.getvalue())["message"] == "hello"
