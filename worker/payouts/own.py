"""
What a producer may know: its own payouts, and no other's.
"""

from dataclasses import dataclass
from datetime import datetime

from worker.payouts.model import Dossier, Obligation
from worker.payouts.status import PayoutStatus


@dataclass(frozen=True, slots=True)
class OwnPayout:
    """
    One of a producer's payouts, with all that is known of it.
    """

    dossier: Dossier
    #: Where its obligation was freed: the debt, and what is known of all others that pay it,
    #: whosever they are. Their producers are not told of them; only what they leave counts.
    debt: Obligation | None = None
    others: tuple[Dossier, ...] = ()


@dataclass(frozen=True, slots=True)
class Wanted:
    """
    Which of a producer's payouts are listed: those of which all that is given here is true.
    """

    status: PayoutStatus | None = None
    obligation: str | None = None
    accepted_from: datetime | None = None
    accepted_before: datetime | None = None
    #: Only those that were accepted earlier than the payout of this number.
    behind: str | None = None
