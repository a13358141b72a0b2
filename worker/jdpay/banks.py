"""
JD's short names of banks, as clients in production took them from JD's list.

Support differs by account and card type, which no public list tells.
"""

import difflib
import functools
from dataclasses import dataclass
from importlib import resources


@dataclass(frozen=True, slots=True)
class Bank:
    """
    One code that JD accepts as `payee_bank_code`. Several codes may name one bank.
    """

    code: str
    name: str
    note: str = ""


@functools.cache
def banks() -> dict[str, Bank]:
    """
    All banks by code, from the list that ships with the package.
    """
    text = resources.files("worker.jdpay").joinpath("bank_codes.tsv").read_text(encoding="utf-8")
    rows = (line.split("\t") for line in text.splitlines()[1:])
    return {code: Bank(code, name, note) for code, name, note in rows}


def name(code: str) -> str | None:
    """
    The bank's Chinese name; None for a code that is not listed.
    """
    bank = banks().get(code)
    return bank.name if bank else None


def near(text: str, limit: int = 5) -> list[Bank]:
    """
    The banks that `text` most likely means, best first, by code or by Chinese name.
    """
    wanted = text.strip()
    ranked = sorted(banks().values(), key=lambda bank: (-_likeness(wanted, bank), bank.code))
    return [bank for bank in ranked[:limit] if _likeness(wanted, bank) >= _ALIKE]


#: Below this, two names have no more in common than the word for bank.
_ALIKE = 0.5


def _likeness(wanted: str, bank: Bank) -> float:
    by_code = difflib.SequenceMatcher(None, wanted.upper(), bank.code).ratio()
    by_name = difflib.SequenceMatcher(None, wanted, bank.name).ratio()
    # A short form such as 招商 is not like the whole name, but is a part of it.
    within = 0.9 if len(wanted) >= 2 and wanted in bank.name else 0.0
    return max(by_code, by_name, within)
