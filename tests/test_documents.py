"""
What the documents say is so: tables, commands, names, paths and examples agree with the program.

How the pages hang together, and that both languages say the same, is in `test_pages.py`.
"""

import ast
import functools
import json
import re
from collections.abc import Iterator
from typing import Any

import click
import pytest
import yaml
from click.testing import CliRunner
from pydantic import SecretStr

from tests.documents import (
    DOCUMENTS,
    ROOT,
    TEXTS,
    USER_PAGES,
    blocks,
    first_cells,
    keyed,
    languages,
    rows,
    sections,
    spans,
)
from worker import settings
from worker.cli import main
from worker.intake import jobs
from worker.payouts.model import CaseKind
from worker.payouts.policy.actions import CLOSED_BY, Action
from worker.payouts.policy.alerts import RULES
from worker.payouts.producers import Scope
from worker.payouts.status import TRANSITIONS, PayoutStatus
from worker.sandbox.scenarios import SCENARIOS, End
from worker.settings import Settings
from worker.views.texts import CASE_ADVICE, CASE_MEANINGS
from worker.web.api.operations import OPERATIONS
from worker.web.api.problems import KINDS, Code

#: A command at the start of a line, a code span or a pipe's next part.
_COMMAND = re.compile(r"(?:^|\$ |\| |`)(?:\.venv/bin/)?payouts ([a-z][^`|\n]*)", re.MULTILINE)

#: Folders that only one machine has, and the registries that packages come from.
_PLACES = re.compile(
    r"/(?:work|root|home|Users|tmp|opt)/|pypi|--(?:extra-)?index|--find-links|(?:\d+\.){3}\d+/simple",
    re.IGNORECASE,
)

#: Entries of these are never edited, so they keep the names of their day.
_HISTORY = {"DECISIONS.md", "CHANGELOG.md"}
CURRENT = pytest.mark.parametrize("name", sorted(TEXTS.keys() - _HISTORY))

#: What the settings' table says where there is no default.
_NO_DEFAULT = {"required": "required", "none": "none", "必填": "required", "无": "none"}

#: The compose file's own variables, which the program does not read.
_COMPOSE_ONLY = {
    *("POSTGRES_PASSWORD", "BROKER_PASSWORD", "FLOWER_BASIC_AUTH"),
    *("WEB_ADDRESS", "ACCEPT_ADDRESS", "READ_ADDRESS"),
}


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


def coded(cell: str) -> list[str]:
    """
    What a cell names as code.
    """
    return re.findall(r"`([^`]+)`", cell)


# --- tables


@languages("docs/sandbox.md")
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
    summaries = [cells[2] for cells in rows(TEXTS["docs/sandbox.md"]) if len(cells) == 6]

    assert summaries[-len(SCENARIOS) :] == [scenario.summary for scenario in SCENARIOS]


def test_the_changelog_counts_the_accounts() -> None:
    """
    The number of magic accounts is the number of scenarios.
    """
    assert f"{len(SCENARIOS)} magic account numbers" in TEXTS["CHANGELOG.md"]


@languages("docs/how-it-works.md")
def test_every_status_is_explained_once(name: str) -> None:
    """
    The table of statuses holds each of them, and no other.
    """
    statuses = [status.value for status in PayoutStatus]

    assert first_cells(TEXTS[name], set(statuses)) == statuses


@languages("docs/commands.md")
def test_every_command_is_explained_once(name: str) -> None:
    """
    The table of commands holds each of them, and no other.
    """
    listed = {f"payouts {command}" for command in main.list_commands(click.Context(main))}
    table = [cells for cells in rows(TEXTS[name]) if cells[0].startswith("`payouts ")]

    assert sorted(first_cells(TEXTS[name], listed)) == sorted(listed)
    assert len(table) == len(listed)


