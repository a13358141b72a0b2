"""
Bugs that the exploration must find: each takes away a guard as a careless change might.
"""

import contextlib
from collections.abc import Callable, Iterator, Mapping
from unittest.mock import patch

from tests.simulation.known_kinds import Change
from tests.simulation.plants import PLANTS as SIMULATED
from worker.jdpay import canonical
from worker.payouts.model import Terms
from worker.payouts.policy.actions import Action
from worker.usecases.operate import Done, Operator

_SIMULATED = (
    "resend_after_one_denial",
    "timeout_means_failed",
    "queries_end_in_silence",
    "release_on_one_close",
    "claim_does_not_ask_the_debt",
    "largest_return_counts",
    "progress_spoils_no_close",
    "one_denial_lifts_a_doubt",
    "nobody_asks_the_mark",
    "journal_is_not_read",
    "no_mark_is_no_hindrance",
    "own_claim_is_not_asked_for",
    "address_is_not_checked",
    "any_merchant_is_ours",
    "unsigned_is_believed",
)


def resend_stays_where_it_was() -> list[Change]:
    """
    What a wrong address refused is sent to it, and asked about there, for ever.
    """

    def stubborn(self: Operator, payout_id: int, _terms: Terms, why: str) -> Done:
        return self.act(Action.RESEND, payout_id, why)

    return [(Operator, "resend_at", stubborn)]


def separators_are_not_looked_for() -> list[Change]:
    """
    A value may hold another field, under the same signature.
    """
    return [(canonical, "is_ambiguous", lambda _fields: False)]


def any_separator_spoils() -> list[Change]:
    """
    What JD writes in its free texts keeps a genuine message from counting.
    """

    def strict(fields: Mapping[str, str | None]) -> bool:
        return any("&" in (value or "") for value in fields.values())

    return [(canonical, "is_ambiguous", strict)]


PLANTS: dict[str, Callable[[], list[Change]]] = {
    **{name: SIMULATED[name] for name in _SIMULATED},
    "resend_stays_where_it_was": resend_stays_where_it_was,
    "separators_are_not_looked_for": separators_are_not_looked_for,
    "any_separator_spoils": any_separator_spoils,
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
