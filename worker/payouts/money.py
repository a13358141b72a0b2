"""
Amounts: whole fen, always `int`, never a float.
"""

import re

from worker.payouts.errors import InvalidAmount

#: One fen short of 10 billion yuan: far above any real payout, far below any column's limit.
MAX_FEN = 999_999_999_999

_FEN = re.compile(r"[0-9]{1,15}", re.ASCII)


def parse_fen(text: str) -> int:
    """
    Read the wire's form of an amount: decimal digits alone, in fen; zero is allowed.

    Raises `InvalidAmount` for a sign, a point, a space or anything else.
    """
    if not _FEN.fullmatch(text):
        raise InvalidAmount("an amount on the wire is decimal digits alone")
    return int(text)


def yuan(amount_fen: int) -> str:
    """
    Write an amount for people: 12345 fen is ``123.45``.
    """
    sign = "-" if amount_fen < 0 else ""
    whole, fen = divmod(abs(amount_fen), 100)
    return f"{sign}{whole:,}.{fen:02}"
