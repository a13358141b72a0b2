"""
How fresh JD's word must be, and what takes its place where JD never answers.
"""

from datetime import datetime, timedelta

from worker.payouts.policy.facts import Facts

#: An answer counts for so long after its question, and so does a question without any.
FRESH_WITHIN = timedelta(minutes=10)

#: So long JD must have been asked in vain: it may be back soon, and an outage of ours is no answer.
SILENT_AFTER = timedelta(hours=24)


def silent_since(facts: Facts) -> datetime | None:
    """
    Since when JD has been asked about a payout and has told nothing of it, under its signature.

    None where it has, or was never asked in vain.
    """
    since = facts.payout.unanswered_since
    if since is None:
        return None
    told = (e.received_at for e in facts.dossier.evidence if e.answer.verified)
    return None if any(at >= since for at in told) else since


def is_silent(facts: Facts, now: datetime) -> bool:
    """
    Whether JD has been silent about it for so long, and was asked in vain a short while ago.
    """
    since, asked_at = silent_since(facts), facts.payout.unanswered_at
    if since is None or asked_at is None:
        return False
    return now - since >= SILENT_AFTER and now - asked_at <= FRESH_WITHIN
