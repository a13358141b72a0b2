"""
The golden documents on disk, one file for each command.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.golden.shape import WORDS, Shape, additions, breaches, merged, shape

#: The documents of each command.
Told = Mapping[str, Iterable[Any]]
#: The words of each vocabulary.
Words = Mapping[str, Sequence[str]]

FOLDER = Path(__file__).parent
HOW_TO_RECORD = "record what was added with `python -m tests.golden --record`"

_WORDS = "words.json"
_SHORT_LIST = re.compile(r"\[\n([^\[\]{}]*?)\n *\]")
_ONE_TYPE = re.compile(r"\{\n( *\"type\"[^{}]*?)\n *\}")


class Recording:
    """
    A plugin of pytest whose presence tells the stories to record.
    """


def vocabularies() -> Words:
    """
    The words that the program uses.
    """
    return {name: sorted(words) for name, words in WORDS.items()}


def compared(told: Told, folder: Path = FOLDER, words: Words | None = None) -> tuple[str, ...]:
    """
    What differs from the golden documents: `told` are the documents of each command.
    """
    found = [*_broken(told, folder, words or vocabularies())]
    return tuple(found or _added(told, folder, words or vocabularies()))


def record(told: Told, folder: Path = FOLDER, words: Words | None = None) -> tuple[str, ...]:
    """
    Write down what was added; return what was refused, and write nothing if anything was.
    """
    words = words or vocabularies()
    refused = tuple(_broken(told, folder, words))
    if not refused:
        for name, new in _shapes(told).items():
            _write(folder / f"{name}.json", new)
        _write(folder / _WORDS, words)
    return refused


def _broken(told: Told, folder: Path, words: Words) -> Iterator[str]:
    for name, new in _shapes(told).items():
        if (old := _read(folder / f"{name}.json")) is not None:
            yield from breaches(old, new, name)
    for name, known in (_read(folder / _WORDS) or {}).items():
        for word in sorted({*known} - {*words.get(name, ())}):
            yield f"words of `{name}`: {word} is gone"


def _added(told: Told, folder: Path, words: Words) -> Iterator[str]:
    for name, new in _shapes(told).items():
        old = _read(folder / f"{name}.json")
        found = [f"{name}: is new"] if old is None else additions(old, new, name)
        yield from (f"{one}; {HOW_TO_RECORD}" for one in found)
    known = _read(folder / _WORDS) or {}
    for name, used in words.items():
        for word in sorted({*used} - {*known.get(name, ())}):
            yield f"words of `{name}`: {word} is new; {HOW_TO_RECORD}"


def _shapes(told: Told) -> dict[str, Shape]:
    return {name: merged(map(shape, documents)) for name, documents in told.items()}


def _read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None


def _write(path: Path, content: Any) -> None:
    """
    Write JSON with each key and its type on one line, so that a change is easy to see.
    """
    text = json.dumps(content, ensure_ascii=False, indent=1, sort_keys=True)
    text = _SHORT_LIST.sub(lambda found: f"[{_joined(found[1])}]", text)
    text = _ONE_TYPE.sub(lambda found: f"{{{_joined(found[1])}}}", text)
    path.write_text(f"{text}\n", encoding="utf-8")


def _joined(lines: str) -> str:
    return " ".join(line.strip() for line in lines.splitlines())
