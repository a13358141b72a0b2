"""
What the documents say is so: tables, commands, links and examples agree with the program.
"""

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from worker.cli import main
from worker.intake import jobs
from worker.payouts.status import TRANSITIONS, PayoutStatus
from worker.sandbox.scenarios import SCENARIOS, End

ROOT = Path(__file__).parents[1]
TEXTS = {
    name: (ROOT / name).read_text(encoding="utf-8")
    for name in (
        "README.md",
        "README.zh-CN.md",
        "CONTRIBUTING.md",
        "DECISIONS.md",
        "CHANGELOG.md",
    )
}
READMES = pytest.mark.parametrize("name", ["README.md", "README.zh-CN.md"])
DOCUMENTS = pytest.mark.parametrize("name", TEXTS)

#: Links to places, and to parts of a document.
_LINK = re.compile(r"\]\(([^)\s]+)\)")

#: A command as it stands at the start of a line, a code span or a pipe's next part.
_COMMAND = re.compile(r"(?:^|\$ |\| |`)(?:\.venv/bin/)?payouts ([a-z][^`|\n]*)", re.MULTILINE)

#: Folders that only one machine has, and the registries that packages come from.
_PLACES = re.compile(
    r"/(?:work|root|home|Users|tmp|opt)/|pypi|--(?:extra-)?index|--find-links|(?:\d+\.){3}\d+/simple",
    re.IGNORECASE,
)


def blocks(text: str, language: str) -> list[str]:
    """
    The fenced blocks of one language.
    """
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def rows(text: str) -> list[list[str]]:
    """
    The rows of all tables, cell by cell, without the heads' rulers.
    """
    lines = (line for line in text.splitlines() if line.startswith("| "))
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]


def told(end: End) -> str:
    """
    An end as the table has it: the status, and the case if there is one.
    """
    return f"`{end.status}`" + (f" + `{end.case}`" if end.case else "")


def commands(text: str) -> Iterator[list[str]]:
    """
    Every use of the program that a document shows, word by word, from the subcommand on.
    """
    for found in _COMMAND.findall(text):
        yield found.split()


def described(table: list[list[str]], names: set[str]) -> list[str]:
    """
    Which of `names` stand as code in first cells, each as often as it does.
    """
    return [cells[0].strip("`") for cells in table if cells[0].strip("`") in names]


# --- tables


@READMES
def test_the_table_of_accounts_is_the_sandboxs(name: str) -> None:
    """
    Each scenario has one row, in order, with its account and its three ends.
    """
    names = {f"`{scenario.name}`" for scenario in SCENARIOS}
    table = [cells for cells in rows(TEXTS[name]) if cells[0] in names and len(cells) == 6]

    assert [[*cells[:2], *cells[3:]] for cells in table] == [
        [
            f"`{s.name}`",
            f"`{s.account_no}`",
            *map(told, (s.ends.normal, s.ends.no_notifications, s.ends.no_replies)),
        ]
        for s in SCENARIOS
    ]
    assert all(cells[2] for cells in table)


def test_the_english_table_says_what_the_sandbox_says() -> None:
    """
    What happens in a scenario is told in the scenario's own words.
    """
    summaries = [cells[2] for cells in rows(TEXTS["README.md"]) if len(cells) == 6]

    assert summaries[-len(SCENARIOS) :] == [scenario.summary for scenario in SCENARIOS]


def test_the_changelog_counts_the_accounts() -> None:
    """
    The number of magic accounts is the number of scenarios.
    """
    assert f"{len(SCENARIOS)} magic account numbers" in TEXTS["CHANGELOG.md"]


@READMES
def test_every_status_is_explained_once(name: str) -> None:
    """
    The table of statuses holds each of them, and no other.
    """
    statuses = [status.value for status in PayoutStatus]
    table = [cells for cells in rows(TEXTS[name]) if len(cells) == 3]

    assert described(table, set(statuses)) == statuses


@READMES
def test_every_command_is_explained_once(name: str) -> None:
    """
    The table of commands holds each of them, and no other.
    """
    listed = {f"payouts {command}" for command in main.list_commands(click.Context(main))}
    table = [cells for cells in rows(TEXTS[name]) if cells[0].startswith("`payouts ")]

    assert sorted(described(table, listed)) == sorted(listed)
    assert len(table) == len(listed)