@languages("docs/how-it-works.md")
def test_the_picture_shows_legal_moves_only(name: str) -> None:
    """
    Each arrow between two statuses is a move that the ledger allows.
    """
    (picture,) = (b for b in blocks(TEXTS[name], "mermaid") if b.startswith("stateDiagram"))
    moves = re.findall(r"^ +(\w+) --> (\w+)", picture, re.MULTILINE)

    assert moves
    assert all(PayoutStatus(new) in TRANSITIONS[PayoutStatus(old)] for old, new in moves)


@languages("docs/producers.md")
def test_every_field_of_a_job_is_explained(name: str) -> None:
    """
    The table of fields is the schema's: names in order, what is required, every bound and choice.
    """
    fields: dict[str, dict[str, Any]] = jobs.schema()["properties"]
    table = keyed(TEXTS[name], fields.keys() - {"payee"})
    required = {row[1] for field, row in table.items() if field in jobs.schema()["required"]}

    assert [*table] == [*fields]
    assert required == {table["out_trade_no"][1]}
    assert required.isdisjoint(
        row[1] for field, row in table.items() if field not in jobs.schema()["required"]
    )
    for field, row in table.items():
        words = re.findall(r"\w+", row[2])
        assert bounds(fields[field]) <= set(words), row
        assert len(choices(fields[field])) > 20 or choices(fields[field]) <= set(coded(row[2])), row


def bounds(rule: dict[str, Any]) -> set[str]:
    """
    The numbers that limit a field, but for "at least one".
    """
    kinds = [rule, *rule.get("anyOf", ()), rule.get("propertyNames", {})]
    kinds += [extra for extra in [rule.get("additionalProperties")] if extra]
    names = ("maxLength", "minimum", "maximum", "maxProperties")
    found = {str(kind[name]) for kind in kinds for name in names if name in kind}
    pattern = re.search(r"\{(\d+)(?:,(\d+))?\}", rule.get("pattern", ""))
    return found | {part for part in (pattern.groups() if pattern else ()) if part}


def choices(rule: dict[str, Any]) -> set[str]:
    """
    The words that a field is limited to.
    """
    kinds = [rule, *rule.get("anyOf", ())]
    return {word for kind in kinds for word in kind.get("enum", ())}


@languages("docs/producers.md")
def test_every_reason_to_reject_is_explained(name: str) -> None:
    """
    The table of reasons holds each word that a rejection can have, and no other.
    """
    sources = "".join(
        (ROOT / path).read_text(encoding="utf-8")
        for path in (
            *("worker/usecases/accept.py", "worker/intake/message.py", "tasks/consumer.py"),
            *("worker/payouts/policy/provenance.py", "worker/intake/sealing.py"),
        )
    )
    said = r'(?:Conflict\(\s*|UnusableSeal\(\s*|described\(|_refuse\(message, )"(\w+)"'
    given = re.findall(said, sources)
    section = next(s for s in sections(TEXTS[name]) if "`number_reused`" in s.text)

    assert sorted(row[0].strip("`") for row in rows(section.text)[1:]) == sorted(set(given))
    assert f"{jobs.MAX_BODY_BYTES // 1024} KiB" in section.text


@languages("docs/api.md")
def test_every_problem_is_explained(name: str) -> None:
    """
    The table of problems holds each code, in order, with its status.
    """
    table = [row for row in rows(TEXTS[name]) if row[1].strip("`") in {*Code}]

    assert [(coded(row[1])[0], int(row[0])) for row in table] == [
        (code.value, KINDS[code].status) for code in Code
    ]


@languages("docs/api.md")
def test_every_operation_is_explained(name: str) -> None:
    """
    The first table holds each operation in the row of its scope.
    """
    scopes = [row for row in rows(TEXTS[name]) if row[0].startswith("`payouts api ")]

    assert [(coded(row[1]), sorted(coded(row[2]))) for row in scopes] == [
        (
            [scope],
            sorted(f"{one.method} {one.path}" for one in OPERATIONS if one.scope is scope),
        )
        for scope in Scope
    ]


