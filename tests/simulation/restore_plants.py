"""
Bugs about a database that went back: each takes away a guard as a careless change might.
"""

from collections.abc import Sequence
from datetime import timedelta

from tests.doubles.ledger import MemoryLedger
from tests.simulation.known_kinds import Change
from worker.payouts.claim import Claim
from worker.payouts.errors import MarkUnavailable, NotSent
from worker.payouts.policy import restore
from worker.payouts.policy.classification import Absent
from worker.payouts.policy.facts import Facts
from worker.usecases.epochs import Epochs


def one_denial_lifts_a_doubt() -> list[Change]:
    """
    After a restore one "not found" is enough, however early it comes.
    """

    def once(facts: Facts, *_: object) -> Absent | None:
        return next(iter(facts.absences), None)

    return [(restore, "proven_absent", once)]


def nobody_asks_the_mark() -> list[Change]:
    """
    Only someone who says so makes a failover known.
    """
    return [(Epochs, "confirm", lambda *_: None)]


def claims_are_marked_too_late() -> list[Change]:
    """
    The mark is asked what it knows, and is not told of what goes out next.
    """

    def confirm(self: Epochs, uid: str, _claims: Sequence[Claim]) -> None:
        try:
            known = self._mark.known(uid)
        except MarkUnavailable as away:
            raise NotSent("no_high_water_mark") from away
        if self._ledger.has_forgotten(known):
            self._begin(known)
            raise NotSent("restored")

    return [(Epochs, "confirm", confirm)]


def epoch_is_asked_after_the_claim() -> list[Change]:
    """
    What was claimed before an epoch began is told as one of its own.
    """
    confirm = Epochs.confirm

    def late(self: Epochs, _uid: str, claims: Sequence[Claim]) -> None:
        confirm(self, self._ledger.sweep_count().uid, claims)

    return [(Epochs, "confirm", late)]


def own_claim_is_not_asked_for() -> list[Change]:
    """
    A process sends a claim that a failover has lost before the mark was told of it.
    """
    has_forgotten = MemoryLedger.has_forgotten
    return [
        (MemoryLedger, "has_forgotten", lambda self, known, _own=None: has_forgotten(self, known))
    ]


def no_mark_is_no_hindrance() -> list[Change]:
    """
    While the mark is away everything goes on.
    """
    confirm = Epochs.confirm

    def careless(self: Epochs, uid: str, claims: Sequence[Claim]) -> None:
        try:
            confirm(self, uid, claims)
        except NotSent as fault:
            if fault.detail != "no_high_water_mark":
                raise

    return [(Epochs, "confirm", careless)]


def journal_is_not_read() -> list[Change]:
    """
    What the database has forgotten stays forgotten.
    """
    return [(MemoryLedger, "find_forgotten", lambda *_: [])]


def journal_is_not_asked_at_the_start() -> list[Change]:
    """
    Where the mark went back as well, nobody notices.
    """
    check = Epochs.check
    return [(Epochs, "check", lambda self, _journal=None: check(self))]


def repeated_jobs_are_not_asked_about() -> list[Change]:
    """
    After a restore what comes in is sent at once.
    """
    begin = MemoryLedger.begin_epoch
    now = timedelta(0)
    return [(MemoryLedger, "begin_epoch", lambda self, who, why, _long: begin(self, who, why, now))]


KINDS = (
    one_denial_lifts_a_doubt,
    nobody_asks_the_mark,
    claims_are_marked_too_late,
    epoch_is_asked_after_the_claim,
    own_claim_is_not_asked_for,
    no_mark_is_no_hindrance,
    journal_is_not_read,
    journal_is_not_asked_at_the_start,
    repeated_jobs_are_not_asked_about,
)
