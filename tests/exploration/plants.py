"""
Bugs that the exploration must find: each takes away a guard as a careless change might.
"""

import contextlib
from collections.abc import Callable, Iterator
from unittest.mock import patch

from tests.doubles import ledger
from tests.simulation.plants import PLANTS as SIMULATED
from tests.simulation.plants import Change
from worker.payouts.policy import obligation, proof
from worker.payouts.policy.facts import Facts
from worker.payouts.policy.obligation import Covered
from worker.payouts.policy.proof import Proof
from worker.payouts.status import PayoutStatus

_unpaid = proof.unpaid


def release_on_one_close() -> list[Change]:
    """
    One CLOS is proof enough.
    """

    def once(facts: Facts) -> Proof | None:
        closes = [t.evidence.id for t in facts.trades if t.status is PayoutStatus.FAILED]
        return _unpaid(facts) or tuple(closes[:1]) or None

    return [(proof, "unpaid", once), (obligation, "unpaid", once)]


def claim_does_not_ask_the_debt() -> list[Change]:
    """
    A payout is sent whatever became of those that it replaces.
    """
    return [(ledger, "cover", lambda *_: Covered())]


PLANTS: dict[str, Callable[[], list[Change]]] = {
    "resend_after_one_denial": SIMULATED["resend_after_one_denial"],
    "timeout_means_failed": SIMULATED["timeout_means_failed"],
    "queries_end_in_silence": SIMULATED["queries_end_in_silence"],
    "release_on_one_close": release_on_one_close,
    "claim_does_not_ask_the_debt": claim_does_not_ask_the_debt,
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