@languages("docs/operators.md")
def test_every_kind_of_case_is_explained(name: str) -> None:
    """
    The table of cases holds each kind, in order, with the actions that close it.
    """
    table = keyed(TEXTS[name], {kind.value for kind in CaseKind})

    assert [*table] == [kind.value for kind in CaseKind]
    for kind in CaseKind:
        assert set(coded(table[kind][3])) == {a.value for a in CLOSED_BY[kind]}, kind
        assert table[kind][1], kind
        assert table[kind][2], kind


def test_the_english_cases_say_what_the_program_says() -> None:
    """
    What happened and what to do is told in the words of `payouts cases show`.
    """
    table = keyed(TEXTS["docs/operators.md"], {kind.value for kind in CaseKind})

    assert {kind: table[kind][1:3] for kind in CaseKind} == {
        kind: [CASE_MEANINGS[kind], CASE_ADVICE[kind]] for kind in CaseKind
    }


@languages("docs/operators.md")
def test_every_action_is_explained(name: str) -> None:
    """
    The table of actions holds each of them, in order.
    """
    actions = [action.value for action in Action]

    assert first_cells(TEXTS[name], set(actions)) == actions


@languages("docs/alerts.md")
def test_every_alert_is_explained(name: str) -> None:
    """
    The table holds each alert in order, with its severity and command, and each has its section.
    """
    table = [row for row in rows(TEXTS[name]) if row[0].startswith("[`")]
    heads = [section.head.strip("`") for section in sections(TEXTS[name]) if section.depth == 3]

    assert [[coded(row[0])[0], coded(row[1])[0], coded(row[3])[0]] for row in table] == [
        [rule.kind, rule.severity, rule.command] for rule in RULES
    ]
    assert heads == [rule.kind for rule in RULES]


@languages("docs/operations.md")
def test_every_process_is_explained(name: str) -> None:
    """
    The table of processes holds those of the Procfile, and the migration.
    """
    lines = (ROOT / "Procfile").read_text(encoding="utf-8").splitlines()
    processes = {line.partition(":")[0] for line in lines} | {"migrate"}
    services = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))["services"]
    section = next(s for s in sections(TEXTS[name]) if "`flower`" in s.text)

    assert {row[0].strip("`") for row in rows(section.text)[1:]} == processes
    assert processes <= services.keys()


@languages("docs/settings.md")
def test_every_setting_is_explained(name: str) -> None:
    """
    The tables hold each setting once, with its real default; files for secrets are named above.
    """
    fields = {f"{settings.PREFIX}{n.upper()}": f for n, f in Settings.model_fields.items()}
    files = {f"{settings.PREFIX}{secret.upper()}_FILE" for secret in settings.SECRETS}
    table = keyed(TEXTS[name], fields.keys() | _COMPOSE_ONLY)
    example = (ROOT / ".env.example").read_text(encoding="utf-8")
    shown = dict(re.findall(r"^#(\w+)=(.+)$", example, re.MULTILINE))

    assert table.keys() == (fields.keys() - files) | _COMPOSE_ONLY
    assert files <= set(spans(TEXTS[name]))
    for setting, row in table.items():
        default = _NO_DEFAULT.get(row[1], row[1].strip("`"))
        if setting in _COMPOSE_ONLY:
            assert default == shown.get(setting, "required"), row
        elif fields[setting].is_required():
            assert default == "required", row
        elif fields[setting].default in (None, SecretStr("")):
            assert default == "none", row
        elif setting in shown:  # where test_deployment.py compares it with the code
            assert default == shown[setting], row
        else:
            assert default == fields[setting].default, row


def keys(path: str, function: str) -> list[str]:
    """
    The keys of the document that a function writes down, in order.
    """
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    (body,) = (n for n in tree.body if isinstance(n, ast.FunctionDef) and n.name == function)
    written = next(node for node in ast.walk(body) if isinstance(node, ast.Dict))
    constants = (key.value for key in written.keys if isinstance(key, ast.Constant))
    return [key for key in constants if isinstance(key, str)]


