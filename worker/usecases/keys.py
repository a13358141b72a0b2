"""
Keys for payee data are rotated: what one sealed is sealed anew with the next.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

#: So many rows are sealed anew in one transaction: a few milliseconds.
_AT_ONCE = 200


class KeyLedger(Protocol):
    """
    What rotating takes of the ledger.
    """

    def begin_key(self, who: str) -> str:
        """
        Have all processes seal with the keyring's newest key from now on; return its id.
        """

    def count_stale_seals(self) -> int:
        """
        How many rows hold what another key seals.
        """

    def reseal(self, limit: int) -> Iterator[int]:
        """
        Seal those with the current key, so many in one transaction each; tell how many each time.
        """


@dataclass(frozen=True, slots=True)
class Rotated:
    """
    What a rotation came to.
    """

    key_id: str
    #: Rows that were sealed anew.
    rows: int
    #: Rows that are left: no key opens them, or others hold them.
    left: int


def rotate(ledger: KeyLedger, who: str, tell: Callable[[int, int], object]) -> Rotated:
    """
    Seal everything with the keyring's newest key; tell how much of how much is done.

    It may be ended at any time: each row says itself whether it is done. Raises `NotAllowed`.
    """
    key_id = ledger.begin_key(who)
    total, done = ledger.count_stale_seals(), 0
    tell(done, total)
    # What others held, or sealed with the key before, is found by the next time through.
    while True:
        before = done
        for rows in ledger.reseal(_AT_ONCE):
            done += rows
            tell(done, max(done, total))
        if done == before:
            return Rotated(key_id, done, ledger.count_stale_seals())
