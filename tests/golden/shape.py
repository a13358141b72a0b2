"""
The shape of a JSON document, as a small JSON Schema: keys and types, and fixed vocabularies.
"""

import enum
from collections.abc import Iterable, Iterator
from typing import Any

from worker.cli.doctor.finding import Level
from worker.payouts.evidence import Source, TradeStatus
from worker.payouts.invariants import Invariant
from worker.payouts.model import AttemptOutcome, CaseKind
from worker.payouts.policy.actions import Action
from worker.payouts.policy.alerts import AlertKind, Severity
from worker.payouts.producers import Scope
from worker.payouts.status import PayoutStatus, Reason
from worker.settings import Profile
from worker.views.history import EntryKind

Shape = dict[str, Any]

#: The fixed vocabularies, by the name that the golden documents know each by.
WORDS: dict[str, type[enum.StrEnum]] = {
    "action": Action,
    "alert": AlertKind,
    "case": CaseKind,
    "event": EntryKind,
    "invariant": Invariant,
    "level": Level,
    "outcome": AttemptOutcome,
    "profile": Profile,
    "reason": Reason,
    "scope": Scope,
    "severity": Severity,
    "source": Source,
    "status": PayoutStatus,
    "trade_status": TradeStatus,
}

#: Under these keys, and in lists under them, a text is a word of one of these.
_KEYS = {name: (name,) for name in WORDS} | {
    "actions": ("action",),
    "case_kind": ("case",),
    "from_status": ("status",),
    "kind": ("case", "alert", "event"),
    "learnt_from": ("source",),
    "to_status": ("status",),
}

_TYPES = {
    type(None): "null",
    bool: "boolean",
    int: "integer",
    float: "number",
    str: "string",
    list: "array",
    dict: "object",
}


def shape(value: Any, key: str = "") -> Shape:
    """
    What a value looks like. `key` is the one that it was found under.
    """
    made: Shape = {"type": [_TYPES[type(value)]]}
    if isinstance(value, str):
        names = [name for name in _KEYS.get(key, ()) if value in set(WORDS[name])]
        if names:
            made["words"] = names[0]
    elif isinstance(value, list):
        if value:
            made["items"] = merged(shape(item, key) for item in value)
    elif isinstance(value, dict):
        made["properties"] = {name: shape(value[name], name) for name in sorted(value)}
        made["required"] = sorted(value)
    return made


def merged(shapes: Iterable[Shape]) -> Shape:
    """
    One shape that fits every value that the given ones fit.
    """
    first, *others = shapes
    for other in others:
        first = _both(first, other)
    return first


def _both(one: Shape, other: Shape) -> Shape:
    made: Shape = {"type": sorted({*one["type"], *other["type"]})}
    # A vocabulary is kept where every text was one of its words.
    names = {s.get("words") for s in (one, other) if "string" in s["type"]}
    if len(names) == 1 and None not in names:
        made["words"] = names.pop()
    items = [s["items"] for s in (one, other) if "items" in s]
    if items:
        made["items"] = merged(items)
    maps = [s for s in (one, other) if "properties" in s]
    if maps:
        keys = sorted({key for s in maps for key in s["properties"]})
        made["properties"] = {
            key: merged(s["properties"][key] for s in maps if key in s["properties"])
            for key in keys
        }
        made["required"] = sorted(set.intersection(*(set(s["required"]) for s in maps)))
    return made


def breaches(old: Shape, new: Shape, where: str) -> Iterator[str]:
    """
    What a program that was written for the old shape would stumble over in the new one.
    """
    if old["type"] != ["null"] and set(old["type"]) != set(new["type"]):
        yield f"{where}: was {' or '.join(old['type'])}, is {' or '.join(new['type'])}"
    if "words" in old and old["words"] != new.get("words"):
        yield f"{where}: was always a word of `{old['words']}`"
    for name, was in old.get("properties", {}).items():
        now = new.get("properties", {}).get(name)
        if now is None:
            yield f"{where}.{name}: is gone"
            continue
        if name in old["required"] and name not in new["required"]:
            yield f"{where}.{name}: was always there, is not always now"
        yield from breaches(was, now, f"{where}.{name}")
    if "items" in old and "items" in new:
        yield from breaches(old["items"], new["items"], f"{where}[]")
    elif "items" in old:
        yield f"{where}[]: nothing is listed any more"


def additions(old: Shape, new: Shape, where: str) -> Iterator[str]:
    """
    What is in the new shape alone.
    """
    if old != new and not list(breaches(old, new, where)):
        for name, now in new.get("properties", {}).items():
            was = old.get("properties", {}).get(name)
            if was is None:
                yield f"{where}.{name}: is new"
            else:
                yield from additions(was, now, f"{where}.{name}")
        if "items" in new and "items" in old:
            yield from additions(old["items"], new["items"], f"{where}[]")
        same = {name: old.get(name) for name in ("type", "words", "required")}
        if same != {name: new.get(name) for name in same} or ("items" in new) != ("items" in old):
            yield f"{where}: allows more than before"
