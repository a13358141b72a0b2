"""
Whoever looks on: the invariants after each effect, and what no row can show about itself.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from tests.factories import LISTED
from tests.simulation import proofs
from tests.simulation.audited import audited, row_of
from tests.simulation.books import Trade
from tests.simulation.deployment import Settings
from tests.simulation.forgotten import LEAVE, Forgotten
from tests.simulation.jd import STRANGER, Jd
from tests.simulation.scheduler import Process, Scheduler
from worker.payouts.evidence import Answer, Source
from worker.payouts.invariants import Breach, Invariant, at_rest, of_books, of_payout
from worker.payouts.journal import FROM_A_JOURNAL
from worker.payouts.limits import Limits
from worker.payouts.model import (
    Attempt,
    AttemptOutcome,
    Case,
    CaseKind,
    Dossier,
    Order,
    Payout,
    Terms,
)
from worker.payouts.news import News, Told
from worker.payouts.policy.actions import Action, Decision
from worker.payouts.policy.alerts import AlertKind, alerts
from worker.payouts.policy.obligation import may_keep_fen
from worker.payouts.status import PayoutStatus, Reason
from worker.usecases.audit import Auditor
from worker.usecases.ports import Ledger

_REFUSALS = frozenset(
    {
        Reason.PAYEE_REFUSED,
        Reason.REQUEST_REFUSED,
        Reason.CHANNEL_REFUSED,
        Reason.BALANCE_REFUSED,
    }
)

#: The claim comes in time, the connection after it: so long after the claim at most.
_LATENESS = timedelta(minutes=10)


class Broken(BaseException):
    """
    A promise was not kept, so the world stops.
    """

    def __init__(self, breaches: Iterable[Breach]) -> None:
        super().__init__("\n".join(map(str, breaches)))


class Watch:
    """
    Looks at the ledger itself, past all failpoints, and at the books of the model of JD.
    """

    def __init__(self, scheduler: Scheduler, ledger: Ledger, jd: Jd, limits: Limits) -> None:
        self._scheduler = scheduler
        self._ledger = ledger
        self._jd = jd
        self._limits = limits
        self.healed_at = scheduler.now()
        self._settings = Settings()
        self._forgotten = Forgotten()
        #: When each payout was last moved to another address.
        self._moved_at: dict[int, datetime] = {}
        self._seen: dict[int, Payout] = {}
        #: When each number was put on the wire, if that try was not provably harmless.
        self._sent: defaultdict[str, list[float]] = defaultdict(list)
        jd.connected = self.connected

    def saw(self, process: Process, effect: str, args: tuple[Any, ...], result: Any) -> None:
        """
        Check what an effect changed.
        """
        if effect in {"ledger.claim", "ledger.claim_due_sends"}:
            for claim in result.claims:
                self.check(claimed_against(self._ledger, claim.attempt))
        elif effect == "ledger.take_in":
            for news in args[0]:
                if not self._is_forgotten(news.ending and news.ending.attempt):
                    self.check(unrecorded(self._ledger, news))
        elif effect == "ledger.notify":
            for answer in args[1]:
                self.check(unheard(self._ledger, args[0], answer))
                self._forgotten.heard.add(answer.number or "")
        elif effect in {"ledger.carry_out", "ledger.replace"}:
            self.check(decided_against(self._ledger, args[0], args[1], *args[2:4]))
        elif effect == "ledger.close_case":
            self.check(closed_unseen(self._ledger, args[0]))
        self._look()

    def _look(self) -> None:
        """
        Check each row that changed.
        """
        for row in self._ledger.payouts(None, 100):
            before = self._seen.get(row.id)
            if row is before:
                continue
            if before is not None and row.terms is not before.terms:
                self.check(self._moved(before, row))
            self._seen[row.id] = row
            if before is not None and before.doubted_at and not row.doubted_at:
                self.check(undoubted(self._ledger.dossier(row.id), before))
            if before is None or _tells(row) != _tells(before):
                self.check(self._of_row(row.id))

    def connected(self, number: str) -> None:
        """
        Check, at the moment of a connection that brings an order, the right to make it.
        """
        self.check(self._unowned(number))
        self.check(self._unproven(number))
        if not self._is_forgotten(self._scheduler.current.attempt):
            self.check(unreviewed(self._ledger, number))
            self.check(late(self._ledger, number, self._scheduler.now(), self._limits))
        self._sent[number].append(self._scheduler.seconds)

    def speaks(
        self, settings: Settings, terms: Terms, number: str, asked_at: datetime | None = None
    ) -> None:
        """
        Check, before anything is said to a place about a number, that it is the place and ours.

        A question whose row was read at `asked_at` may come too late for a move since then.
        """
        row = row_of(self._ledger, number)
        if row is None and self._forgotten.at is not None:
            return
        if row is None or terms.gateway_url not in settings.allowed:
            detail = f"told to {terms.gateway_url}, which the settings do not allow"
            self.check([Breach(Invariant.I7_SIGNED_ONLY, number, detail)])
        elif terms.gateway_url != row.terms.gateway_url and not (
            asked_at and asked_at <= self._moved_at.get(row.id, asked_at - _LATENESS)
        ):
            detail = f"told to {terms.gateway_url}, and it is at {row.terms.gateway_url}"
            self.check([Breach(Invariant.I1_PAID_ONCE, number, detail)])
        elif row.terms.customer_no != settings.merchant:
            detail = "told with the keys of another merchant"
            self.check([Breach(Invariant.I7_SIGNED_ONLY, number, detail)])

    def settled(self, settings: Settings) -> None:
        """
        Check that other settings leave nobody's payouts behind in silence.
        """
        self._settings = settings
        rows = self._ledger.payouts(None, 100)
        left = [r for r in rows if r.terms.customer_no != settings.merchant]
        # As it is once the sweeps of those who served them before are long ago.
        later = replace(self._limits, silence_limit=timedelta(microseconds=-1))
        told = {a.kind for a in alerts(self._ledger.health(settings.merchant), later)}
        if (AlertKind.OTHER_MERCHANT in told) != any(not r.status.is_final for r in left):
            detail = "unfinished payouts of another merchant, and the alert says otherwise"
            self.check([Breach(Invariant.I8_COMES_TO_REST, "", detail)])

    def _moved(self, before: Payout, row: Payout) -> Iterator[Breach]:
        """
        A payout that is asked about at another place than where JD may have it.
        """
        dossier, number = self._ledger.dossier(row.id), row.out_trade_no
        self._moved_at[row.id] = self._scheduler.now()
        if row.terms != replace(before.terms, gateway_url=row.terms.gateway_url):
            yield Breach(Invariant.I1_PAID_ONCE, number, "became another merchant's")
        found = proofs.against_silence(dossier)
        if before.status is not PayoutStatus.REFUSED or found:
            detail = f"{before.status}, and moved to another address although {found}"
            yield Breach(Invariant.I1_PAID_ONCE, number, detail)

    def _unreachable(self, dossier: Dossier) -> Iterator[Breach]:
        """
        A payout that nobody can ask about any more, and nobody is told when the schedule is over.
        """
        row, schedule = dossier.payout, self._limits.schedule
        age = self._scheduler.now() - (row.finalized_at or row.accepted_at)
        if age <= schedule.patience + max((timedelta(0), *schedule.return_queries)):
            return
        if row.terms.gateway_url in self._settings.allowed:
            return
        # One in doubt is in the alert `restored`, and is there until someone sets it aside.
        told = (
            self._ledger.cases_of(row.id)
            or row.doubted_at
            or row.overdue_at
            or row.status is PayoutStatus.HELD
        )
        if (row.next_query_at or row.next_send_at) and not told:
            detail = f"{row.status} at {row.terms.gateway_url}, asked there for ever in silence"
            yield Breach(Invariant.I8_COMES_TO_REST, row.out_trade_no, detail)

    def booked(self, trade: Trade) -> None:
        """
        Check the books after a debit.
        """
        row = row_of(self._ledger, trade.number)
        if row is not None:
            self.check(self._overpaid({row.out_trade_no: (row.obligation, row.amount_fen)}))

    def went_back(self, claims: Iterable[tuple[str, str]], debts: Iterable[str]) -> None:
        """
        Hear that the database went back, and has lost claims, and debts their claimed payouts.
        """
        self._forgotten.went_back(self._scheduler.now(), claims, debts)
        self._seen = {row.id: row for row in self._ledger.payouts(None, 100)}

    def _is_forgotten(self, attempt: Attempt | None) -> bool:
        return attempt is not None and attempt.lease_token in self._forgotten.tokens

    def finish(
        self,
        orders: Sequence[Order],
        instead: Sequence[Order],
        repeated: Sequence[Order],
        *,
        journals_read: bool,
    ) -> None:
        """
        Check everything once faults have healed and nothing is due any more.

        `repeated` are the jobs whose producers saw to it that we have them.
        """
        for row in self._ledger.payouts(None, 100):
            dossier = self._ledger.dossier(row.id)
            self.check(self._of_payout(dossier))
            if not any(d.action is Action.RESOLVE for d in self._ledger.decisions(row.id)):
                self.check(at_rest(dossier))
            self.check(self._untrue(row))
            self.check(self._mistaken(dossier))
            self.check(self._behind(dossier))
            self.check(self._unreachable(dossier))
        self.check(self._on_record())
        gone = self._forgotten.gone(self._ledger, orders, repeated)
        left = [order for order in orders if order not in gone]
        taken = [o for o in instead if row_of(self._ledger, o.out_trade_no)]
        ours = {n: t for n, t in self._jd.books.trades.items() if t.request != STRANGER}
        rows = {n: row_of(self._ledger, n) for n in ours} if self._forgotten.at else {}
        lost = [n for n, row in rows.items() if row is None]
        # A job that conflicts with a forgotten one may have its number by now.
        other = [n for n, row in rows.items() if row and row.amount_fen != ours[n].amount_fen]
        self.check(
            audited(
                self._ledger,
                self._jd,
                [*left, *taken],
                self.healed_at,
                forgotten=[*lost, *other],
                unguarded=self._forgotten.debts,
            )
        )
        self.check(self._without_trace(left))
        self.check(self._forgotten.without_trace(self._ledger, lost, journals_read=journals_read))

    def _on_record(self) -> Iterator[Breach]:
        """
        What `payouts audit` finds, but for a debt that is overpaid after a lie or a lost payout.

        Two more words about a debt can come once another payout pays it, and cast doubt on what
        came back: of a stranger's trade under a cancelled number, and of a second trade.
        """
        for row in self._ledger.payouts(None, 100):
            # What spares the audit most debts counts on it.
            if not 0 <= may_keep_fen(self._ledger.dossier(row.id)) <= row.amount_fen:
                detail = f"of {row.amount_fen} fen more or less than nothing may be kept"
                yield Breach(Invariant.I1_PAID_ONCE, row.out_trade_no, detail)
        trades = self._jd.books.trades
        odd = {n for n, t in trades.items() if t.is_fickle or t.request == STRANGER}
        cases = self._ledger.cases(open_only=False, limit=1000)
        odd |= {case.out_trade_no for case in cases if case.kind is CaseKind.SECOND_TRADE_NO}
        deceived = {self._debt_of(n) for n in self._jd.lied | odd} | self._forgotten.debts
        deceived |= {row.obligation for row in self._ledger.payouts(None, 100) if self._late(row)}
        for breach in Auditor(self._ledger, self._limits).audit().breaches:
            is_about = self._debt_of(breach.out_trade_no)
            overpaid = breach.invariant is Invariant.I1_PAID_ONCE and is_about in deceived
            about = row_of(self._ledger, breach.out_trade_no)
            before = about and self._was_paid_before(breach, self._ledger.dossier(about.id))
            if not overpaid and not before:
                yield breach

    def _late(self, row: Payout) -> bool:
        """
        Whether a claim turned up once its debt was free, since JD had denied all that was known.
        """
        attempts = self._ledger.dossier(row.id).attempts
        found = [a.closed_at for a in attempts if a.detail == FROM_A_JOURNAL and a.closed_at]
        return row.released_at is not None and any(at > row.released_at for at in found)

    def check_payable(self, pay: Callable[[Payout, int], str]) -> None:
        """
        Check that people can pay what came back and is still owed; `pay` says what kept them.
        """
        for row in self._ledger.payouts(None, 100):
            amount_fen = self._unpaid_fen(row)
            refused = pay(row, amount_fen) if amount_fen > 0 else ""
            if refused:
                detail = f"{amount_fen} fen came back, and can never be paid: {refused}"
                self.check([Breach(Invariant.I8_COMES_TO_REST, row.out_trade_no, detail)])

    def _unpaid_fen(self, row: Payout) -> int:
        """
        What of a debt could be paid because it came back from this payout, past any doubt.
        """
        dossier, books = self._ledger.dossier(row.id), self._jd.books
        trade = books.trades.get(row.out_trade_no)
        if trade is None or trade.is_fickle or row.out_trade_no in self._jd.lied:
            return 0
        if row.terms.gateway_url not in self._settings.allowed:
            return 0
        owed = self._ledger.obligation(row.obligation)
        others = [r for r in self._ledger.payouts(None, 100) if r.obligation == row.obligation]
        kept = [
            proofs.may_be_kept(self._ledger.dossier(r.id))
            if r.released_at or r is row
            else r.amount_fen
            for r in others
        ]
        left = 0 if owed is None else owed.owed_fen - sum(kept)
        return min(left, proofs.came_back(dossier))

    def check(self, breaches: Iterable[Breach]) -> None:
        """
        Raise `Broken` if there is any.
        """
        found = list(breaches)
        if found:
            raise Broken(found)

    def _of_row(self, payout_id: int) -> Iterator[Breach]:
        dossier = self._ledger.dossier(payout_id)
        waits = any(e.applied_at is None for e in dossier.evidence)
        for breach in self._of_payout(dossier):
            if not (waits and breach.invariant is Invariant.I6_ORDER_DOES_NOT_MATTER):
                yield breach
        if not waits:
            for detail in proofs.without_case(dossier, self._ledger.cases_of(payout_id)):
                number = dossier.payout.out_trade_no
                yield Breach(Invariant.I2_NOTHING_LOST, number, detail)
        yield from self._untrue(dossier.payout)

    def _of_payout(self, dossier: Dossier) -> Iterator[Breach]:
        """
        What the invariants find.
        """
        row, cases = dossier.payout, self._ledger.cases(open_only=False, limit=1000)
        own = [case for case in cases if case.payout_id == row.id]
        found = of_payout(
            *(dossier, self._ledger.history(row.id), own), self._scheduler.now(), self._limits
        )
        return (breach for breach in found if not self._was_paid_before(breach, dossier))

    def _was_paid_before(self, breach: Breach, dossier: Dossier) -> bool:
        """
        Whether a stranger's trade ended a payout before a journal told of its claim.

        The trade counted as its own until then; afterwards it would be a stranger's.
        """
        trade = self._jd.books.trades.get(breach.out_trade_no)
        return (
            breach.invariant is Invariant.I6_ORDER_DOES_NOT_MATTER
            and (trade is not None and trade.request == STRANGER)
            and any(attempt.detail == FROM_A_JOURNAL for attempt in dossier.attempts)
        )

    def _untrue(self, row: Payout) -> Iterator[Breach]:
        """
        A status that JD never truly gave it; of a number that it lied about, nothing can be said.
        """
        if row.out_trade_no in self._jd.lied:
            return
        if row.status.rank <= PayoutStatus.UNKNOWN.rank and row.status is not PayoutStatus.REFUSED:
            return
        number = row.out_trade_no
        if row.reason in _REFUSALS or row.reason is Reason.FAILED_BY_HAND:
            # Of all orders with this number that went out: one that was not may have arrived.
            refused = self._jd.books.refused[number]
            if number in self._forgotten.numbers:
                return
            true = 0 < len(refused) >= len(self._sent[number])
        else:
            trade = self._jd.books.trades.get(number)
            true = trade is not None and row.status in trade.stood(self._scheduler.seconds)
        if not true:
            detail = f"{row.status} ({row.reason}), which JD never said in truth"
            yield Breach(Invariant.I7_SIGNED_ONLY, number, detail)

    def _mistaken(self, dossier: Dossier) -> Iterator[Breach]:
        """
        A payment of another's that is taken for ours, or one of ours for another's.
        """
        row = dossier.payout
        trade = self._jd.books.trades.get(row.out_trade_no)
        tried = any(a.outcome is not AttemptOutcome.NOT_CONNECTED for a in dossier.attempts)
        if not tried:
            return
        own = trade is None or trade.request != STRANGER
        if own and self._is_disowned(dossier):
            yield Breach(Invariant.I7_SIGNED_ONLY, row.out_trade_no, "ours, and told as another's")
        if row.out_trade_no in self._jd.lied:
            return
        refused = row.reason in _REFUSALS or row.reason is Reason.FAILED_BY_HAND
        if not own and not refused and row.status.rank > PayoutStatus.UNKNOWN.rank:
            detail = f"{row.status}, by the trade of somebody else"
            yield Breach(Invariant.I7_SIGNED_ONLY, row.out_trade_no, detail)

    def _is_disowned(self, dossier: Dossier) -> bool:
        """
        Whether a case tells a trade as another's, by the answer to a second attempt or a later one.
        """
        cases = self._ledger.cases_of(dossier.payout.id)
        named = {c.evidence_id for c in cases if c.kind is CaseKind.NUMBER_TAKEN}
        reached = [a for a in dossier.attempts if a.outcome is not AttemptOutcome.NOT_CONNECTED]
        later = {a.id for a in reached[1:]}
        return any(e.id in named and e.attempt_id in later for e in dossier.evidence)

    def _behind(self, dossier: Dossier) -> Iterator[Breach]:
        """
        A record that is at rest, and is not what became of the money.

        Of one that nobody asked about since the faults healed, nothing can be said.
        """
        row = dossier.payout
        trade = self._jd.books.trades.get(row.out_trade_no)
        asked = any(e.asked_at and e.asked_at > self.healed_at for e in dossier.evidence)
        resolved = any(d.action is Action.RESOLVE for d in self._ledger.decisions(row.id))
        if not asked or dossier.open_cases or (trade is not None and trade.is_fickle):
            return
        if row.out_trade_no in self._jd.lied or resolved:
            return
        if trade is None:
            ended = row.reason in {Reason.PAYEE_REFUSED, Reason.FAILED_BY_HAND}
            if not ended and row.status is not PayoutStatus.CANCELLED:
                detail = f"{row.status}, and JD has no such trade"
                yield Breach(Invariant.I8_COMES_TO_REST, row.out_trade_no, detail)
            return
        seconds = self._scheduler.seconds
        true = max(trade.stood(seconds), key=lambda status: status.rank)
        says = (row.status, row.returned_fen)
        if says != (true, trade.returned_fen(seconds)):
            detail = f"{says} in the ledger, {true} in JD's books"
            yield Breach(Invariant.I8_COMES_TO_REST, row.out_trade_no, detail)

    def _unowned(self, number: str) -> Iterator[Breach]:
        attempt, until = self._scheduler.current.attempt, None
        now = self._scheduler.now()
        if attempt and self._is_forgotten(attempt) and now <= attempt.started_at + LEAVE:
            return
        row = row_of(self._ledger, number)
        if attempt and row and row.lease_token == attempt.lease_token:
            until = row.lease_until
        if until is None or until < self._scheduler.now() + self._limits.http_deadline:
            detail = f"connected under a lease until {until}"
            yield Breach(Invariant.I9_ONE_AT_A_TIME, number, detail)

    def _unproven(self, number: str) -> Iterator[Breach]:
        """
        A number that goes out again although nothing shows that JD does not have it.
        """
        sent = self._sent[number]
        if len(sent) <= len(self._jd.books.refused[number]):
            return
        row = row_of(self._ledger, number)
        if number in self._jd.lied and row is not None and row.reason is Reason.CLAIMED:
            # A refusal that was none: a person sent it again, or JD never answered the truth.
            return
        now, seconds = self._scheduler.now(), self._scheduler.seconds
        ages = [(now - asked).total_seconds() for asked in self._jd.denied[number]]
        gaps = [seconds - age - sent[-1] for age in ages]
        needed = [gap.total_seconds() for gap in self._limits.resend_gaps]
        proven = len([gap for gap in gaps if gap >= needed[0]]) >= len(needed)
        proven = proven and max(gaps) >= needed[-1]
        if proven and number in self._forgotten.numbers:
            return  # how often it was sent, and since when, is forgotten
        fresh = seconds - sent[0] <= self._limits.resend_window.total_seconds() + 3600
        if not (proven and fresh and len(sent) <= self._limits.resend_limit):
            detail = f"sent again {seconds - sent[-1]:.0f} s later, JD denied it after {gaps}"
            yield Breach(Invariant.I1_PAID_ONCE, number, detail)

    def _overpaid(self, owed: dict[str, tuple[str, int]]) -> Iterator[Breach]:
        """
        More in JD's books than is owed; what a stranger paid under a number of ours is not ours.

        A debt about one of whose numbers JD lied, or changed its mind, may be paid more than once:
        what was done on its word is judged when it is done.
        """
        books = self._jd.books
        kept = books.kept_fen(self._scheduler.seconds)
        ours = {n for n, trade in books.trades.items() if trade.request != STRANGER}
        fickle = {n for n, trade in books.trades.items() if trade.is_fickle}
        excused = {self._debt_of(n) for n in self._jd.lied | fickle} | self._forgotten.debts
        sound = {n for n in ours if n in owed and self._debt_of(n) not in excused}
        return of_books(
            {n: times for n, times in books.debits.items() if n in sound},
            {n: fen for n, fen in kept.items() if n in sound},
            owed,
        )

    def _debt_of(self, number: str) -> str:
        row = row_of(self._ledger, number)
        return number if row is None else row.obligation

    def _without_trace(self, orders: Iterable[Order]) -> Iterator[Breach]:
        rejected = {r.out_trade_no for r in self._ledger.rejections(1000)}
        for order in orders:
            row = row_of(self._ledger, order.out_trade_no)
            taken = row is not None and self._ledger.order(row.id) == order
            if not taken and order.out_trade_no not in rejected:
                detail = "neither accepted nor rejected"
                yield Breach(Invariant.I2_NOTHING_LOST, order.out_trade_no, detail)


def _tells(row: Payout) -> tuple[object, ...]:
    """
    What a row says of the money; the rest says when to look again.
    """
    return row.status, row.reason, row.exposed, row.returned_fen, row.trade_no


def unreviewed(ledger: Ledger, number: str) -> Iterator[Breach]:
    """
    A connection for a payee on the review list, and no person let the payout go.
    """
    row = row_of(ledger, number)
    if row is None or ledger.order(row.id).payee != LISTED:
        return
    if not any(decision.action is Action.LET_GO for decision in ledger.decisions(row.id)):
        detail = "sent, and nobody had looked at it"
        yield Breach(Invariant.I11_HELD_FOR_A_PERSON, number, detail)


def unrecorded(ledger: Ledger, news: News) -> Iterator[Breach]:
    """
    What was handed to the ledger, and is not there, or lies with another payout or attempt.
    """
    dossier, told, ending = ledger.dossier(news.payout_id), news.told, news.ending
    number = dossier.payout.out_trade_no
    if told is not None:
        said = (told.source, told.answer.raw, told.answer.verified, told.attempt_id)
        known = (
            (e.source, e.answer.raw, e.answer.verified, e.attempt_id) for e in dossier.evidence
        )
        if said not in known:
            yield Breach(Invariant.I2_NOTHING_LOST, number, f"{told.source} not kept")
    if ending is not None:
        closed = [a.outcome for a in dossier.attempts if a.id == ending.attempt.id]
        if closed not in ([ending.outcome], [AttemptOutcome.LOST]):
            detail = f"ended as {ending.outcome}, and {closed} is kept"
            yield Breach(Invariant.I2_NOTHING_LOST, number, detail)


def unheard(ledger: Ledger, customer_no: str, answer: Answer) -> Iterator[Breach]:
    """
    A notification that lies with no payout although one has its number.
    """
    row = ledger.find(customer_no, answer.number or "")
    if row is not None:
        told = Told(Source.NOTIFICATION, answer)
        yield from unrecorded(ledger, News(row.id, told=told))


def closed_unseen(ledger: Ledger, seen: Case) -> Iterator[Breach]:
    """
    A case that a person closed, and that named newer evidence than the person saw.
    """
    if ledger.case(seen.id).evidence_id != seen.evidence_id:
        yield Breach(Invariant.I2_NOTHING_LOST, seen.out_trade_no, f"{seen.kind} closed unseen")


def late(ledger: Ledger, number: str, now: datetime, limits: Limits) -> Iterator[Breach]:
    """
    A connection after the payout's time was over, and no person wanted it since.
    """
    row = row_of(ledger, number)
    if row is None or (row.status is PayoutStatus.SENDING and row.reason is Reason.RESENT):
        return
    until = ledger.order(row.id).send_before or row.accepted_at + limits.send_within
    wanted = {Action.LET_GO, Action.RESEND}
    again = [d.at for d in ledger.decisions(row.id) if d.action in wanted]
    until = max([until, *(at + limits.send_within for at in again)])
    if now > until + _LATENESS:
        yield Breach(Invariant.I11_HELD_FOR_A_PERSON, number, f"sent, and its time ended {until}")


def claimed_against(ledger: Ledger, attempt: Attempt) -> Iterator[Breach]:
    """
    A claim although JD had told us that it has this payout, or its debt is paid by others.
    """
    dossier = ledger.dossier(attempt.payout_id)
    row = dossier.payout
    before = replace(dossier, attempts=dossier.attempts[:-1])
    found = proofs.against_silence(before)
    if found is not None:
        yield Breach(Invariant.I1_PAID_ONCE, row.out_trade_no, f"claimed although {found}")
    owed = ledger.obligation(row.obligation)
    others = [r for r in ledger.payouts(None, 100) if r.obligation == row.obligation]
    kept = [
        proofs.may_be_kept(ledger.dossier(r.id)) if r.released_at else r.amount_fen for r in others
    ]
    if owed is not None and sum(kept) > owed.owed_fen:
        detail = f"claimed although {kept} of {owed.owed_fen} fen may be kept"
        yield Breach(Invariant.I1_PAID_ONCE, row.out_trade_no, detail)


def decided_against(
    ledger: Ledger,
    dossier: Dossier,
    decision: Decision,
    order: Order | None = None,
    terms: Terms | None = None,
) -> Iterator[Breach]:
    """
    A person's act that what JD has told does not allow, by what was told until it was done.

    `order` and `terms` are those of the payout that pays instead.
    """
    dossier = ledger.dossier(dossier.payout.id)
    number, detail = dossier.payout.out_trade_no, None
    if terms is not None and terms.customer_no != dossier.payout.terms.customer_no:
        detail = "it is another merchant's"
    elif decision.action in {Action.RESEND, Action.FAIL}:
        detail = proofs.against_silence(dossier)
    elif decision.action is Action.RELEASE and proofs.may_be_kept(dossier):
        detail = f"{proofs.may_be_kept(dossier)} fen may be kept"
    elif decision.action is Action.REPLACE:
        row = dossier.payout
        owed = ledger.obligation(row.obligation)
        others = [r for r in ledger.payouts(None, 100) if r.obligation == row.obligation]
        kept = [
            proofs.may_be_kept(ledger.dossier(r.id)) if r.released_at else r.amount_fen
            for r in others
        ]
        if owed is not None and sum(kept) > owed.owed_fen:
            detail = f"{kept} of {owed.owed_fen} fen may be kept"
    if detail is not None:
        yield Breach(
            Invariant.I10_RELEASED_WITH_PROOF, number, f"{decision.action} although {detail}"
        )


def undoubted(dossier: Dossier, before: Payout) -> Iterator[Breach]:
    """
    A doubt that was lifted by "not found" alone although JD had told more.
    """
    since = [s for s in proofs.said(dossier) if before.doubted_at and s.at >= before.doubted_at]
    if not any(s.shows_more for s in since) and proofs.against_silence(dossier):
        detail = "doubt lifted by JD's silence, although it had told more"
        yield Breach(Invariant.I4_UNKNOWN_IS_HONEST, dossier.payout.out_trade_no, detail)
