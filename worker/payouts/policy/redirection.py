"""
JD's address has changed, and a payout is sent and asked about at the new one from now on.

Nothing follows from it but where JD's words come from. They count as ever, all but one: that the
new address does not know what may be at the old one is no denial (`policy.absence`).
"""

from worker.payouts.errors import NotAllowed
from worker.payouts.model import Payout, Terms
from worker.payouts.policy.actions import Action, Decision
from worker.payouts.policy.description import what_it_is
from worker.payouts.policy.outside_proof import possible_from


def redirection(payout: Payout, terms: Terms, who: str, why: str) -> Decision:
    """
    Return the decision that sends a payout to the address of these terms. Raises `NotAllowed`.

    It answers no case, so it waits for none.
    """
    if payout.terms.gateway_url == terms.gateway_url:
        raise NotAllowed(f"it is sent and asked about at {terms.gateway_url} already")
    if possible_from(payout) is None:
        raise NotAllowed(f"{what_it_is(payout)}: a worker has it; wait until its lease ends")
    return Decision(Action.REDIRECT, who, why, gateway_url=terms.gateway_url)