@languages("docs/commands.md")
def test_the_keys_of_the_json_are_the_real_ones(name: str) -> None:
    """
    Each document is listed with all its keys, in the order in which they are printed.
    """
    documents = functools.partial(keys, "worker/views/documents.py")
    section = next(s for s in sections(TEXTS[name]) if s.head == "JSON")

    assert [coded(row[2]) for row in rows(section.text)[1:]] == [
        documents("payout"),
        [*keys("worker/cli/show.py", "story"), *keys("worker/cli/query.py", "query")],
        documents("attempt"),
        documents("evidence"),
        documents("decision"),
        documents("proposal"),
        documents("registered"),
        [*documents("producer"), "limits"],
        keys("worker/views/controls.py", "limits"),
        keys("worker/views/controls.py", "change"),
        [*documents("job_key"), *keys("worker/cli/job_keys.py", "add")],
        [*documents("token"), *keys("worker/cli/tokens.py", "issue")],
        documents("transition"),
        documents("case"),
        documents("rejection"),
        documents("sending"),
        keys("worker/cli/alerts.py", "alerts"),
    ]


@languages("docs/sandbox.md")
def test_every_option_of_the_sandbox_is_explained(name: str) -> None:
    """
    The table of options holds each of them, and each default that is a time is the real one.
    """
    command = main.get_command(click.Context(main), "sandbox")
    assert command is not None
    options = {o.opts[0]: o for o in command.params if isinstance(o, click.Option)}
    table = [row for row in rows(TEXTS[name]) if row[0].startswith("`--")]

    assert sorted(option for row in table for option in coded(row[0])) == sorted(options)
    for row in table:
        default = options[coded(row[0])[0]].default
        if len(coded(row[0])) == 1 and isinstance(default, str) and default != "0s":
            assert coded(row[1])[-1] == default, row


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


@languages("docs/commands.md")
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


@languages("README.md")
def test_the_job_in_json_is_accepted(name: str) -> None:
    """
    What a newcomer copies into a file is a valid job.
    """
    (example,) = blocks(TEXTS[name], "json")

    assert jobs.parse(json.loads(example)).amount_fen == 12345


@pytest.mark.parametrize(
    ("name", "front"),
    [
        ("docs/producers.md", "README.md"),
        ("docs/producers.zh-CN.md", "README.zh-CN.md"),
    ],
)
def test_the_job_in_python_is_accepted(name: str, front: str) -> None:
    """
    The program that a newcomer copies sends the front page's job, to a task and queue that exist.
    """
    (example,) = blocks(TEXTS[name], "python")
    (shown,) = blocks(TEXTS[front], "json")
    found = [
        ast.literal_eval(node.value)
        for node in ast.parse(example).body
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Dict)
    ]

    assert found == [json.loads(shown)]
    assert '"payouts.enqueue", kwargs={"job": job}, queue="payouts.entry"' in example


# --- names of the code


def exists(path: str) -> bool:
    """
    Whether a path, or a pattern of paths, is of this project.
    """
    return bool(path) and any(ROOT.glob(path.rstrip("/")))


@CURRENT
def test_every_path_named_exists(name: str) -> None:
    """
    A module or folder that was moved is moved in the documents too.
    """
    text = TEXTS[name]
    found = re.findall(r"(?<![\w/.-])(?:worker|tasks|tests|docs|\.ci)(?:/[\w.*-]*)+", text)
    bare = [span for span in spans(text) if re.fullmatch(r"[\w-]+\.(?:py|toml|yml|lock|tsv)", span)]

    assert [path for path in found if not exists(path.rstrip(".,:"))] == []
    assert [path for path in bare if not exists(path) and not any(ROOT.glob(f"*/**/{path}"))] == []


