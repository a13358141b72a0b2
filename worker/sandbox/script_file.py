"""
Reading a script, and saying what is wrong with one.
"""

import enum
import json
from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from worker.sandbox.near import unknown
from worker.sandbox.saying import Connection, Notification, Query, Submit
from worker.sandbox.script import Script, Story
from worker.sandbox.signing import Signature
from worker.sandbox.trade import Status

#: What a list holds: its model, and what one of its parts is called.
_PARTS: dict[str, tuple[type[BaseModel], str]] = {
    "stories": (Story, "story"),
    "submits": (Submit, "submit"),
    "queries": (Query, "query"),
    "notifications": (Notification, "notification"),
}


#: The keys whose values are words of a list.
_WORDS: dict[int | str, type[enum.StrEnum]] = {
    "trade_status": Status,
    "signature": Signature,
    "connection": Connection,
}


class ScriptError(Exception):
    """
    A script that cannot be played; `faults` has a sentence for each thing that is wrong.
    """

    def __init__(self, faults: Sequence[str]) -> None:
        super().__init__("; ".join(faults))
        self.faults = tuple(faults)


def read_script(text: str) -> Script:
    """
    Read a script; raises `ScriptError` with all that is wrong.
    """
    try:
        raw = json.loads(text, object_pairs_hook=_once)
    except json.JSONDecodeError as fault:
        where = f"line {fault.lineno}, column {fault.colno}"
        raise ScriptError([f"{where}: this is not JSON: {fault.msg}"]) from None
    except ValueError:
        raise ScriptError(["a number has too many digits"]) from None
    except RecursionError:
        raise ScriptError(["this is nested too deeply"]) from None
    try:
        return Script.model_validate_json(text)
    except ValidationError as invalid:
        faults = [_sentence(raw, error) for error in invalid.errors(include_url=False)]
        raise ScriptError(faults) from None


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ScriptError([f"{twice!r} is given twice in one object"])
    return found


def _sentence(raw: object, error: ErrorDetails) -> str:
    place, model = _place(raw, error["loc"])
    return f"{place}: {_complaint(error, model)}" if place else _complaint(error, model)


def _place(raw: object, loc: tuple[int | str, ...]) -> tuple[str, type[BaseModel]]:
    """
    Where in the script, in words, and the model of the innermost part.
    """
    words: list[str] = []
    model: type[BaseModel] = Script
    here: Any = raw
    rest = list(loc)
    while rest:
        key = rest.pop(0)
        here = _inside(here, key)
        if key in _PARTS and rest and isinstance(rest[0], int):
            model, noun = _PARTS[str(key)]
            position = rest.pop(0)
            here = _inside(here, position)
            words.append(f"{noun} {_called(here, int(position))}")
        else:
            words.append(str(key))
    return ", ".join(words), model


def _inside(here: Any, key: int | str) -> Any:
    try:
        return here[key]
    except (KeyError, IndexError, TypeError):
        return None


def _called(part: object, position: int) -> str:
    name = part.get("name") if isinstance(part, dict) else None
    return repr(name) if isinstance(name, str) else str(position + 1)


def _complaint(error: ErrorDetails, model: type[BaseModel]) -> str:
    match error["type"]:
        case "extra_forbidden":
            names = [field.alias or name for name, field in model.model_fields.items()]
            return unknown("there is no such key", error["loc"][-1], names)
        case "enum":
            return unknown("there is no such word", error["input"], _WORDS[error["loc"][-1]])
        case "missing":
            return "it is missing"
        case "value_error":
            return str(error["ctx"]["error"])
        case _:
            return error["msg"]
