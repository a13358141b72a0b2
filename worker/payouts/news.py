"""
What is new of a payout, before it is stored and judged.
"""

from dataclasses import dataclass, field, replace
from datetime import datetime

from worker.payouts.evidence import Answer, Source
from worker.payouts.model import Attempt, AttemptOutcome


@dataclass(frozen=True, slots=True)
class Ending:
    """
    How an attempt ended.
    """

    attempt: Attempt
    outcome: AttemptOutcome
    detail: str


@dataclass(frozen=True, slots=True)
class Told:
    """
    What JD told us, and what it answers.
    """

    source: Source
    answer: Answer = field(repr=False)
    attempt_id: int | None = None
    #: When the request that it answers was started; None for a notification.
    asked_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class News:
    """
    How an attempt ended, or what JD told, or both: kept in one commit.
    """

    payout_id: int
    ending: Ending | None = None
    told: Told | None = None

    def without_attempt(self) -> "News":
        """
        The same, answering no attempt: a database that went back has lost it.

        Its id may be another's by now.
        """
        told = None if self.told is None else replace(self.told, attempt_id=None)
        return replace(self, told=told)


def of_reply(ending: Ending, answer: Answer | None) -> News:
    """
    An attempt ended, with JD's reply if one came.
    """
    attempt, told = ending.attempt, None
    if answer is not None:
        told = Told(Source.REPLY, answer, attempt.id, attempt.started_at)
    return News(attempt.payout_id, ending, told)
