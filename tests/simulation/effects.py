"""
The effects of the service, derived from its ports: whatever a port gains is an effect too.
"""

import functools
import re
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

from worker.usecases import ports

#: What stands around an effect: its name, as ``ledger.claim``, and the call with its arguments.
Around = Callable[[str, Callable[..., Any], tuple[Any, ...], dict[str, Any]], Any]


@functools.cache
def all_ports() -> dict[str, type]:
    """
    Every protocol of the ports that is no other's part, by its name in small letters.

    What has no effect is none: it is the same in every world.
    """
    found = [p for p in vars(ports).values() if getattr(p, "_is_protocol", False) and is_own(p)]
    parts = {part for port in found for part in port.__mro__[1:]}
    return {_name(port): port for port in found if port not in parts and effects(port)}


def is_own(port: type) -> bool:
    """
    Whether the ports define it themselves.
    """
    return port.__module__.startswith(f"{ports.__name__}.")


def _name(port: type) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", port.__name__).lower()


#: What reaches nobody and changes nothing: it writes a text, or reads one that was sealed.
PURE = frozenset({"render", "open", "reopen", "read"})


@functools.cache
def effects(port: type) -> tuple[str, ...]:
    """
    The public methods of a port that reach beyond the process, inherited ones included.
    """
    return tuple(name for name in _methods(port) if name not in PURE)


@functools.cache
def _methods(port: type) -> tuple[str, ...]:
    return tuple(n for n in dir(port) if callable(getattr(port, n)) and not n.startswith("_"))


def guarded(port: str, target: object, around: Around) -> Any:
    """
    Stand in front of `target` with the port's methods and nothing else, each of them guarded.
    """
    protocol = all_ports()[port]
    methods = {name: getattr(target, name) for name in _methods(protocol)}
    guards = {name: _guard(f"{port}.{name}", methods[name], around) for name in effects(protocol)}
    return SimpleNamespace(**methods | guards)


def _guard(effect: str, method: Callable[..., Any], around: Around) -> Callable[..., Any]:
    def call(*args: Any, **kwargs: Any) -> Any:
        return around(effect, method, args, kwargs)

    return call
