"""
What a person names on the command line: a payout by its number or id.
"""

from worker import bootstrap
from worker.usecases.operate import find_payout


def payout_id(number: str) -> int:
    """
    The one payout that has this order number, or else this id. Raises `NoSuchPayout`.
    """
    return find_payout(bootstrap.ledger(), number)
