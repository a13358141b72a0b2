"""
A ledger in memory, for tests, simulations and trying things out: nothing of it is durable.

It keeps the promises of the real one, under the same contract tests.
"""

import contextlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from tests.doubles.audit import MemoryAudit
from tests.doubles.controls import MemoryControls
from tests.doubles.health import MemoryHealth
from tests.doubles.outbox import MemoryOutbox
from tests.doubles.own_payouts import MemoryOwnPayouts
from tests.doubles.rows import storable, transactions
from worker.payouts.acceptance import Entry
from worker.payouts.claim import Asker, Claim, Claimant, Claims, Draft, DueQueries
from worker.payouts.errors import BrokenSeal, StaleTransition
from worker.payouts.evidence import Answer, Evidence, Source
from worker.payouts.journal import FROM_A_JOURNAL, JournaledClaim, Recalled
from worker.payouts.judgement import Judge, Judged, Orphaned
from worker.payouts.model import (
    Attempt,
    AttemptOutcome,
    CaseKind,
    Dossier,
    Payout,
)
from worker.payouts.news import News, Told
from worker.payouts.pace import PaceKind
from worker.payouts.policy.obligation import AskFirst, Covered, Overpaid, cover, normalized
from worker.payouts.policy.restore import is_behind
from worker.payouts.question import Question
from worker.payouts.sealed_job import Proof
from worker.payouts.status import PayoutStatus
from worker.payouts.update import CaseNote, Update, apply, claim, recall

_FOREIGN = ("code", "merchant", "number", "currency", "trade_no", "reason_code")


