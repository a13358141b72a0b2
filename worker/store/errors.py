"""
What can go wrong with the store itself.

::

    PayoutError
    └── StoreError
        ├── BadKey         a key is missing or malformed
        ├── WrongKey       sealed content does not open with the keys at hand
        └── IllegalMove    a move that the table of transitions does not allow

Faults of the database itself pass through as SQLAlchemy raises them, without parameters.
"""

from worker.payouts.errors import PayoutError


class StoreError(PayoutError):
    """
    The store refused.
    """


class BadKey(StoreError):
    """
    A key for payee data is missing, or is not a key at all.
    """


class WrongKey(StoreError):
    """
    Sealed content opens with no key of the keyring, so it was sealed with another.
    """


class IllegalMove(StoreError):
    """
    A payout may not move that way; the fault is ours, and nothing was written.
    """
