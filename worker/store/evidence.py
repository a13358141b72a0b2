"""
Evidence in, decisions out.
"""

import hashlib
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from worker.payouts.errors import StaleTransition
from worker.payouts.evidence import Answer, Evidence, Source
from worker.payouts.judgement import Judge, Judged, Orphaned
from worker.payouts.model import CaseKind, Dossier, Payout
from worker.payouts.update import CaseNote, apply
from worker.store.base import Base, append_transition, insert_new, write_row
from worker.store.channels import count_unverifiable, pause_channel
from worker.store.dossiers import read_dossier
from worker.store.keyring import Keyring
from worker.store.locks import Locked
from worker.store.rows import answer_columns
from worker.store.tables import cases, evidence


class EvidenceStore(Base):
    """
    What the gateway told us, and what was made of it.
    """

    def record(
        self,
        payout: Payout,
        source: Source,
        answer: Answer,
        *,
        asked_at: datetime | None = None,
        judge: Judge | None = None,
    ) -> Judged | None:
        """
        Store one piece of evidence and judge all there is, in one transaction.

        An identical notification is stored once. Without a judge the piece waits, unapplied, and no
        decision made without it can be written.
        """
        news = News(source, answer, asked_at=asked_at)
        with self._transaction() as conn:
            locked = self._locks.payout(conn, payout.id)
            return take_in(conn, locked, locked.payout, news, judge, self._keyring)

    def notify(
        self, customer_no: str, answer: Answer, judge: Judge | None = None
    ) -> Judged | Orphaned | None:
        """
        Record a notification with the merchant's payout that has its number.

        If there is none, an orphan case is opened, and nothing is judged.
        """
        number, news = answer.number or "", News(Source.NOTIFICATION, answer)
        with self._transaction() as conn:
            locked = self._locks.numbered(conn, customer_no, number)
            if locked is None:
                # It may be accepted at this very moment: until this transaction ends, none can be.
                now = self._locks.number(conn, customer_no, number)
                locked = self._locks.numbered(conn, customer_no, number)
                if locked is None:
                    _store_orphan(conn, now, customer_no, news, self._keyring)
                    return Orphaned()
            return take_in(conn, locked, locked.payout, news, judge, self._keyring)

    def judge(self, payout_id: int, judge: Judge) -> Judged:
        """
        Bring a row in line with all that is known, in one transaction. Raises `NoSuchPayout`.

        Raises `IllegalMove` if the payout may not move that way.
        """
        with self._transaction() as conn:
            locked = self._locks.payout(conn, payout_id)
            dossier = read_dossier(conn, locked.payout, self._keyring)
            return _judge(conn, locked, dossier, judge)


@dataclass(frozen=True, slots=True)
class News:
    """
    What JD just told us, and what it answers.
    """

    source: Source
    answer: Answer = field(repr=False)
    attempt_id: int | None = None
    asked_at: datetime | None = None


def take_in(
    conn: sa.Connection,
    locked: Locked,
    payout: Payout,
    news: News | None,
    judge: Judge | None,
    keyring: Keyring,
) -> Judged | None:
    """
    Store what JD told of a locked payout, and judge all there is; write it all to the row at once.

    `payout` is the row as it will be before it is judged. Without a judge nothing else of the
    payout is read, so that what cannot be read does not keep out what JD says.
    """
    now = locked.now
    if judge is None:
        if news is not None and _insert(conn, payout, news, keyring, now, None) is not None:
            payout = replace(payout, version=payout.version + 1, updated_at=now)
        if payout != locked.payout:
            write_row(conn, locked.payout, payout)
        return None
    dossier = read_dossier(conn, payout, keyring)
    # It is stored as judged: should that fail, nothing of it is written.
    piece = None if news is None else _insert(conn, payout, news, keyring, now, now)
    if piece is not None:
        dossier = replace(dossier, evidence=(*dossier.evidence, piece))
    return _judge(conn, locked, dossier, judge)


def _judge(conn: sa.Connection, locked: Locked, dossier: Dossier, judge: Judge) -> Judged:
    """
    Decide from all that is known of a payout, whose row is locked, and write what was decided.
    """
    now, before = locked.now, locked.payout
    customer_no = before.terms.customer_no
    update = judge.decide(dossier, now)
    updated = apply(dossier.payout, update, now)
    if not write_row(conn, before, updated):
        raise StaleTransition(f"payout {before.id} changed after version {before.version}")
    waited = [piece.id for piece in dossier.evidence if piece.applied_at is None]
    if waited:
        stored = sa.update(evidence).where(evidence.c.id.in_(waited))
        conn.execute(stored.values(applied_at=now))
    append_transition(conn, before, updated, judge.actor, update.evidence_id)
    for note in update.cases:
        open_case(conn, now, before, note)
    if update.pause is not None:
        pause_channel(conn, now, customer_no, update.pause, judge.actor)
    in_a_row = count_unverifiable(conn, customer_no, update.verified, locked.unverifiable)
    if in_a_row >= judge.unverifiable_limit:
        why = f"{in_a_row} answers in a row could not be verified"
        pause_channel(conn, now, customer_no, why, judge.actor)
    return Judged(dossier, update)


def _insert(
    conn: sa.Connection,
    payout: Payout,
    news: News,
    keyring: Keyring,
    now: datetime,
    applied_at: datetime | None,
) -> Evidence | None:
    """
    Store what JD told of a payout; None, and nothing is stored, if it is known.

    What is returned waits to be judged, whatever the row says.
    """
    about: dict[str, Any] = {"attempt_id": news.attempt_id, "asked_at": news.asked_at}
    evidence_id = insert_new(
        conn,
        evidence,
        customer_no=payout.terms.customer_no,
        out_trade_no=payout.out_trade_no,
        payout_id=payout.id,
        applied_at=applied_at,
        **_message(now, news, keyring),
        **about,
    )
    if evidence_id is None:
        return None
    return Evidence(evidence_id, payout.id, news.source, news.answer, received_at=now, **about)


def _store_orphan(
    conn: sa.Connection, now: datetime, customer_no: str, news: News, keyring: Keyring
) -> None:
    named = {"customer_no": customer_no, "out_trade_no": news.answer.number or ""}
    evidence_id = insert_new(conn, evidence, **named, **_message(now, news, keyring))
    if evidence_id is not None:
        orphan = {"kind": CaseKind.ORPHAN, "evidence_id": evidence_id, "opened_at": now}
        insert_new(conn, cases, **named, **orphan)


def _message(now: datetime, news: News, keyring: Keyring) -> dict[str, Any]:
    return {
        **answer_columns(news.answer, keyring),
        "source": news.source,
        "digest": hashlib.sha256(news.answer.raw).hexdigest(),
        "received_at": now,
    }


def open_case(conn: sa.Connection, now: datetime, payout: Payout, note: CaseNote) -> None:
    """
    Open a case, unless one like it is open, or was closed and nothing is new.
    """
    # What a person closed stays closed until new evidence of the same kind arrives.
    same = cases.c.evidence_id.is_not_distinct_from(note.evidence_id)
    stands = cases.c.closed_at.is_(None) | (sa.literal(not note.reopens) & same)
    seen = sa.select(cases.c.id).where(
        cases.c.payout_id == payout.id, cases.c.kind == note.kind, stands
    )
    if conn.execute(seen).first() is None:
        conn.execute(
            sa.insert(cases).values(
                kind=note.kind,
                customer_no=payout.terms.customer_no,
                out_trade_no=payout.out_trade_no,
                payout_id=payout.id,
                evidence_id=note.evidence_id,
                opened_at=now,
            )
        )
