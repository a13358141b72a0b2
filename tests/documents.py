"""
The documents as texts, and the parts of them that tests compare.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

#: The front page and the pages beside it, in English, and what belongs to the project's own work.
PAGES = (
    "README.md",
    *sorted(
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "docs").glob("*.md")
        if not path.name.endswith(".zh-CN.md") and path.name != "performance.md"
    ),
)
PROJECT = ("CONTRIBUTING.md", "DECISIONS.md", "CHANGELOG.md", "docs/performance.md")


def sibling(page: str) -> str:
    """
    The name of an English page's Chinese sibling.
    """
    return f"{page.removesuffix('.md')}.zh-CN.md"


USER_PAGES = tuple(name for page in PAGES for name in (page, sibling(page)))
TEXTS = {
    name: (ROOT / name).read_text(encoding="utf-8")
    for name in (*USER_PAGES, *PROJECT)
    if (ROOT / name).is_file()
}

EACH_PAGE = pytest.mark.parametrize("page", PAGES)
DOCUMENTS = pytest.mark.parametrize("name", TEXTS)

_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def languages(page: str) -> pytest.MarkDecorator:
    """
    Run a test on one page in both languages.
    """
    return pytest.mark.parametrize("name", [page, sibling(page)])


def blocks(text: str, language: str) -> list[str]:
    """
    The fenced blocks of one language.
    """
    return [content for kind, content in _FENCE.findall(text) if kind == language]


def fences(text: str) -> list[tuple[str, str]]:
    """
    All fenced blocks: the language and the content of each.
    """
    return _FENCE.findall(text)


def prose(text: str) -> str:
    """
    A text without its fenced blocks.
    """
    return _FENCE.sub("", text)


def spans(text: str) -> list[str]:
    """
    What the text writes as code, fenced blocks left out.
    """
    return re.findall(r"`([^`\n]+)`", prose(text))


def links(text: str) -> list[str]:
    """
    Where a text links to, as it is written.
    """
    return re.findall(r"\]\(([^)\s]+)\)", text)


@dataclass(frozen=True, slots=True)
class Section:
    """
    A heading, how deep it is, and the text up to the next heading of any depth.
    """

    depth: int
    head: str
    text: str


def sections(text: str) -> list[Section]:
    """
    The sections of a document in order.
    """
    hidden = _FENCE.sub(lambda found: re.sub(r"^#", "\\#", found[0], flags=re.MULTILINE), text)
    found = re.split(r"^(#+) (.*)$", hidden, flags=re.MULTILINE)[1:]
    return [Section(len(d), h, t) for d, h, t in zip(*[iter(found)] * 3, strict=True)]


def anchors(text: str) -> set[str]:
    """
    The names under which links reach the headings of a document.
    """
    heads = (section.head for section in sections(text))
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}


def tables(text: str) -> list[list[list[str]]]:
    """
    The tables of a text, row by row and cell by cell, the head first and without its ruler.
    """
    found = re.findall(r"(?:^\|.*\|\n)+", prose(text), re.MULTILINE)
    return [[*_rows(table)] for table in found]


def _rows(table: str) -> Iterator[list[str]]:
    for line in table.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split(" | ")]
        if not set(line) <= set("|-: "):
            yield cells


def rows(text: str) -> list[list[str]]:
    """
    The rows of all tables, heads included.
    """
    return [row for table in tables(text) for row in table]


def first_cells(text: str, names: set[str]) -> list[str]:
    """
    Which of `names` are the code of a first cell, each as often as it is.
    """
    return [row[0].strip("`") for row in rows(text) if row[0].strip("`") in names]


def keyed(text: str, names: set[str]) -> dict[str, list[str]]:
    """
    The rows whose first cell is the code of one of `names`, by that name.
    """
    found = [row for row in rows(text) if row[0].strip("`") in names and "`" in row[0]]
    assert len({row[0] for row in found}) == len(found)
    return {row[0].strip("`"): row for row in found}
