"""
The pages hang together: each is linked, has its sibling, and says the same in both languages.
"""

import re

import pytest

from tests.documents import (
    DOCUMENTS,
    EACH_PAGE,
    PAGES,
    PROJECT,
    ROOT,
    TEXTS,
    Section,
    anchors,
    fences,
    links,
    prose,
    sections,
    sibling,
    spans,
    tables,
)
from tests.test_documents import commands

FRONT = ("README.md", "README.zh-CN.md")
LONGEST_FRONT_PAGE = 200

#: What the reader puts in is named in the reader's language; the rest of a code span is not.
_PLACEHOLDERS = {"订单号": "NUMBER"}


def target(name: str, link: str) -> str:
    """
    The file that a relative link of a document leads to, from the root of the project.
    """
    path = link.partition("#")[0]
    if not path:
        return name
    return ((ROOT / name).parent / path).resolve().relative_to(ROOT.resolve()).as_posix()


# --- the set of pages


def test_docs_holds_pages_only() -> None:
    """
    No code and nothing else is beside the pages.
    """
    assert {path.suffix for path in (ROOT / "docs").rglob("*")} == {".md"}


def test_each_page_has_its_sibling() -> None:
    """
    What is there in one language is there in the other.
    """
    there = {path.relative_to(ROOT).as_posix() for path in (ROOT / "docs").glob("*.md")}

    assert there | set(FRONT) == {*PAGES, *map(sibling, PAGES)} | set(PROJECT) & there


@EACH_PAGE
def test_each_page_links_to_its_sibling(page: str) -> None:
    """
    A reader of the wrong language is one click from the right one.
    """
    other = sibling(page)

    assert other in [target(page, link) for link in links(TEXTS[page])]
    assert page in [target(other, link) for link in links(TEXTS[other])]


@pytest.mark.parametrize("front", FRONT)
def test_every_page_is_linked_from_the_front_page(front: str) -> None:
    """
    Each page is one click from the front page of its language.
    """
    language = set(PAGES) if front == FRONT[0] else set(map(sibling, PAGES))
    ends = {target(front, link) for link in links(TEXTS[front]) if "://" not in link}

    assert language - ends <= {front}


@pytest.mark.parametrize("front", FRONT)
def test_the_front_page_is_short(front: str) -> None:
    """
    It can be read in a few minutes.
    """
    assert len(TEXTS[front].splitlines()) <= LONGEST_FRONT_PAGE


@DOCUMENTS
def test_every_link_leads_somewhere(name: str) -> None:
    """
    Relative links name files that are there, and parts of a document that it has.
    """
    for link in links(TEXTS[name]):
        if "://" in link:
            continue
        assert (ROOT / target(name, link)).is_file(), link
        part = link.partition("#")[2]
        assert not part or part in anchors(TEXTS[target(name, link)]), link


@DOCUMENTS
def test_no_heading_is_there_twice(name: str) -> None:
    """
    A link to a part of a document is never in doubt.
    """
    heads = [section.head for section in sections(TEXTS[name]) if section.depth < 3]

    assert len(set(heads)) == len(heads)


# --- both languages say the same


def parts(page: str) -> list[tuple[Section, Section]]:
    """
    The sections of a page, each with the one in Chinese.
    """
    return list(zip(sections(TEXTS[page]), sections(TEXTS[sibling(page)]), strict=True))


def codes(text: str) -> list[str]:
    """
    The code spans of a text, sorted, with the same placeholders in every language.
    """
    for ours, english in _PLACEHOLDERS.items():
        text = text.replace(ours, english)
    return sorted(spans(text))


def numbers(text: str) -> set[str]:
    """
    The numbers that a text gives in digits.
    """
    without_links = re.sub(r"\]\([^)]*\)", "]", prose(text))
    return {found.replace(",", "") for found in re.findall(r"\d(?:[\d,.]*\d)?", without_links)}


@EACH_PAGE
def test_headings_agree(page: str) -> None:
    """
    As many of each depth, in the same order.
    """
    english, chinese = (sections(TEXTS[name]) for name in (page, sibling(page)))

    assert [s.depth for s in english] == [s.depth for s in chinese]


@EACH_PAGE
def test_tables_agree(page: str) -> None:
    """
    The same tables, with the same code and the same numbers in each cell.
    """
    for english, chinese in parts(page):
        ours, theirs = tables(english.text), tables(chinese.text)
        assert [len(table) for table in ours] == [len(table) for table in theirs], english.head
        for one, other in zip(ours, theirs, strict=True):
            for row, same in zip(one, other, strict=True):
                assert len(row) == len(same), row
                assert [codes(cell) for cell in row] == [codes(cell) for cell in same], row
                assert [numbers(cell) for cell in row] == [numbers(cell) for cell in same], row


@EACH_PAGE
def test_code_and_numbers_agree(page: str) -> None:
    """
    Section by section, the same names and commands as code, and the same numbers.
    """
    for english, chinese in parts(page):
        assert set(codes(english.text)) == set(codes(chinese.text)), english.head
        assert numbers(english.text) == numbers(chinese.text), english.head


@EACH_PAGE
def test_commands_agree(page: str) -> None:
    """
    The same uses of the program, in the same order.
    """

    def shown(name: str) -> list[list[str]]:
        return [[w for w in words if w.isascii()] for words in commands(TEXTS[name])]

    english, chinese = (
        sorted([w for w in words if w != "NUMBER"] for words in shown(name))
        for name in (page, sibling(page))
    )
    assert english == chinese


@EACH_PAGE
def test_blocks_agree(page: str) -> None:
    """
    The same examples and pictures; only what a person reads in them is translated.
    """
    ours, theirs = (fences(TEXTS[name]) for name in (page, sibling(page)))

    assert [kind for kind, _ in ours] == [kind for kind, _ in theirs]
    for (kind, one), (_, other) in zip(ours, theirs, strict=True):
        assert skeleton(kind, one) == skeleton(kind, other)


def skeleton(kind: str, content: str) -> str:
    """
    A block without the words in it that are translated.
    """
    if kind == "mermaid":
        return re.sub(r"\"[^\"]*\"| : .*", "", content)
    return re.sub(r"(\"subject\": )\"[^\"]*\"", r"\1", content)


@EACH_PAGE
def test_links_agree(page: str) -> None:
    """
    Each section leads to the same places.
    """

    def ends(name: str, section: Section) -> list[str]:
        found = (target(name, link) for link in links(section.text) if "://" not in link)
        return sorted(end.replace(".zh-CN.md", ".md") for end in found)

    for english, chinese in parts(page):
        assert ends(page, english) == ends(sibling(page), chinese), english.head
