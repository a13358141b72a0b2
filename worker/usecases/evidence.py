"""
What happens to evidence, wherever it comes from: stored, judged, and the row brought in line.

It needs no gateway and no queue, so the notification receiver is made of this alone.
"""

import logging
from collections.abc import Iterable
from datetime import datetime

from worker.payouts.errors import StaleTransition, StoreUnavailable
from worker.payouts.evidence import Answer, Source
from worker.payouts.limits import Limits
from worker.payouts.model import Attempt, Payout
from worker.payouts.policy.state import derive_update
from worker.usecases.ports import EvidenceLedger

log = logging.getLogger("jdpay_payouts.evidence")

#: How often a decision is taken again because another writer came first. What is still undecided
#: then waits for the sweep.
_PATIENCE = 20


class EvidenceHandler:
    """
    Keeps the rows of one merchant's payouts in line with the evidence.
    """

    def __init__(
        self, ledger: EvidenceLedger, customer_no: str, limits: Limits, actor: str
    ) -> None:
        self.ledger = ledger
        self.customer_no = customer_no
        self.limits = limits
        self.actor = actor

    def check_ledger(self) -> None:
        """
        Do nothing if the ledger answers. Raises `StoreUnavailable` or `StoreFault`.
        """
        self.ledger.now()

    def is_ours(self, payout: Payout) -> bool:
        """
        Whether this process holds the keys of the merchant that pays; others' it must not touch.
        """
        ours = payout.terms.customer_no == self.customer_no
        if not ours:
            log.error("another merchant's payout: no keys for it", extra=about(payout, "merchant"))
        return ours

    def notify(self, answer: Answer) -> bool:
        """
        Take a verified notification; return whether it is stored and may be acknowledged.

        One that names a number that we lack is kept as an orphan: it is a trace of money. One for
        another merchant about a number that we lack is not ours, and is not stored.
        """
        if not answer.verified or answer.number is None:
            return False
        payout = self.ledger.find(self.customer_no, answer.number)
        if payout is None and answer.merchant not in {None, self.customer_no}:
            return False
        self.ledger.record(payout, Source.NOTIFICATION, answer)
        if payout is None:
            log.error(
                "notification about an unknown number",
                extra={"action": "orphan", "out_trade_no": answer.number},
            )
        else:
            self.apply(payout.id)
        return True

    def hurry(self, out_trade_no: str) -> None:
        """
        Bring a payout's next query forward, because an unsigned message named it.
        """
        payout = self.ledger.find(self.customer_no, out_trade_no)
        if payout is not None:
            self.ledger.hurry(payout.id, self.limits.hurry_spacing)

    def record(
        self,
        payout: Payout,
        source: Source,
        answer: Answer,
        *,
        attempt: Attempt | None = None,
        asked_at: datetime | None = None,
    ) -> None:
        """
        Store what JD answered to a question of ours. `apply` makes something of it.
        """
        self.ledger.record(payout, source, answer, attempt=attempt, asked_at=asked_at)

    def apply_all(self, payout_ids: Iterable[int]) -> None:
        """
        Bring several rows in line; one that cannot be read or decided does not stop the others.
        """
        for payout_id in payout_ids:
            try:
                self.apply(payout_id)
            except StoreUnavailable:
                raise
            except Exception:  # the border: one row's fault must not stop all the other rows
                number = self.ledger.number_of(payout_id)
                log.exception(
                    "passed over by the sweep",
                    extra={"payout_id": payout_id, "out_trade_no": number},
                )

    def apply(self, payout_id: int) -> None:
        """
        Bring the row in line with all that is known. Safe at any time, any number of times.
        """
        for _ in range(_PATIENCE):
            dossier = self.ledger.dossier(payout_id)
            update = derive_update(dossier, self.ledger.now(), self.limits)
            try:
                self.ledger.apply_update(
                    dossier, update, self.actor, self.limits.unverifiable_limit
                )
            except StaleTransition:
                continue
            if update.status is not dossier.payout.status:
                log.info(
                    "payout moved",
                    extra={
                        **about(dossier.payout, update.reason),
                        "from_status": dossier.payout.status,
                        "to_status": update.status,
                    },
                )
            return


def about(payout: Payout, detail: str) -> dict[str, object]:
    """
    What a log line may say of a payout.
    """
    return {"payout_id": payout.id, "out_trade_no": payout.out_trade_no, "detail": detail}
