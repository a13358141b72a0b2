"""
A dossier, read: every piece of evidence with its classification, and the attempts that expose.
"""

from dataclasses import dataclass
from datetime import datetime

from worker.payouts.evidence import Evidence, Source
from worker.payouts.model import Attempt, AttemptOutcome, Dossier, Payout
from worker.payouts.policy.classification import (
    Absent,
    Known,
    Mismatch,
    NoResult,
    NumberTaken,
    Refusal,
    Silent,
    Tampered,
    Trade,
    classify,
)


@dataclass(frozen=True, slots=True)
class Facts:
    """
    All evidence, classified and sorted by kind, oldest first, and what it makes of the attempts.
    """

    dossier: Dossier
    trades: tuple[Trade, ...]
    refusals: tuple[Refusal, ...]
    absences: tuple[Absent, ...]
    no_results: tuple[NoResult, ...]
    taken: tuple[NumberTaken, ...]
    mismatches: tuple[Mismatch, ...]
    tampered: tuple[Tampered, ...]
    known: tuple[Known, ...]
    #: Attempts that may have reached JD: all but those that provably did not, or were refused.
    exposing: tuple[Attempt, ...]
    #: The verified answers to queries that say something of the payout, whatever it is.
    answers: tuple[Evidence, ...]

    @property
    def payout(self) -> Payout:
        """
        The payout that all this is about.
        """
        return self.dossier.payout

    @property
    def answered_at(self) -> datetime | None:
        """
        When the last query that got such an answer was asked.
        """
        return max((e.asked_at for e in self.answers if e.asked_at is not None), default=None)

    @property
    def heard_at(self) -> datetime | None:
        """
        When the last query was asked to which JD answered anything at all, under its signature.
        """
        heard = (e for e in self.dossier.evidence if e.source is Source.QUERY and e.answer.verified)
        return max((e.asked_at for e in heard if e.asked_at is not None), default=None)

    @property
    def telling(self) -> tuple[Evidence, ...]:
        """
        All that says something of the payout, oldest first.
        """
        found = (
            *(self.trades, self.refusals, self.absences, self.no_results),
            *(self.taken, self.mismatches, self.tampered, self.known),
        )
        told = (one.evidence for kind in found for one in kind)
        return tuple(sorted(told, key=lambda evidence: evidence.id))

    @property
    def last_word(self) -> Trade | None:
        """
        The status that JD told to the question which was asked last.
        """
        told = (t for t in self.trades if t.evidence.source is Source.QUERY)
        return max(told, key=lambda t: (t.evidence.as_of, t.evidence.id), default=None)

    @property
    def top(self) -> Trade | None:
        """
        The highest trade status ever evidenced, by the evidence that showed it first.
        """
        return max(self.trades, key=lambda t: (t.status.rank, -t.evidence.id), default=None)


def gather_facts(dossier: Dossier) -> Facts:
    """
    Judge each piece of evidence by itself.
    """
    evidence = sorted(dossier.evidence, key=lambda e: e.id)
    # What an attempt's own reply says does not depend on the other attempts, but for a duplicate
    # answer, and that is no refusal: so the refusals can be found first.
    refused = {
        e.attempt_id for e in evidence if isinstance(classify(dossier.payout, e, None), Refusal)
    }
    exposing = tuple(
        a
        for a in dossier.attempts
        if a.outcome is not AttemptOutcome.NOT_CONNECTED and a.id not in refused
    )
    found = [classify(dossier.payout, e, _tried_before(dossier, e)) for e in evidence]
    answers = tuple(
        b.evidence
        for b in found
        if b.evidence.source is Source.QUERY and not isinstance(b, Silent | Tampered)
    )
    return Facts(
        dossier=dossier,
        trades=tuple(b for b in found if isinstance(b, Trade)),
        refusals=tuple(b for b in found if isinstance(b, Refusal)),
        absences=tuple(b for b in found if isinstance(b, Absent)),
        no_results=tuple(b for b in found if isinstance(b, NoResult)),
        taken=tuple(b for b in found if isinstance(b, NumberTaken)),
        known=tuple(b for b in found if isinstance(b, Known)),
        mismatches=tuple(b for b in found if isinstance(b, Mismatch)),
        tampered=tuple(b for b in found if isinstance(b, Tampered)),
        exposing=exposing,
        answers=answers,
    )


def _tried_before(dossier: Dossier, evidence: Evidence) -> datetime | None:
    """
    When the payout was first attempted, if an attempt reached JD before the one answered here.

    A refused one did: JD has seen the number. The first attempt of all and not the one that got
    there, since JD dates a trade by the request, and that is as old as the first attempt.
    """
    answered = evidence.attempt_id
    reached = [a for a in dossier.attempts if a.outcome is not AttemptOutcome.NOT_CONNECTED]
    if all(answered is not None and attempt.id >= answered for attempt in reached):
        return None
    return min(attempt.started_at for attempt in dossier.attempts)
