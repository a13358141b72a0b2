"""
Whether what may be kept of a debt's payouts is within the debt, by what is on record.
"""

from collections.abc import Iterator, Sequence

from worker.payouts.model import AttemptOutcome, Dossier, Obligation, Payout
from worker.payouts.policy.facts import gather_facts
from worker.payouts.policy.obligation import may_keep_fen, normalized
from worker.payouts.policy.signs import beyond
from worker.payouts.record import Debt


def wrong_debt(payout: Payout, debt: Debt | None) -> Iterator[str]:
    """
    What is wrong with the debt that a payout names.
    """
    if debt is None:
        yield "it pays no debt on record"
        return
    owed = debt.obligation
    if owed.name != normalized(payout.obligation):
        yield f"it pays {owed.name}, and its job named {payout.obligation}"
    if owed.committed_fen != debt.held_fen:
        yield (
            f"{owed.committed_fen} fen of {owed.name} are committed, and the payouts that hold it"
            f" come to {debt.held_fen}"
        )


def may_be_overpaid(debt: Debt) -> bool:
    """
    Whether all that is known of a debt's payouts has to be looked at: they come to more than it is.
    """
    return debt.whole_fen > debt.obligation.owed_fen


def overpaid(obligation: Obligation, dossiers: Sequence[Dossier]) -> Iterator[str]:
    """
    That more may be kept than is owed, of all payouts of a debt.

    What cannot be with JD costs nothing so far: its claim asks the debt again.
    """
    kept_fen = sum(may_keep_fen(dossier) for dossier in dossiers if _may_be_with_jd(dossier))
    if kept_fen > obligation.owed_fen:
        yield f"{kept_fen} fen may be kept for {obligation.name}, {obligation.owed_fen} owed"


def _may_be_with_jd(dossier: Dossier) -> bool:
    """
    Whether any attempt may have reached JD, even if that was refused, or JD tells of it.
    """
    reached = (a for a in dossier.attempts if a.outcome is not AttemptOutcome.NOT_CONNECTED)
    return any(reached) or bool(beyond(gather_facts(dossier)))
