"""
What a person may decide, and on what proof: the actions that evidence alone does not take.

Each action is legal in certain states only, and is recorded with who and why. None of them pays:
what is sent is always claimed by a worker, under all its guards.
"""

import enum
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from worker.payouts.bearing import Absent, Trade
from worker.payouts.errors import PayoutError
from worker.payouts.evidence import Source
from worker.payouts.model import AttemptOutcome, Dossier
from worker.payouts.reading import Reading, read
from worker.payouts.status import PayoutStatus

#: A close counts as proof once JD repeats it so long after: nobody has seen a CLOS turn to FINI,
#: and nobody has promised that it cannot.
CLOSED_TWICE_AFTER = timedelta(hours=24)


class Action(enum.StrEnum):
    """
    What an operator may do to a payout.
    """

    CANCEL = "cancel"  #: withdraw one that was never exposed
    LET_GO = "let-go"  #: put one that a control held back into the queue
    RESEND = "resend"  #: send one again that JD refused for our fault, which is mended
    RELEASE = "release"  #: free its obligation, so that another payout may pay it


class NotAllowed(PayoutError):
    """
    The action is not legal as things stand; the message says what is missing.
    """


@dataclass(frozen=True, slots=True)
class Decision:
    """
    One action with its reasons. `proof` names the evidence that it rests on.
    """

    action: Action
    who: str
    why: str
    proof: tuple[int, ...] = ()


def decide(action: Action, dossier: Dossier, who: str, why: str) -> Decision:
    """
    Return the decision if it is legal. Raises `NotAllowed`.
    """
    if dossier.open_cases:
        kinds = ", ".join(case.kind for case in dossier.open_cases)
        raise NotAllowed(f"a case is open ({kinds}): resolve it first")
    proof = _RULES[action](read(dossier))
    return Decision(action, who, why, proof)


def _cancel(reading: Reading) -> tuple[int, ...]:
    _need(reading, PayoutStatus.QUEUED, PayoutStatus.HELD)
    if reading.exposing or reading.trades:
        raise NotAllowed("it may have reached JD, so it cannot be withdrawn")
    return ()


def _let_go(reading: Reading) -> tuple[int, ...]:
    _need(reading, PayoutStatus.HELD)
    return ()


def _resend(reading: Reading) -> tuple[int, ...]:
    _need(reading, PayoutStatus.REFUSED)
    return ()


def _release(reading: Reading) -> tuple[int, ...]:
    if reading.payout.status is PayoutStatus.CANCELLED and not reading.trades:
        return ()
    proof = _closed_twice(reading) or _wholly_returned(reading) or _refused_for_sure(reading)
    if proof is None:
        raise NotAllowed(
            "nothing proves yet that it was not, and will not be, paid. That takes CLOS in two"
            " queries at least 24 hours apart, or a full return told by a query, or a refusal of"
            " the only attempt and one later query that finds nothing: `payouts query` asks now"
        )
    return proof


def _closed_twice(reading: Reading) -> tuple[int, ...] | None:
    if any(trade.status is not PayoutStatus.FAILED for trade in _ended(reading)):
        return None
    told = [t.evidence for t in _ended(reading) if t.evidence.source is Source.QUERY]
    asked = sorted((e.asked_at, e.id) for e in told if e.asked_at is not None)
    if len(asked) < 2 or asked[-1][0] - asked[0][0] < CLOSED_TWICE_AFTER:
        return None
    return asked[0][1], asked[-1][1]


def _wholly_returned(reading: Reading) -> tuple[int, ...] | None:
    told = (t.evidence for t in reading.trades if t.status is PayoutStatus.RETURNED)
    return next(((e.id,) for e in told if e.source is Source.QUERY), None)


def _refused_for_sure(reading: Reading) -> tuple[int, ...] | None:
    sent = [
        attempt
        for attempt in reading.dossier.attempts
        if attempt.outcome is not AttemptOutcome.NOT_CONNECTED
    ]
    refusals = [r.evidence for r in reading.refusals]
    if len(sent) != 1 or not refusals or reading.exposing or reading.trades:
        return None
    later: list[Absent] = [a for a in reading.absences if a.asked_at > refusals[0].received_at]
    return (refusals[0].id, later[0].evidence.id) if later else None


def _ended(reading: Reading) -> list[Trade]:
    return [trade for trade in reading.trades if trade.status.is_final]


def _need(reading: Reading, *statuses: PayoutStatus) -> None:
    if reading.payout.status not in statuses:
        wanted = " or ".join(statuses)
        raise NotAllowed(f"it is {reading.payout.status}; this needs {wanted}")


_RULES: dict[Action, Callable[[Reading], tuple[int, ...]]] = {
    Action.CANCEL: _cancel,
    Action.LET_GO: _let_go,
    Action.RESEND: _resend,
    Action.RELEASE: _release,
}
