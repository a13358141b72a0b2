"""
What a producer sealed is held against what is here: at acceptance, and against the row at a claim.
"""

from datetime import datetime

from worker.payouts.acceptance import Conflict, differing
from worker.payouts.job_keys import JobKey
from worker.payouts.model import Order, Terms
from worker.payouts.profile import is_play_money
from worker.payouts.sealed_job import Claims


def refusal(key: JobKey, claims: Claims, terms: Terms, now: datetime) -> Conflict | None:
    """
    Why a sealed job that came now is not taken; None if it may be.
    """
    if (claims.merchant, claims.profile) != (terms.customer_no, terms.profile):
        return Conflict(
            "misdirected", ("merchant: it was sealed for another merchant, or another profile",)
        )
    if not key.is_good:
        ended = "was retired" if key.retired_at else "waits for another person to approve it"
        return Conflict("key_not_good", (f"seal: the key {key.name} {ended}",))
    if claims.expires <= now:
        return Conflict("expired", ("expires: this moment has passed",))
    return None


def unsealed(terms: Terms) -> Conflict | None:
    """
    Why a job that nobody sealed is not taken; None where it may be: with play money.
    """
    if is_play_money(terms.profile):
        return None
    return Conflict("unsealed", ("job: must be sealed by its producer: no money moves without",))


def is_proven(claims: Claims, order: Order, terms: Terms) -> bool:
    """
    Whether a row says what its producer sealed: to whom, how much, for which debt, by when.
    """
    return (
        isinstance(claims.wanted, Order)
        and (claims.merchant, claims.profile) == (terms.customer_no, terms.profile)
        and not differing(claims.wanted, order)
    )