@transactions
class MemoryLedger(MemoryAudit, MemoryHealth, MemoryOutbox, MemoryControls, MemoryOwnPayouts):
    """
    A ledger of plain dictionaries: `clock` tells the time, `new_token` makes lease tokens.
    """

    def check_writable(self) -> None:
        """
        Memory can always be written.
        """

    def claim_due_sends(self, limit: int, claimant: Claimant) -> Claims:
        """
        Take due payouts for sending, the longest due first.
        """
        return self.claim(self.find_due_sends(claimant.customer_no, limit), claimant)

    def claim(self, payout_ids: Sequence[int], claimant: Claimant) -> Claims:
        """
        Take payouts for sending, as many as the pace allows, one for each debt.
        """
        pace, now = claimant.pace, self._clock()
        kept = (claimant.customer_no, PaceKind.SEND)
        tokens = pace.left(self._full_at.get(kept), now)
        with self._all_or_nothing(payout_ids):
            claims = [*self._claims(payout_ids[:tokens], claimant)]
        if claims:
            self._full_at[kept] = pace.spend(len(claims), self._full_at.get(kept), now)
        held_back = pace.wait(self._full_at.get(kept), now) if tokens < len(payout_ids) else None
        return Claims(tuple(claims), len(payout_ids[:tokens]), held_back)

    def _claims(self, payout_ids: Sequence[int], claimant: Claimant) -> Iterator[Claim]:
        debts: set[str] = set()
        for payout_id in payout_ids:
            debt = normalized(self._row(payout_id).obligation)
            if debt not in debts and (claim := self._claim(payout_id, claimant)):
                yield claim
            debts.add(debt)

    @contextlib.contextmanager
    def _all_or_nothing(self, payout_ids: Iterable[int]) -> Iterator[None]:
        requests = dict(self._requests)
        with contextlib.ExitStack() as whole:
            for payout_id in {*payout_ids} & self._rows.keys():
                whole.enter_context(self._transaction(payout_id))
            try:
                yield
            except BaseException:
                self._requests = requests
                raise

    def _claim(self, payout_id: int, claimant: Claimant) -> Claim | None:
        row, now = self._row(payout_id), self._clock()
        draft = Draft(
            self.dossier(row.id),
            self._orders[row.id],
            self._requests.get(row.id),
            now,
            self._proof(row.id),
        )
        request = claimant.decide(draft)
        tries = self._attempts[row.id]
        if request is None or any(attempt.outcome is None for attempt in tries):
            self.put_off(payout_id, claimant.again_after)
            return None
        if not self._is_covered(row, claimant) or self._is_held_back(row, claimant):
            return None
        token = self._new_token()
        claimed = claim(row, token, claimant.lease, now)
        if self._rows[row.id] != row or self._is_stopped(row):
            return None
        number = len(tries) + 1
        attempt = Attempt(next(self._ids["attempts"]), row.id, number, token, started_at=now)
        self._requests.setdefault(row.id, request)
        self._move(row, claimed, claimant.actor)
        self._write(row, claimed)
        tries.append(attempt)
        return Claim(row, attempt, self._orders[row.id], request, self._kept.get(row.id))

    def _proof(self, payout_id: int) -> Proof | None:
        seal = self._kept.get(payout_id)
        if seal is None:
            return None
        key = self.job_key(seal.key_name)
        if key is None:
            raise BrokenSeal
        return Proof(seal.text, key)

    def find_forgotten(self, claims: Sequence[JournaledClaim]) -> Sequence[JournaledClaim]:
        """
        Those of some journaled claims that it lacks.
        """
        known = {a.lease_token for tries in self._attempts.values() for a in tries}
        return [claim for claim in claims if claim.attempt.lease_token not in known]

    def recall(self, claim: JournaledClaim, lease: timedelta) -> Recalled:
        """
        Put a claim back, and its payout if need be, with a case.
        """
        order, merchant, now = claim.order, claim.terms.customer_no, self._clock()
        found = self.find(merchant, order.out_trade_no)
        payout_id = found.id if found else self._recall_payout(claim)
        with self._transaction(payout_id):
            row, tries = self._row(payout_id), self._attempts[payout_id]
            if not self.find_forgotten([claim]):
                return Recalled.KNOWN
            if row.lease_until is not None:
                if row.lease_until > now:
                    return Recalled.BEING_SENT
                self._end(row, AttemptOutcome.LOST, "lease expired", row.lease_until)
                row, tries = self._row(payout_id), self._attempts[payout_id]
            forgotten = replace(
                claim.attempt,
                id=next(self._ids["attempts"]),
                payout_id=payout_id,
                number=len(tries) + 1,
                closed_at=now,
                outcome=AttemptOutcome.LOST,
                detail=FROM_A_JOURNAL,
            )
            tries.append(forgotten)
            self._requests.setdefault(payout_id, claim.request)
            behind = is_behind(self.dossier(payout_id))
            after = recall(row, forgotten.started_at, now + lease, now, is_behind=behind)
            self._write(row, after)
            self._move(row, after, "journal")
            note = CaseNote(CaseKind.FORGOTTEN, reopens=True)
            self._open_case(payout_id, merchant, order.out_trade_no, note)
        return Recalled.ATTEMPT if found else Recalled.PAYOUT

    def _recall_payout(self, claim: JournaledClaim) -> int:
        payout_id = self._accept(Entry(claim.order), claim.terms, claim.seal)
        if payout_id is not None:
            return payout_id
        # Its debt has no room for it: it counts with what may be kept of it.
        payout_id = self._insert(claim.order, claim.terms, claim.seal)
        row = self._rows[payout_id]
        self._write(row, replace(row, released_at=self._clock()))
        return payout_id

    def put_off(self, payout_id: int, by: timedelta) -> None:
        """
        Look at a payout that is due to be sent no earlier than `by` from now.
        """
        row, now = self._row(payout_id), self._clock()
        if row.next_send_at and row.next_send_at <= now:
            self._write(row, replace(row, next_send_at=now + by))

    def _is_covered(self, row: Payout, claimant: Claimant) -> bool:
        now = self._clock()
        owed = self._obligations[normalized(row.obligation)]
        coverage = cover(row, owed, self._sharing(row.obligation, but=row.id), now)
        if not isinstance(coverage, Covered) and self._is_stopped(row):
            return False
        match coverage:
            case Covered():
                return True
            case Overpaid(evidence_id):
                note = CaseNote(CaseKind.OVERPAYMENT, evidence_id, True)
                self._open_case(row.id, row.terms.customer_no, row.out_trade_no, note)
            case AskFirst(payout_ids):
                for payout_id in payout_ids:
                    older = self._rows[payout_id]
                    self._touch(older, next_query_at=min(older.next_query_at or now, now))
                self.put_off(row.id, claimant.again_after)
        return False

    def _is_held_back(self, row: Payout, claimant: Claimant) -> bool:
        hold = self._claim_hold(row)
        if hold is None:
            return False
        if row.status is PayoutStatus.QUEUED:
            self._hold_back(row, hold)
        else:
            self.put_off(row.id, claimant.again_after)
            note = CaseNote(hold.case, reopens=True)
            self._open_case(row.id, row.terms.customer_no, row.out_trade_no, note)
        return True

    def renew(self, attempt: Attempt, lease: timedelta) -> bool:
        """
        Stretch the lease; False unless it is still this attempt's and sending is allowed.
        """
        row, now = self._rows.get(attempt.payout_id), self._clock()
        if (
            row is None
            or row.status is not PayoutStatus.SENDING
            or row.lease_token != attempt.lease_token
            or row.lease_until is None
            or row.lease_until <= now
            or self._is_stopped(row)
        ):
            return False
        self._write(row, replace(row, lease_until=now + lease))
        return True

    def questions(self, payout_ids: Sequence[int]) -> Sequence[Question]:
        """
        All that asking JD about these payouts takes, in the same order.
        """
        return [Question(self._row(one), self._clock()) for one in payout_ids if one in self._rows]

    def take_in(self, news: Sequence[News], judge: Judge | None = None) -> Sequence[Judged | None]:
        """
        Keep what is new of some payouts, and judge all that is known of each: one transaction.
        """
        with self._all_or_nothing(one.payout_id for one in news):
            return [self._take_in(one, judge) for one in news]

    def _take_in(self, news: News, judge: Judge | None) -> Judged | None:
        row, ending = self._row(news.payout_id), news.ending
        own = {attempt.lease_token for attempt in self._attempts[row.id]}
        if ending is not None and ending.attempt.lease_token not in own:
            news = news.without_attempt()
        if (told := news.told) is not None:
            self._keep(row, told)
            row = self._row(row.id)
        if ending is not None and row.lease_token == ending.attempt.lease_token:
            self._end(row, ending.outcome, ending.detail, self._clock())
        return None if judge is None else self._judge(row.id, judge)

    def notify(
        self, customer_no: str, answers: Sequence[Answer], judge: Judge | None = None
    ) -> Sequence[Judged | Orphaned | None]:
        """
        Record notifications, each with the payout that has its number, or as an orphan.
        """
        found = [self.find(customer_no, answer.number or "") for answer in answers]
        news = [
            News(payout.id, told=Told(Source.NOTIFICATION, answer))
            for payout, answer in zip(found, answers, strict=True)
            if payout is not None
        ]
        kept = iter(self.take_in(news, judge))
        return [
            self._keep_orphan(customer_no, answer) if payout is None else next(kept)
            for payout, answer in zip(found, answers, strict=True)
        ]

    def judge(self, payout_id: int, judge: Judge) -> Judged:
        """
        Decide from all that is known, and write it: one transaction.
        """
        with self._transaction(payout_id):
            return self._judge(payout_id, judge)

    def _judge(self, payout_id: int, judge: Judge) -> Judged:
        dossier = self.dossier(payout_id)
        update = judge.decide(dossier, self._clock())
        self._write_update(dossier, update, judge)
        return Judged(dossier, update)

    def _keep(self, payout: Payout, told: Told) -> None:
        piece = self._piece(payout.id, told)
        if _is_new(piece, self._evidence[payout.id]):
            self._evidence[payout.id].append(piece)
            self._touch(self._rows[payout.id])

    def _keep_orphan(self, customer_no: str, answer: Answer) -> Orphaned:
        number = (customer_no, answer.number or "")
        piece = self._piece(None, Told(Source.NOTIFICATION, answer))
        if _is_new(piece, self._orphans[number]):
            self._orphans[number].append(piece)
            self._open_case(None, *number, CaseNote(CaseKind.ORPHAN, piece.id))
        return Orphaned()

    def _piece(self, payout_id: int | None, told: Told) -> Evidence:
        return Evidence(
            id=next(self._ids["evidence"]),
            payout_id=payout_id,
            source=told.source,
            answer=storable(told.answer, _FOREIGN),
            received_at=self._clock(),
            attempt_id=told.attempt_id,
            asked_at=told.asked_at,
        )

    def _write_update(self, dossier: Dossier, update: Update, judge: Judge) -> None:
        payout, now = dossier.payout, self._clock()
        updated = apply(payout, update, now)
        row = self._rows[payout.id]
        if row.version != payout.version:
            raise StaleTransition(f"payout {payout.id} changed after version {payout.version}")
        self._write(row, updated)
        self._evidence[row.id] = [
            e if e.applied_at else replace(e, applied_at=now) for e in self._evidence[row.id]
        ]
        self._move(row, updated, judge.actor, update.evidence_id)
        customer_no = row.terms.customer_no
        for note in update.cases:
            self._open_case(row.id, customer_no, row.out_trade_no, note)
        if update.pause is not None:
            self.pause(customer_no, update.pause, judge.actor)
        in_a_row = self._count_unverifiable(customer_no, update.verified)
        if in_a_row >= judge.unverifiable_limit:
            self.pause(customer_no, f"{in_a_row} answers in a row did not verify", judge.actor)

    def expire_leases(self, limit: int) -> Sequence[int]:
        """
        Close, as lost, the attempts whose lease has run out; return them.
        """
        now = self._clock()
        over = [
            row
            for row in self._rows.values()
            if (row.status is PayoutStatus.SENDING or row.lease_until)
            and (row.lease_until or now) <= now
        ]
        over.sort(key=lambda row: (row.lease_until is None, row.lease_until or now, row.id))
        for row in over[:limit]:
            if row.lease_until:
                self._end(row, AttemptOutcome.LOST, "lease expired", row.lease_until)
        return [row.id for row in over[:limit]]

    def find_unapplied(self, limit: int) -> Sequence[int]:
        """
        Payouts with evidence that waits to be judged, the longest waiting first.
        """
        waiting = (e for pieces in self._evidence.values() for e in pieces if not e.applied_at)
        oldest_first = sorted(waiting, key=lambda e: e.id)
        return list(dict.fromkeys(e.payout_id for e in oldest_first if e.payout_id))[:limit]

    def open_case(self, payout_id: int, note: CaseNote) -> None:
        """
        Open a case about a payout.
        """
        row = self._row(payout_id)
        self._open_case(row.id, row.terms.customer_no, row.out_trade_no, note)

    def until_next_query(self, customer_no: str) -> timedelta | None:
        """
        How long until the merchant's next follow-up query is due; None where none is to be asked.
        """
        own = (row for row in self._rows.values() if row.terms.customer_no == customer_no)
        waiting = [row.next_query_at for row in own if row.next_query_at is not None]
        return min(waiting) - self._clock() if waiting else None

    def claim_due_queries(self, limit: int, asker: Asker) -> DueQueries:
        """
        Claim due follow-up queries, the longest due first, as many as the pace allows.
        """
        pace, now = asker.pace, self._clock()
        kept = (asker.customer_no, PaceKind.QUERY)
        tokens = pace.left(self._full_at.get(kept), now)
        due = self._due_queries(asker.customer_no)[:limit]
        for payout_id in due[:tokens]:
            row = self._rows[payout_id]
            again, misses = now + asker.retry(row.query_misses), row.query_misses + 1
            self._write(row, replace(row, next_query_at=again, query_misses=misses, updated_at=now))
        if due[:tokens]:
            self._full_at[kept] = pace.spend(len(due[:tokens]), self._full_at.get(kept), now)
        held_back = pace.wait(self._full_at.get(kept), now) if tokens < len(due) else None
        return DueQueries(tuple(due[:tokens]), held_back)

    def _due_queries(self, customer_no: str) -> list[int]:
        now = self._clock()
        own = (row for row in self._rows.values() if row.terms.customer_no == customer_no)
        waiting = ((row.next_query_at, row.id) for row in own)
        due = sorted((at, payout_id) for at, payout_id in waiting if at and at <= now)
        return [payout_id for _, payout_id in due]

    def note_unanswered(self, payout_id: int, asked_at: datetime) -> None:
        """
        Record that JD was asked in vain.
        """
        row = self._row(payout_id)
        since = row.unanswered_since
        told = (e.received_at for e in self._evidence[payout_id] if e.answer.verified)
        if since is None or any(at >= since for at in told):
            since = asked_at
        self._rows[payout_id] = replace(row, unanswered_since=since, unanswered_at=asked_at)

    def hurry(self, payout_id: int, spacing: timedelta) -> None:
        """
        Make the next follow-up query due now, unless the row was touched within `spacing`.
        """
        row, now = self._row(payout_id), self._clock()
        if row.next_query_at and row.next_query_at > now and row.updated_at <= now - spacing:
            self._write(row, replace(row, next_query_at=now, updated_at=now))

    def _end(self, row: Payout, outcome: AttemptOutcome, detail: str, ended_at: datetime) -> None:
        now = self._clock()
        self._touch(row, lease_token=None, lease_until=None, lease_ended_at=ended_at)
        self._attempts[row.id] = [
            a if a.outcome else replace(a, outcome=outcome, detail=detail, closed_at=now)
            for a in self._attempts[row.id]
        ]


def _is_new(piece: Evidence, kept: Sequence[Evidence]) -> bool:
    """
    Whether it is no notification that came before.
    """
    told = (piece.source, piece.answer.raw, piece.answer.verified)
    return piece.source is not Source.NOTIFICATION or told not in [
        (e.source, e.answer.raw, e.answer.verified) for e in kept
    ]
