"""
What must hold, whatever was done: the named invariants, and what no row can show about itself.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any, TypeGuard

from tests.factories import MERCHANT
from tests.machine.audited import audited
from tests.machine.books import Trade
from tests.machine.restores import Lost
from tests.machine.service import Service
from tests.simulation import proofs
from tests.simulation.checks import (
    claimed_against,
    decided_against,
    late,
    undoubted,
    unheard,
    unrecorded,
    unreviewed,
)
from tests.simulation.deployment import Settings
from tests.simulation.forgotten import LEAVE, Forgotten
from worker.payouts.invariants import Breach, Invariant, at_rest, of_payout
from worker.payouts.model import Attempt, Dossier, Order, Payout, Terms
from worker.payouts.status import PayoutStatus, Reason

_REFUSALS = frozenset(
    {
        Reason.PAYEE_REFUSED,
        Reason.REQUEST_REFUSED,
        Reason.CHANNEL_REFUSED,
        Reason.BALANCE_REFUSED,
        Reason.FAILED_BY_HAND,
    }
)
#: The claim comes in time, the connection after it: so long after the claim at most.
_LATENESS = timedelta(hours=1)
_MANY = 1000


class Checks:
    """
    Looks at the ledger past all guards, and at the books.
    """

    def __init__(self, service: Service) -> None:
        self._service = service
        self._ledger = service.ledger
        self._accepted: dict[int, Order] = {}
        self._stood: dict[int, PayoutStatus] = {}
        #: The rows as they were last time: nothing of a payout changes without its row.
        self._looked_at: dict[int, Payout] = {}
        #: Each transmission of a number: when, and what.
        self._sent: defaultdict[str, list[tuple[datetime, str]]] = defaultdict(list)
        #: What was wrong where no rule can raise: inside of the service.
        self._found: list[Breach] = []
        self._forgotten = Forgotten()
        service.restores.went_back = self._went_back
        service.speaks = self._speaks
        service.stage.saw = self._saw
        service.gateway.connected = self._connected
        service.gateway.booked = self._booked

    def after_a_rule(self) -> None:
        """
        Check all that must hold at any time.
        """
        self._raise(self._found)
        rows = {row.id: row for row in self._ledger.payouts(None, _MANY)}
        self._raise(self._disappeared(rows))
        self._raise(self._fallen(rows))
        for row in rows.values():
            if row is not self._looked_at.get(row.id):
                self._raise(self._of_row(row))
        self._looked_at = rows
        debts, numbers = self._forgotten.debts, self._forgotten.numbers
        self._raise(audited(self._service, unguarded=debts, forgotten=numbers))

    def at_rest(self, healed_at: datetime) -> None:
        """
        Check what must hold once faults have healed and the schedule has passed.
        """
        self.after_a_rule()
        now = self._service.clock.now
        for row in self._ledger.payouts(None, _MANY):
            dossier = self._ledger.dossier(row.id)
            self._raise(of_payout(dossier, *self._paper(row), now, self._service.limits))
            if not self._service.is_resolved(row):
                self._raise(at_rest(dossier))
            if row.status is PayoutStatus.SENDING:
                detail = "sending, and nobody is"
                self._raise([Breach(Invariant.I8_COMES_TO_REST, row.out_trade_no, detail)])
        self._raise(audited(self._service, healed_at, unguarded=self._forgotten.debts))
        self._raise(self._without_trace())
        read = self._service.restores.is_journal_read
        lost = [n for n in self._service.forgotten() if not self._ledger.find(MERCHANT, n)]
        self._raise(self._forgotten.without_trace(self._ledger, lost, journals_read=read))

    def _went_back(self, lost: Lost) -> None:
        self._forgotten.went_back(self._service.clock.now, lost.claims, lost.debts)
        rows = {row.id: row for row in self._ledger.payouts(None, _MANY)}
        self._looked_at = rows
        self._stood = {payout_id: row.status for payout_id, row in rows.items()}
        self._accepted = {payout_id: self._ledger.order(payout_id) for payout_id in rows}

    def _is_forgotten(self, attempt: Attempt | None) -> TypeGuard[Attempt]:
        return attempt is not None and attempt.lease_token in self._forgotten.tokens

    def _raise(self, breaches: Iterable[Breach]) -> None:
        found = list(breaches)
        assert not found, "\n".join(map(str, found))

    def _of_row(self, row: Payout) -> Iterator[Breach]:
        dossier = self._ledger.dossier(row.id)
        lost = row.status is PayoutStatus.SENDING and row.lease_until is None
        waits = lost or any(e.applied_at is None for e in dossier.evidence)
        now = self._service.clock.now
        for breach in of_payout(dossier, *self._paper(row), now, self._service.limits):
            if not (waits and breach.invariant is Invariant.I6_ORDER_DOES_NOT_MATTER):
                yield breach
        if not waits:
            for detail in proofs.without_case(dossier, self._ledger.cases_of(row.id)):
                yield Breach(Invariant.I2_NOTHING_LOST, row.out_trade_no, detail)
        before = self._looked_at.get(row.id)
        if before is not None and before.doubted_at and not row.doubted_at:
            yield from undoubted(dossier, before)
        if before is not None and before.terms != row.terms:
            yield from self._moved(dossier, before)
        yield from self._untrue(row)

    def _paper(self, row: Payout) -> tuple[list, list]:  # type: ignore[type-arg]
        cases = self._ledger.cases(open_only=False, limit=_MANY)
        return list(self._ledger.history(row.id)), [c for c in cases if c.payout_id == row.id]

    def _disappeared(self, rows: dict[int, Payout]) -> Iterator[Breach]:
        for payout_id, order in self._accepted.items():
            if payout_id not in rows or self._ledger.order(payout_id) != order:
                detail = "was accepted, and is not there as it was"
                yield Breach(Invariant.I2_NOTHING_LOST, order.out_trade_no, detail)
        self._accepted |= {payout_id: self._ledger.order(payout_id) for payout_id in rows}

    def _fallen(self, rows: dict[int, Payout]) -> Iterator[Breach]:
        for payout_id, row in rows.items():
            stood = self._stood.get(payout_id, row.status)
            if stood.is_final and row.status is not stood and row.status.rank <= stood.rank:
                detail = f"fell from {stood} to {row.status}"
                yield Breach(Invariant.I3_ONLY_UP, row.out_trade_no, detail)
            self._stood[payout_id] = row.status

    def _untrue(self, row: Payout) -> Iterator[Breach]:
        """
        A status that JD never truly gave it.
        """
        if row.status.rank <= PayoutStatus.UNKNOWN.rank and row.status is not PayoutStatus.REFUSED:
            return
        number, books = row.out_trade_no, self._service.books
        if row.reason in _REFUSALS:
            if number in self._forgotten.numbers:
                return
            # Of all orders with this number that went out: one that was not may have arrived.
            true = 0 < books.refused[number] >= len(self._sent[number])
        else:
            trade = books.trades.get(number)
            true = trade is not None and row.status in trade.stood(self._service.clock.now)
        if not true:
            detail = f"{row.status} ({row.reason}), which JD never said in truth"
            yield Breach(Invariant.I7_SIGNED_ONLY, number, detail)

    def _without_trace(self) -> Iterator[Breach]:
        rejected = {r.out_trade_no for r in self._ledger.rejections(_MANY)}
        for order in self._service.left():
            row = self._ledger.find(MERCHANT, order.out_trade_no)
            taken = row is not None and self._ledger.order(row.id) == order
            if not taken and order.out_trade_no not in rejected:
                detail = "neither accepted nor rejected"
                yield Breach(Invariant.I2_NOTHING_LOST, order.out_trade_no, detail)

    def _saw(self, effect: str, args: tuple[Any, ...], result: Any) -> None:
        if effect in {"ledger.claim", "ledger.claim_due_sends"}:
            for claim in result.claims:
                self._found += claimed_against(self._ledger, claim.attempt)
        elif effect == "ledger.take_in":
            for news in args[0]:
                if not self._is_forgotten(news.ending and news.ending.attempt):
                    self._found += unrecorded(self._ledger, news)
        elif effect in {"ledger.carry_out", "ledger.replace"}:
            self._found += decided_against(self._ledger, args[0], args[1], *args[2:4])
        elif effect == "ledger.notify":
            for answer in args[1]:
                self._found += unheard(self._ledger, args[0], answer)
                self._forgotten.heard.add(answer.number or "")

    def _speaks(
        self, settings: Settings, terms: Terms, number: str, asked_at: datetime | None = None
    ) -> None:
        """
        Check, before anything is said of a number, that it is said where it may be, and as whom.

        A question may come too late for a payout that was moved since it was looked up.
        """
        row = self._ledger.find(MERCHANT, number)
        if terms.gateway_url not in settings.allowed or terms.customer_no != settings.merchant:
            detail = f"told to {terms.gateway_url} as {terms.customer_no}, not as the settings say"
            self._found.append(Breach(Invariant.I7_SIGNED_ONLY, number, detail))
        elif asked_at is None and row is not None and row.terms != terms:
            detail = f"told to {terms.gateway_url}, and it is at {row.terms.gateway_url}"
            self._found.append(Breach(Invariant.I1_PAID_ONCE, number, detail))

    def _moved(self, dossier: Dossier, before: Payout) -> Iterator[Breach]:
        """
        A payout that is asked about at another place than where JD may have it.
        """
        row, found = dossier.payout, proofs.against_silence(dossier)
        if before.status is not PayoutStatus.REFUSED or found:
            detail = f"{before.status}, and moved to {row.terms.gateway_url} although {found}"
            yield Breach(Invariant.I1_PAID_ONCE, row.out_trade_no, detail)

    def _connected(self, number: str, request: str) -> None:
        self._found += self._unowned(number)
        self._found += self._unproven(number)
        if not self._is_forgotten(self._service.stage.current.attempt):
            self._found += unreviewed(self._ledger, number)
            now, limits = self._service.clock.now, self._service.limits
            self._found += late(self._ledger, number, now, limits)
        self._found += self._otherwise(number, request)
        if attempt := self._service.stage.current.attempt:
            self._service.restores.connects(attempt.lease_token)
        self._sent[number].append((self._service.clock.now, request))

    def _booked(self, trade: Trade) -> None:
        """
        Nothing is debited that was not accepted.
        """
        number = trade.number
        row = self._ledger.find(MERCHANT, number)
        if row is None and number in self._forgotten.numbers:
            return
        if row is None or row.amount_fen != trade.amount_fen:
            detail = f"{trade.amount_fen} fen debited, which nobody accepted"
            self._found.append(Breach(Invariant.I1_PAID_ONCE, trade.number, detail))

    def _unowned(self, number: str) -> Iterator[Breach]:
        """
        A connection without a lease of the process's own that outlasts the exchange.
        """
        attempt, until = self._service.stage.current.attempt, None
        if self._is_forgotten(attempt) and self._service.clock.now <= attempt.started_at + LEAVE:
            return
        row = self._ledger.find(MERCHANT, number)
        if attempt and row and row.lease_token == attempt.lease_token:
            until = row.lease_until
        if until is None or until < self._service.clock.now + self._service.limits.http_deadline:
            detail = f"connected under a lease until {until}"
            yield Breach(Invariant.I9_ONE_AT_A_TIME, number, detail)

    def _unproven(self, number: str) -> Iterator[Breach]:
        """
        A number that goes out again although nothing shows that JD does not have it.
        """
        sent, limits = self._sent[number], self._service.limits
        if len(sent) <= self._service.books.refused[number]:
            return
        first, last = sent[0][0], sent[-1][0]
        denied = self._service.gateway.denied[number]
        counted = [asked - last for asked in denied if asked - last >= limits.resend_gaps[0]]
        proven = len(counted) >= len(limits.resend_gaps) and max(counted) >= limits.resend_gaps[-1]
        if proven and number in self._forgotten.numbers:
            return  # how often it was sent, and since when, is forgotten
        late = self._service.clock.now - first > limits.resend_window + _LATENESS
        if late or not proven or len(sent) > limits.resend_limit:
            detail = f"sent again, and JD denied it {len(counted)} times since"
            yield Breach(Invariant.I1_PAID_ONCE, number, detail)

    def _otherwise(self, number: str, request: str) -> Iterator[Breach]:
        if number in self._forgotten.numbers:
            return
        if any(before != request for _, before in self._sent[number]):
            yield Breach(Invariant.I1_PAID_ONCE, number, "sent with other content than before")