@READMES
def test_the_picture_shows_legal_moves_only(name: str) -> None:
    """
    Each arrow between two statuses is a move that the ledger allows.
    """
    (picture,) = (b for b in blocks(TEXTS[name], "mermaid") if b.startswith("stateDiagram"))
    moves = re.findall(r"^ +(\w+) --> (\w+)", picture, re.MULTILINE)

    assert moves
    assert all(PayoutStatus(new) in TRANSITIONS[PayoutStatus(old)] for old, new in moves)


# --- commands


@DOCUMENTS
def test_every_command_shown_exists(name: str) -> None:
    """
    Each subcommand and each option that a document names is one of the program's.
    """
    context = click.Context(main)
    for words in commands(TEXTS[name]):
        command: click.Command | None = main
        rest = list(words)
        while isinstance(command, click.Group) and rest and not rest[0].startswith("-"):
            command = command.get_command(context, rest.pop(0))
        assert command is not None, words
        known = {option for parameter in command.params for option in parameter.opts} | {"--help"}
        assert {word for word in rest if word.startswith("--")} <= known, words


@DOCUMENTS
def test_every_make_target_exists(name: str) -> None:
    """
    What a document asks `make` for is in the Makefile.
    """
    targets = set(
        re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    )
    asked = re.findall(r"(?:`|\$ )make (?:[A-Z]+=\S+ )?([a-z]+)", TEXTS[name])

    assert set(asked) <= targets


@READMES
def test_the_signature_shown_is_right(name: str) -> None:
    """
    The example of `wire sign` prints what it is said to print, which is what JD published.
    """
    (example,) = (b for b in blocks(TEXTS[name], "console") if "wire sign" in b)
    asked, *expected = example.splitlines()
    fields, words = re.fullmatch(r"\$ echo '(.*)' \| payouts (.*)", asked).groups()  # type: ignore[union-attr]
    done = CliRunner().invoke(main, words.split(), input=fields)
    published = json.loads((ROOT / "tests/vectors/signatures.json").read_text(encoding="utf-8"))[0]

    assert done.output.splitlines() == expected
    assert expected == [published["canonical"], published["sign_data"]]


# --- examples


@READMES
def test_the_job_in_json_is_accepted(name: str) -> None:
    """
    What a newcomer copies into a file is a valid job.
    """
    (example,) = blocks(TEXTS[name], "json")

    assert jobs.parse(json.loads(example)).amount_fen == 12345


@READMES
def test_the_job_in_python_is_accepted(name: str) -> None:
    """
    The program that a newcomer copies sends the same job, to the task and queue that there are.
    """
    (example,) = blocks(TEXTS[name], "python")
    (shown,) = blocks(TEXTS[name], "json")
    jobs = [
        ast.literal_eval(node.value)
        for node in ast.parse(example).body
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Dict)
    ]

    assert jobs == [json.loads(shown)]
    assert '"payouts.enqueue", kwargs={"job": job}, queue="payouts.entry"' in example


# --- places


@DOCUMENTS
def test_every_link_leads_somewhere(name: str) -> None:
    """
    Relative links name files that are there, and parts of a document that it has.
    """
    for link in _LINK.findall(TEXTS[name]):
        path, _, part = link.partition("#")
        if "://" in link:
            continue
        assert not path or (ROOT / path).is_file(), link
        if part:
            heads = re.findall(r"^#+ (.*)$", TEXTS[path or name], re.MULTILINE)
            anchors = {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}
            assert part in anchors, link


@DOCUMENTS
def test_no_document_names_a_machine(name: str) -> None:
    """
    No folder of one machine and no registry's address stands in a document.
    """
    assert _PLACES.findall(TEXTS[name]) == []


def test_decisions_are_numbered_in_order_and_dated() -> None:
    """
    Each entry has the next number and a date.
    """
    heads = re.findall(r"^## (.*)$", TEXTS["DECISIONS.md"], re.MULTILINE)
    found = [re.fullmatch(r"(\d+)\. .+ \(\d{4}-\d{2}-\d{2}\)", head) for head in heads]

    assert [int(head[1]) for head in found if head] == [*range(1, len(heads) + 1)]
