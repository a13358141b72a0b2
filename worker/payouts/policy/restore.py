"""
Doubt: what a restored database says of a payout may not be the latest that was true.

It may have forgotten that a worker claimed the payout, and so that JD may have it.
"""

from datetime import datetime

from worker.payouts.limits import Limits
from worker.payouts.model import Dossier
from worker.payouts.policy.absence import next_denial_at, proven_absent
from worker.payouts.policy.facts import Facts, gather_facts
from worker.payouts.policy.signs import beyond, stands
from worker.payouts.status import PayoutStatus


def is_doubted(facts: Facts, limits: Limits) -> bool:
    """
    Whether the database was restored, and no answer of JD's tells since then where this payout is.

    That JD does not have it tells that only as often and as late as a resend demands, counted from
    the end of the last lease that can have been forgotten, and if nothing shows that JD knows more.
    """
    since = facts.payout.doubted_at
    if since is None or stands(facts):
        return False
    silent = {absent.evidence.id for absent in facts.absences}
    if not facts.exposing or beyond(facts):
        # What was not sent would be sent next; and of what JD has told, it must tell more.
        silent |= {none.evidence.id for none in facts.no_results}
    if any(e.as_of >= since and e.id not in silent for e in facts.answers):
        return False
    return bool(beyond(facts)) or proven_absent(facts, _forgotten(since, limits), limits) is None


def is_behind(dossier: Dossier) -> bool:
    """
    Whether a claim that was forgotten, and turns up, makes wrong what the row says.

    Nobody's word stands behind a payout that was never exposed. A refusal speaks for its own
    attempt alone: it does not tell what became of another one.
    """
    if dossier.payout.status is not PayoutStatus.FAILED:
        return dossier.payout.status in _BEFORE_EXPOSURE
    top = gather_facts(dossier).top
    return dossier.decided is None and (top is None or not top.status.is_final)


_BEFORE_EXPOSURE = frozenset(
    {PayoutStatus.QUEUED, PayoutStatus.HELD, PayoutStatus.REFUSED, PayoutStatus.CANCELLED}
)


def denied_next_at(facts: Facts, limits: Limits) -> datetime | None:
    """
    When a not-found answer would next count for lifting the doubt.
    """
    since = facts.payout.doubted_at
    return None if since is None else next_denial_at(facts, _forgotten(since, limits), limits)


def _forgotten(since: datetime, limits: Limits) -> datetime:
    """
    When the lease of a claim that was forgotten at that time has ended for sure.
    """
    return since + limits.lease
