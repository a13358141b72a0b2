"""
Whether anything is sent for a merchant, read from the ledger.
"""

from worker.usecases.ports import Ledger
from worker.views.advice import Sending


def look_up(ledger: Ledger, customer_no: str) -> Sending:
    """
    The merchant's switch, its rest, and what JD has still to answer for.
    """
    health = ledger.health(customer_no)
    due = (health.sends_due, health.queries_due)
    return Sending(ledger.channel(customer_no), health.now, health.in_doubt, *due)
