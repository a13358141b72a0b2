"""
What JD told unasked: kept with the payout that has the number, or as an orphan.
"""

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa

from worker.payouts.evidence import Answer, Source
from worker.payouts.judgement import Judge, Judged, Orphaned
from worker.payouts.model import CaseKind
from worker.payouts.news import News, Told
from worker.store.evidence import EvidenceStore
from worker.store.locks import Locked
from worker.store.rows import message_columns
from worker.store.seals import Seals
from worker.store.tables import cases, evidence
from worker.store.writes import insert_new


class Notifications(EvidenceStore):
    """
    The notifications of a merchant's payouts.
    """

    def notify(
        self, customer_no: str, answers: Sequence[Answer], judge: Judge | None = None
    ) -> Sequence[Judged | Orphaned | None]:
        """
        Record notifications, each with the merchant's payout that has its number.

        Those of no payout come after the others, each in a transaction of its own: whoever holds
        payouts must not wait for a number.
        """
        numbers = [answer.number or "" for answer in answers]
        with self._transaction() as conn:
            locked = self._locks.numbered(conn, customer_no, numbers)
            known = [place for place, number in enumerate(numbers) if number in locked]
            news = [_noticed(locked[numbers[place]], answers[place]) for place in known]
            held = {one.payout.id: one for one in locked.values()}
            results: dict[int, Judged | Orphaned | None] = {}
            results |= zip(known, self._keep(conn, news, judge, held), strict=True)
        for place, answer in enumerate(answers):
            if place not in results:
                results[place] = self._notify_unknown(customer_no, answer, judge)
        return [results[place] for place in range(len(answers))]

    def _notify_unknown(
        self, customer_no: str, answer: Answer, judge: Judge | None
    ) -> Judged | Orphaned | None:
        """
        Store a notification about a number that no payout had just now: if none has, as an orphan.
        """
        number = answer.number or ""
        with self._transaction() as conn:
            # It may be accepted at this very moment: until this transaction ends, none can be.
            now = self._locks.numbers(conn, customer_no, [number])
            locked = self._locks.numbered(conn, customer_no, [number])
            if number not in locked:
                told = Told(Source.NOTIFICATION, answer)
                _store_orphan(conn, now, customer_no, told, self._seals)
                return Orphaned()
            (kept,) = self._keep(conn, [_noticed(locked[number], answer)], judge)
            return kept


def _noticed(locked: Locked, answer: Answer) -> News:
    return News(locked.payout.id, told=Told(Source.NOTIFICATION, answer))


def _store_orphan(
    conn: sa.Connection, now: datetime, customer_no: str, told: Told, seals: Seals
) -> None:
    number = told.answer.number or ""
    named = {"customer_no": customer_no, "out_trade_no": number}
    columns = message_columns(customer_no, number, now, told, seals)
    evidence_id = insert_new(conn, evidence, **columns)
    if evidence_id is not None:
        orphan = {"kind": CaseKind.ORPHAN, "evidence_id": evidence_id, "opened_at": now}
        insert_new(conn, cases, **named, **orphan)
