"""
A backup of a ledger in memory: everything that it holds at one commit, to be put back later.
"""

import copy
from collections.abc import Mapping
from typing import Any

from tests.doubles.ledger import MemoryLedger

#: Each table by its name.
Backup = Mapping[str, Any]


def backup_of(ledger: MemoryLedger) -> Backup:
    """
    All that a ledger holds, the ids that it gives next included.
    """
    held = {n: value for n, value in vars(ledger).items() if isinstance(value, dict | list | int)}
    return {name: _copied(value) for name, value in held.items()}


def put_back(ledger: MemoryLedger, backup: Backup) -> None:
    """
    Make a ledger what it was; the backup can be put back again.
    """
    vars(ledger).update({name: _copied(table) for name, table in backup.items()})


def _copied(table: Any) -> Any:
    """
    A copy of a table, down to what is frozen.
    """
    if isinstance(table, dict):
        new = copy.copy(table)
        for key, value in table.items():
            if not _is_frozen(value):
                new[key] = _copied(value)
        return new
    if isinstance(table, list):
        return list(table)
    return copy.copy(table) if not _is_frozen(table) else table


def _is_frozen(value: Any) -> bool:
    if isinstance(value, int | str):
        return True
    params = getattr(value, "__dataclass_params__", None)
    return params is not None and params.frozen
