"""
Whether a payout that has no end yet will be looked at again: it is due, or a person has its case.

Pure, and by the policy's own functions: what a row must say is what they would write into it.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime

from worker.payouts.journal import FROM_A_JOURNAL
from worker.payouts.limits import Limits
from worker.payouts.model import Case
from worker.payouts.policy.cases import answering, cases
from worker.payouts.policy.classification import CLOSED_TWICE_AFTER
from worker.payouts.policy.facts import Facts
from worker.payouts.policy.next_query import next_query_at
from worker.payouts.status import PayoutStatus

#: What a worker may be sent for; whatever else is due to be sent must not be.
_SENDABLE = frozenset({PayoutStatus.QUEUED, PayoutStatus.REFUSED, PayoutStatus.UNKNOWN})


def wrong_due_times(facts: Facts, now: datetime, limits: Limits) -> Iterator[str]:
    """
    What lets a payout rest in silence, or be sent though it may not.

    A worker that holds it comes back by its lease. An end that JD told is asked about by the
    schedule of its time, any other payout by the schedule of today.
    """
    payout = facts.payout
    if any(evidence.applied_at is None for evidence in facts.dossier.evidence):
        return  # what waits to be judged is due in itself
    # A claim's lease has a second more, for its first connection; nothing is as long as two.
    if payout.lease_until is not None and payout.lease_until > now + 2 * limits.lease:
        yield f"held by a worker until {payout.lease_until:%Y-%m-%d %H:%M}Z"
    if payout.status is PayoutStatus.SENDING:
        return
    if payout.next_send_at is not None and payout.status not in {*_SENDABLE, PayoutStatus.HELD}:
        yield f"{payout.status}, and due to be sent"
    if payout.status is PayoutStatus.QUEUED:
        yield from _unsent(payout.next_send_at, now, limits)
    wanted = next_query_at(facts, payout.status, payout.finalized_at, now, limits)
    if wanted is None:
        return
    says = payout.next_query_at
    if says is None:
        yield f"{payout.status}, and never asked about again"
    elif says > _latest(payout.status, wanted, now, limits):
        yield f"{payout.status}, and asked about no earlier than {says:%Y-%m-%d %H:%M}Z"


def _latest(status: PayoutStatus, wanted: datetime, now: datetime, limits: Limits) -> datetime:
    if status.is_final:
        return now + max(limits.schedule.longest, CLOSED_TWICE_AFTER)
    # A question that is out keeps the time of its repetition.
    return max(wanted, now) + limits.schedule.retry_longest


def _unsent(due_at: datetime | None, now: datetime, limits: Limits) -> Iterator[str]:
    if due_at is None:
        yield "queued, and never due to be sent"
    elif due_at > now + max(limits.backoff_longest, limits.look_again):
        yield f"queued, and due to be sent no earlier than {due_at:%Y-%m-%d %H:%M}Z"


def missing_cases(facts: Facts, known: Sequence[Case], limits: Limits) -> Iterator[str]:
    """
    What a person should have been told, by what was known when it was last judged.

    What waits to be judged has no case yet; so has a claim that a journal put back since: it is
    judged with JD's next word.
    """
    applied = [evidence.applied_at for evidence in facts.dossier.evidence]
    times = [at for at in applied if at is not None]
    if not times or len(times) < len(applied):
        return
    judged_at = max(times)
    recalled = (a.closed_at for a in facts.dossier.attempts if a.detail == FROM_A_JOURNAL)
    if any(at is not None and at >= judged_at for at in recalled):
        return
    for note in cases(facts, facts.payout.status, judged_at, limits):
        if answering(note, known) is None:
            named = "" if note.evidence_id is None else f" for evidence {note.evidence_id}"
            yield f"no case {note.kind}{named}"
