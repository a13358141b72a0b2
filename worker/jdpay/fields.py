"""
Received text as a flat set of fields, strict about anything that could be read in two ways.
"""

import json
from collections.abc import Callable
from typing import Never, TypeVar
from urllib.parse import unquote, unquote_plus

from worker.jdpay.errors import BadFields

#: How a form's names and values may have been written, in the order to try: as a browser would,
#: not encoded at all (JD's published demo splits the raw text), percent-encoded with a plain "+".
FORM_DECODERS: tuple[Callable[[str], str], ...] = (
    lambda text: unquote_plus(text, errors="strict"),
    lambda text: text,
    lambda text: unquote(text, errors="strict"),
)

_Value = TypeVar("_Value")

_WORDS = {True: "true", False: "false"}


def from_json(body: bytes) -> dict[str, str | None]:
    """
    Read one flat JSON object: numbers and booleans as their JSON text, null as None.

    Raises `BadFields` for anything else, a name that occurs twice and nesting included.
    """
    try:
        found = json.loads(
            body.decode(),
            object_pairs_hook=_unique,
            parse_int=str,
            parse_float=str,
            parse_constant=_no_constant,
        )
    except UnicodeDecodeError:
        raise BadFields("the text is not UTF-8") from None
    except json.JSONDecodeError as fault:
        raise BadFields(f"not JSON: {fault.msg} at character {fault.pos}") from None
    except RecursionError:
        raise BadFields("the JSON is nested too deeply; one flat object is needed") from None
    if not isinstance(found, dict):
        raise BadFields("the JSON is not an object of fields")
    return {name: _scalar(name, value) for name, value in found.items()}


def from_form(body: bytes, decode: Callable[[str], str]) -> dict[str, str | None]:
    """
    Read a form body, its parts passed through one of `FORM_DECODERS`.

    Raises `BadFields` for text that is not UTF-8, and for a name that occurs twice.
    """
    try:
        pairs: list[tuple[str, str | None]] = [
            (decode(name), decode(value))
            for name, _, value in (part.partition("=") for part in body.decode().split("&") if part)
        ]
    except UnicodeDecodeError:
        raise BadFields("the form is not UTF-8") from None
    return _unique(pairs)


def _unique(pairs: list[tuple[str, _Value]]) -> dict[str, _Value]:
    found: dict[str, _Value] = {}
    for name, value in pairs:
        if name in found:
            raise BadFields(f"{name!r:.80} occurs twice")
        found[name] = value
    return found


def _no_constant(name: str) -> Never:
    raise BadFields(f"{name} is not JSON")


def _scalar(name: str, value: object) -> str | None:
    if isinstance(value, bool):
        return _WORDS[value]
    if value is None or isinstance(value, str):
        return value
    raise BadFields(f"{name!r:.80} holds an object or a list; every field is a plain value")
