"""
The rule of the golden documents: add; never remove or rename, never change a type.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest

from tests.golden.book import FOLDER, HOW_TO_RECORD, compared, record
from worker.cli import main

DOCUMENT: dict[str, Any] = {
    "out_trade_no": "P-1",
    "status": "paid",
    "trade_no": None,
    "attempts": [{"number": 1, "outcome": "lost"}, {"number": 2, "outcome": None}],
    "terms": {"profile": "sandbox"},
}
WORDS = {"status": ["paid", "queued"]}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """
    A folder in which `show` was recorded.
    """
    assert record({"show": [DOCUMENT]}, tmp_path, WORDS) == ()
    return tmp_path


def differences(folder: Path, document: Any, words: Any = WORDS) -> tuple[str, ...]:
    """
    What the comparison says of another document.
    """
    return compared({"show": [document]}, folder, words)


def test_values_may_vary(folder: Path) -> None:
    """
    Another number, another word of the vocabulary, one attempt.
    """
    other = DOCUMENT | {"out_trade_no": "P-2", "status": "queued"}

    assert differences(folder, DOCUMENT) == ()
    assert differences(folder, other) == ()


@pytest.mark.parametrize(
    ("planted", "told"),
    [
        # renamed
        (
            {name: value for name, value in DOCUMENT.items() if name != "status"}
            | {"state": "paid"},
            "show.status: is gone",
        ),
        # removed in a list, and below
        (
            DOCUMENT | {"attempts": [{"number": 1}, {"number": 2}]},
            "show.attempts[].outcome: is gone",
        ),
        (DOCUMENT | {"terms": {}}, "show.terms.profile: is gone"),
        # an amount that becomes a text, a list that becomes a map, a text that may be null
        (
            DOCUMENT
            | {"attempts": [{"number": "1", "outcome": "lost"}, {"number": "2", "outcome": None}]},
            "show.attempts[].number: was integer, is string",
        ),
        (DOCUMENT | {"terms": []}, "show.terms: was object, is array"),
        (DOCUMENT | {"out_trade_no": None}, "show.out_trade_no: was string, is null"),
        # a text of its own where there was a fixed word
        (DOCUMENT | {"status": "settled"}, "show.status: was always a word of `status`"),
        # there in some only
        (
            DOCUMENT | {"attempts": [{"number": 1, "outcome": "lost"}, {"outcome": None}]},
            "show.attempts[].number: was always there, is not always now",
        ),
    ],
)
def test_a_breach_is_told_and_never_recorded(folder: Path, planted: Any, told: str) -> None:
    """
    Where it is and what it was; the golden document stays as it is.
    """
    before = (folder / "show.json").read_text()

    assert told in differences(folder, planted)
    assert told in record({"show": [planted]}, folder, WORDS)
    assert (folder / "show.json").read_text() == before


def test_a_word_that_goes_is_a_breach(folder: Path) -> None:
    """
    A program may wait for it.
    """
    told = ("words of `status`: queued is gone",)

    assert differences(folder, DOCUMENT, {"status": ["paid"]}) == told
    assert record({"show": [DOCUMENT]}, folder, {"status": ["paid"]}) == told


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({"payee": "6222"}, "show.payee: is new"),
        ({"terms": {"profile": "sandbox", "url": ""}}, "show.terms.url: is new"),
        # nobody knew what it would be: now it is a text
        ({"trade_no": "JD1"}, "show.trade_no: allows more than before"),
    ],
)
def test_an_addition_is_told_until_it_is_recorded(
    folder: Path, more: dict[str, Any], told: str
) -> None:
    """
    The message says how to record it; then it is as frozen as the rest.
    """
    document = DOCUMENT | more

    assert f"{told}; {HOW_TO_RECORD}" in differences(folder, document)
    assert record({"show": [document]}, folder, WORDS) == ()
    assert differences(folder, document) == ()


def test_new_words_and_new_commands_are_additions(folder: Path) -> None:
    """
    They are recorded like keys.
    """
    words = {"status": ["paid", "queued", "held"]}

    assert differences(folder, DOCUMENT, words) == (
        f"words of `status`: held is new; {HOW_TO_RECORD}",
    )
    assert compared({"list": [{}]}, folder, WORDS) == (f"list: is new; {HOW_TO_RECORD}",)


def test_nothing_is_written_beside_a_refusal(folder: Path) -> None:
    """
    Not even what was added elsewhere.
    """
    told = record({"show": [{}], "list": [{"total": 1}]}, folder, WORDS)

    assert "show.status: is gone" in told
    assert not (folder / "list.json").exists()


def test_documents_are_read_together(tmp_path: Path) -> None:
    """
    What one leaves null another fills.
    """
    record({"show": [{"trade_no": None}, {"trade_no": "JD1"}]}, tmp_path, WORDS)

    found = json.loads((tmp_path / "show.json").read_text())

    assert found["properties"]["trade_no"] == {"type": ["null", "string"]}


def _speaking_json(command: click.Command, name: str = "") -> Iterator[str]:
    """
    The names of the golden documents that a command and those below it need.
    """
    if any("--json" in option.opts for option in command.params):
        yield name
    if isinstance(command, click.Group):
        for below in command.list_commands(click.Context(command)):
            found = command.get_command(click.Context(command), below)
            assert found is not None
            yield from _speaking_json(found, f"{name}_{below}".strip("_").replace("-", "_"))


def test_every_command_with_json_has_its_document() -> None:
    """
    A new command cannot be forgotten.
    """
    wanted = set(_speaking_json(main))

    assert len(wanted) > 25
    assert sorted(name for name in wanted if not (FOLDER / f"{name}.json").exists()) == []
