"""
Bugs that the exploration must find: each takes away a guard as a careless change might.
"""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from unittest.mock import patch

from tests.doubles import ledger
from tests.simulation.known_kinds import Change
from tests.simulation.plants import PLANTS as SIMULATED
from worker.payouts.claim import Claim
from worker.payouts.errors import NotSent
from worker.payouts.policy import restore
from worker.payouts.policy.classification import Absent
from worker.payouts.policy.facts import Facts
from worker.usecases.epochs import Epochs


def one_denial_lifts_a_doubt() -> list[Change]:
    """
    After a restore one "not found" is enough, however early it comes.
    """

    def once(facts: Facts, *_: object) -> Absent | None:
        return next(iter(facts.absences), None)

    return [(restore, "proven_absent", once)]


def nobody_asks_the_mark() -> list[Change]:
    """
    Only someone who says so makes a failover known.
    """
    return [(Epochs, "confirm", lambda *_: None)]


def journal_is_not_read() -> list[Change]:
    """
    What the database has forgotten stays forgotten.
    """
    return [(ledger.MemoryLedger, "find_forgotten", lambda *_: [])]


def no_mark_is_no_hindrance() -> list[Change]:
    """
    While the mark is away everything goes on.
    """
    confirm = Epochs.confirm

    def careless(self: Epochs, uid: str, claims: Sequence[Claim]) -> None:
        try:
            confirm(self, uid, claims)
        except NotSent as fault:
            if fault.detail != "no_high_water_mark":
                raise

    return [(Epochs, "confirm", careless)]


_SIMULATED = (
    "resend_after_one_denial",
    "timeout_means_failed",
    "queries_end_in_silence",
    "release_on_one_close",
    "claim_does_not_ask_the_debt",
    "largest_return_counts",
    "progress_spoils_no_close",
)
PLANTS: dict[str, Callable[[], list[Change]]] = {
    **{name: SIMULATED[name] for name in _SIMULATED},
    "one_denial_lifts_a_doubt": one_denial_lifts_a_doubt,
    "nobody_asks_the_mark": nobody_asks_the_mark,
    "journal_is_not_read": journal_is_not_read,
    "no_mark_is_no_hindrance": no_mark_is_no_hindrance,
}


@contextlib.contextmanager
def planted(name: str | None) -> Iterator[None]:
    """
    Live with a bug for a while; with none if there is no name.
    """
    with contextlib.ExitStack() as stack:
        for place, attribute, instead in PLANTS[name]() if name else ():
            stack.enter_context(patch.object(place, attribute, instead))
        yield
