"""
What happens to evidence, wherever it comes from: stored, judged, and the row brought in line.

It needs no gateway and no queue, so the notification receiver is made of this alone.
"""

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence

from worker.payouts.errors import StoreUnavailable
from worker.payouts.evidence import Answer
from worker.payouts.judgement import Judge, Judged, Orphaned
from worker.payouts.limits import Limits
from worker.payouts.model import Payout
from worker.payouts.news import News
from worker.payouts.policy.state import derive_update
from worker.usecases.group_commit import Together, one_by_one
from worker.usecases.ports import EvidenceLedger

log = logging.getLogger("jdpay_payouts.evidence")

#: So many rows are brought in line in one commit.
_TOGETHER = 50


class EvidenceHandler:
    """
    Keeps the rows of one merchant's payouts in line with the evidence.

    `together` makes, of what keeps several pieces of news in one commit, what keeps one of them.
    """

    def __init__(
        self,
        ledger: EvidenceLedger,
        customer_no: str,
        limits: Limits,
        actor: str,
        together: Together = one_by_one,
    ) -> None:
        self.ledger = ledger
        self.customer_no = customer_no
        self.limits = limits
        self.actor = actor
        self._commit = together(self._take_in)
        self._commit_notice = together(self._notified)

    def check_ledger(self) -> None:
        """
        Do nothing if the ledger takes work. Raises `StoreUnavailable` or `StoreFault`.
        """
        self.ledger.check_writable()

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
        another merchant about a number that we lack is not ours, and is not stored; that it came
        is.
        """
        if not answer.verified or answer.number is None:
            return False
        merchant = answer.merchant or self.customer_no
        if merchant != self.customer_no and not self._knows(answer.number):
            self.ledger.note_foreign(self.customer_no, merchant)
            return False

        def store(judge: Judge | None) -> Judged | Orphaned | None:
            if judge is not None:
                return self._commit_notice(answer)
            (unjudged,) = self.ledger.notify(self.customer_no, [answer])
            return unjudged

        about = {"out_trade_no": answer.number}
        if isinstance(self._keep(about, store), Orphaned):
            log.error(
                "notification about an unknown number",
                extra={"action": "orphan", **about},
            )
        return True

    def _knows(self, number: str) -> bool:
        return self.ledger.find(self.customer_no, number) is not None

    def hurry(self, out_trade_no: str) -> None:
        """
        Bring a payout's next query forward, because an unsigned message named it.
        """
        payout = self.ledger.find(self.customer_no, out_trade_no)
        if payout is not None:
            self.ledger.hurry(payout.id, self.limits.hurry_spacing)

    def keep(self, told: Mapping[str, object], news: News) -> None:
        """
        Keep what is new of a payout and bring its row in line, in one commit.

        `told` is what a log line may say of it.
        """

        def store(judge: Judge | None) -> Judged | None:
            if judge is not None:
                return self._commit(news)
            (unjudged,) = self.ledger.take_in([news])
            return unjudged

        self._keep(told, store)

    def _take_in(self, news: Sequence[News]) -> Sequence[Judged | None]:
        return self.ledger.take_in(news, self.judge)

    def _notified(self, answers: Sequence[Answer]) -> Sequence[Judged | Orphaned | None]:
        return self.ledger.notify(self.customer_no, answers, self.judge)

    def _keep(
        self,
        about: Mapping[str, object],
        store: Callable[[Judge | None], Judged | Orphaned | None],
    ) -> Judged | Orphaned | None:
        """
        Store evidence judged; where it cannot be judged, by a fault of ours, store it all the same.

        It then waits, unapplied: it forbids sending, and the sweep comes back to it. `about` is
        what a log line may say of it.
        """
        try:
            kept = store(self.judge)
        except StoreUnavailable:
            raise
        except Exception:  # the border: what JD said must not be lost with our decision about it
            log.exception("stored, and not judged", extra={**about, "detail": "our fault"})
            return store(None)
        if isinstance(kept, Judged):
            self._tell(kept)
        return kept

    def apply_all(self, payout_ids: Iterable[int]) -> int:
        """
        Bring several rows in line; one that cannot be read or decided does not stop the others.

        Return how many could not.
        """
        left, failed = [*payout_ids], 0
        while left:
            some, left = left[:_TOGETHER], left[_TOGETHER:]
            try:
                judged = self._take_in([News(payout_id) for payout_id in some])
            except StoreUnavailable:
                raise
            except Exception:  # noqa: BLE001 (the border: whose fault it is shows when each is alone)
                failed += sum(not self._apply_alone(payout_id) for payout_id in some)
            else:
                for one in judged:
                    if one is not None:
                        self._tell(one)
        return failed

    def _apply_alone(self, payout_id: int) -> bool:
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
            return False
        return True

    def apply(self, payout_id: int) -> None:
        """
        Bring the row in line with all that is known. Safe at any time, any number of times.
        """
        self._tell(self.ledger.judge(payout_id, self.judge))

    @property
    def judge(self) -> Judge:
        """
        How this handler judges: by its limits, in its name.
        """
        limits = self.limits
        return Judge(
            lambda dossier, now: derive_update(dossier, now, limits),
            self.actor,
            limits.unverifiable_limit,
        )

    def _tell(self, judged: Judged) -> None:
        if judged.update.status is judged.dossier.payout.status:
            return
        log.info(
            "payout moved",
            extra={
                **about(judged.dossier.payout, judged.update.reason),
                "from_status": judged.dossier.payout.status,
                "to_status": judged.update.status,
            },
        )


def about(payout: Payout, detail: str) -> dict[str, object]:
    """
    What a log line may say of a payout.
    """
    return {"payout_id": payout.id, "out_trade_no": payout.out_trade_no, "detail": detail}
