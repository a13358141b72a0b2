"""
What happens to evidence, wherever it comes from: stored, weighed, and the row brought in line.

It needs no gateway and no queue, so the notification receiver is made of this alone.
"""

import logging
from collections.abc import Iterable

from worker.payouts.errors import StaleTransition
from worker.payouts.evidence import Answer, Source
from worker.payouts.limits import Rules
from worker.payouts.model import Payout
from worker.payouts.policy.state import weigh
from worker.usecases.ports import Ledger

log = logging.getLogger("jdpay_payouts.clerk")

#: How often a decision is taken again because another writer came first. What is still undecided
#: then waits for the sweep.
_PATIENCE = 20


class Clerk:
    """
    Keeps the rows of one member's payouts in line with the evidence.
    """

    def __init__(self, ledger: Ledger, customer_no: str, rules: Rules, actor: str) -> None:
        self.ledger = ledger
        self.customer_no = customer_no
        self.rules = rules
        self.actor = actor

    def notify(self, answer: Answer) -> bool:
        """
        Take a verified notification; return whether it is stored and may be acknowledged.

        One that names a number that we lack is kept as an orphan: it is a trace of money. One for
        another member about a number that we lack is not ours, and is not stored.
        """
        if not answer.verified or answer.number is None:
            return False
        payout = self.ledger.find(self.customer_no, answer.number)
        if payout is None and answer.member not in {None, self.customer_no}:
            return False
        self.ledger.record(payout, Source.NOTIFICATION, answer)
        if payout is None:
            log.error("notification about an unknown number", extra={"action": "orphan"})
        else:
            self.settle(payout.id)
        return True

    def doubt(self, out_trade_no: str) -> None:
        """
        Bring a payout's next query forward, because an unsigned message named it.
        """
        payout = self.ledger.find(self.customer_no, out_trade_no)
        if payout is not None:
            self.ledger.hurry(payout.id, self.rules.hurry_spacing)

    def settle_all(self, payout_ids: Iterable[int]) -> None:
        """
        Bring several rows in line; one that cannot be settled does not stop the others.
        """
        for payout_id in payout_ids:
            try:
                self.settle(payout_id)
            except Exception:  # the border: one row's fault must not stop all the other rows
                log.exception("passed over by the sweep", extra={"payout_id": payout_id})

    def settle(self, payout_id: int) -> None:
        """
        Bring the row in line with all that is known. Safe at any time, any number of times.
        """
        for _ in range(_PATIENCE):
            dossier = self.ledger.dossier(payout_id)
            standing = weigh(dossier, self.ledger.now(), self.rules)
            try:
                self.ledger.settle(dossier, standing, self.actor, self.rules.unverifiable_limit)
            except StaleTransition:
                continue
            if standing.status is not dossier.payout.status:
                log.info(
                    "payout moved",
                    extra={
                        **about(dossier.payout, standing.reason),
                        "from_status": dossier.payout.status,
                        "to_status": standing.status,
                    },
                )
            return


def about(payout: Payout, detail: str) -> dict[str, object]:
    """
    What a log line may say of a payout.
    """
    return {"payout_id": payout.id, "out_trade_no": payout.out_trade_no, "detail": detail}
