"""
A refused payout is sent again with a request that is rendered anew.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Protocol

from worker.payouts.errors import NotAllowed
from worker.payouts.mending import Difference, Mended
from worker.payouts.model import Order, Terms
from worker.payouts.policy.actions import Action, decide
from worker.usecases.operate import Done, done
from worker.usecases.ports import ActionLedger


class MendLedger(ActionLedger, Protocol):
    """
    What mending takes of the ledger.
    """

    def request(self, payout_id: int) -> str | None:
        """
        The stored canonical request, unsealed; None before the first claim.
        """


class Mender:
    """
    One person at work.

    `render` and `compare` are the gateway's: how a request is written, and where two differ, which
    raises `NotAllowed` for what makes it another payment.
    """

    def __init__(
        self,
        ledger: MendLedger,
        who: str,
        render: Callable[[Order, Terms, datetime], str],
        compare: Callable[[str, str], tuple[Difference, ...]],
    ) -> None:
        self._ledger = ledger
        self._who = who
        self._render = render
        self._compare = compare

    def draft(self, payout_id: int, notify_url: str, subject: str | None) -> Mended:
        """
        The request as it would be sent now, and its differences; nothing is written.

        Raises `NotAllowed`, or `NoSuchPayout`.
        """
        dossier = self._ledger.dossier(payout_id)
        decide(Action.RESEND, dossier, self._who, "")
        before, order = self._ledger.request(payout_id), self._ledger.order(payout_id)
        if before is None:
            raise NotAllowed("it was never sent, so there is nothing to mend")
        if subject is not None:
            order = replace(order, subject=subject)
        terms = replace(dossier.payout.terms, notify_url=notify_url)
        after = self._render(order, terms, self._ledger.now())
        return Mended(after, self._compare(before, after))

    def resend(self, payout_id: int, mended: Mended, why: str) -> Done:
        """
        Send the payout again with the mended request; the former one stays on record.

        Raises `NotAllowed` or `StaleTransition`.
        """
        dossier = self._ledger.dossier(payout_id)
        before = self._ledger.request(payout_id) or ""
        names = ", ".join(one.name for one in self._compare(before, mended.request))
        told = f"{why} (rendered anew: {names or 'nothing differs'})"
        decision = decide(Action.RESEND, dossier, self._who, told)
        self._ledger.carry_out(dossier, replace(decision, request=mended.request))
        return done(self._ledger, payout_id)
