"""
The review list as settings write it: account numbers with commas or line ends between.
"""

import re

from worker.intake import fields
from worker.payouts.policy.controls import ReviewList


def parse(text: str) -> ReviewList:
    """
    Read the list. Raises `ValueError`, which says the place of a fault and never its text.
    """
    written = [number.strip() for number in re.split(r"[,\r\n]", text)]
    numbers = [number for number in written if number]
    for place, number in enumerate(numbers, 1):
        try:
            fields.account_no(number)
        except ValueError as error:
            raise ValueError(f"account number {place} of {len(numbers)} {error}") from None
    return ReviewList(frozenset(numbers))