@CURRENT
def test_every_module_named_exists(name: str) -> None:
    """
    A dotted name is a module, or something in one.
    """
    for dotted in re.findall(r"(?<![\w/.])(?:worker|tasks|tests)(?:\.\w+)+", TEXTS[name]):
        path = dotted.replace(".", "/")
        parent, _, last = path.rpartition("/")
        if any(exists(f"{path}{end}") for end in ("", ".py")):
            continue
        assert exists(f"{parent}.py"), dotted
        assert re.search(rf"\b{last}\b", (ROOT / f"{parent}.py").read_text(encoding="utf-8")), (
            dotted
        )


def layout() -> dict[str, str]:
    """
    The tree that CONTRIBUTING draws: each path with what is said of it.
    """
    (drawn,) = blocks(TEXTS["CONTRIBUTING.md"], "text")
    found: dict[str, str] = {}
    above: list[str] = []
    for line in drawn.splitlines():
        indent, name, says = re.fullmatch(r"( *)(\S+) *(.*)", line).groups()  # type: ignore[union-attr]
        above[len(indent) // 2 :] = [name]
        found["".join(above)] = says
    return found


def test_the_layout_is_the_tree() -> None:
    """
    Each folder, each task and each module at the root of `worker` is drawn, and nothing else.
    """
    coming = {path for path, says in layout().items() if says.endswith("(coming)")}
    drawn = {path for path in layout() if path not in coming or exists(path)}
    there = {
        f"{path.relative_to(ROOT).as_posix()}{'/' if path.is_dir() else ''}"
        for pattern in (
            "worker",
            "tasks",
            "docs",
            "tests",
            "tests/*/",
            "worker/**/*/",
            "worker/*.py",
            "tasks/*.py",
        )
        for path in ROOT.glob(pattern)
        if "__pycache__" not in path.parts
        and not path.name.startswith("__")
        and (path.is_dir() or path.suffix == ".py")
        and not (path.parent.name == "tests" and path.is_file())
        and ROOT / "worker/examples" not in path.parents
    }

    assert {path for path in drawn if not exists(path)} == set()
    assert drawn == {path for path in there if path != "worker/store/migrations/versions/"}


def test_what_contributing_points_to_is_there() -> None:
    """
    Each name behind a path, in the table of places, is one of that file.
    """
    section = next(s for s in sections(TEXTS["CONTRIBUTING.md"]) if s.head == "Where is ...?")
    named = 0
    for _, place in rows(section.text)[1:]:
        text = ""
        for span in coded(place):
            if "/" in span:
                assert exists(span), span
                text = (ROOT / span).read_text(encoding="utf-8") if (ROOT / span).is_file() else ""
            else:
                assert re.search(rf"\b{span}\b", text), f"{span} in {place}"
                named += 1

    assert named > 30


@pytest.mark.parametrize("name", USER_PAGES)
def test_every_setting_named_exists(name: str) -> None:
    """
    A setting that was renamed is renamed in the documents too.
    """
    known = {f"{settings.PREFIX}{field.upper()}" for field in Settings.model_fields}

    assert set(re.findall(r"PAYOUTS_\w+", TEXTS[name])) <= known


@CURRENT
def test_old_names_do_not_come_back(name: str) -> None:
    """
    What was renamed has one name: a merchant is no member, nothing but shares is settled.
    """
    old = r"\b(?:settled?_at|settles?|beat_at|members?)\b"
    text = TEXTS[name].replace('"Settle" is kept for 分账结算', "")

    assert re.findall(old, text, re.IGNORECASE) == []


# --- places


@DOCUMENTS
def test_no_document_names_a_machine(name: str) -> None:
    """
    No document holds a folder of one machine or the address of a registry.
    """
    assert _PLACES.findall(TEXTS[name]) == []


def test_decisions_are_numbered_in_order_and_dated() -> None:
    """
    Each entry has the next number and a date.
    """
    heads = re.findall(r"^## (.*)$", TEXTS["DECISIONS.md"], re.MULTILINE)
    found = [re.fullmatch(r"(\d+)\. .+ \(\d{4}-\d{2}-\d{2}\)", head) for head in heads]

    assert [int(head[1]) for head in found if head] == [*range(1, len(heads) + 1)]
