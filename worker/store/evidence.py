"""
Evidence in, decisions out.
"""

import hashlib
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from worker.payouts.errors import StaleTransition
from worker.payouts.evidence import Answer, Source
from worker.payouts.judgement import Judge, Judged
from worker.payouts.model import CaseKind, Payout
from worker.payouts.update import CaseNote, apply
from worker.store.base import (
    Base,
    append_transition,
    insert_new,
    lock_number,
    lock_payout,
    write_row,
)
from worker.store.channels import count_unverifiable, pause_channel
from worker.store.keyring import Keyring
from worker.store.reads import read_dossier, read_payout
from worker.store.rows import answer_columns
from worker.store.tables import cases, evidence, payouts


class EvidenceStore(Base):
    """
    What the gateway told us, and what was made of it.
    """

    def record(
        self,
        payout: Payout | None,
        source: Source,
        answer: Answer,
        *,
        asked_at: datetime | None = None,
        judge: Judge | None = None,
    ) -> Judged | None:
        """
        Store one piece of evidence and judge all there is, in one transaction.

        An identical notification is stored once. Without a payout, and if none has its number by
        now either, an orphan case is opened.
        Without a judge it waits, unapplied, and no decision made without it can be written.
        """
        with self._writing() as (conn, now):
            if payout is None:
                payout = _accepted_meanwhile(conn, answer, self._keyring)
            if payout is None:
                _store_orphan(conn, now, source, answer, self._keyring)
                return None
            lock_payout(conn, payout.id)
            store_answer(conn, now, payout, source, answer, self._keyring, asked_at=asked_at)
            return (
                None if judge is None else judge_payout(conn, now, payout.id, judge, self._keyring)
            )

    def judge(self, payout_id: int, judge: Judge) -> Judged:
        """
        Bring a row in line with all that is known, in one transaction. Raises `NoSuchPayout`.

        Raises `IllegalMove` if the payout may not move that way.
        """
        with self._writing() as (conn, now):
            lock_payout(conn, payout_id)
            return judge_payout(conn, now, payout_id, judge, self._keyring)


def store_answer(
    conn: sa.Connection,
    now: datetime,
    payout: Payout,
    source: Source,
    answer: Answer,
    keyring: Keyring,
    **about: object,
) -> None:
    """
    Insert one piece of evidence about a payout, and raise its version; once, if it is known.
    """
    evidence_id = insert_new(
        conn,
        evidence,
        customer_no=payout.terms.customer_no,
        out_trade_no=payout.out_trade_no,
        payout_id=payout.id,
        **_message(now, source, answer, keyring),
        **about,
    )
    if evidence_id is not None:
        news = sa.update(payouts).where(payouts.c.id == payout.id)
        conn.execute(news.values(version=payouts.c.version + 1, updated_at=now))


def judge_payout(
    conn: sa.Connection, now: datetime, payout_id: int, judge: Judge, keyring: Keyring
) -> Judged:
    """
    Decide from all that is known of a payout, whose row is locked, and write what was decided.
    """
    dossier = read_dossier(conn, payout_id, keyring)
    update = judge.decide(dossier, now)
    payout = dossier.payout
    customer_no = payout.terms.customer_no
    updated = apply(payout, update, now)
    if not write_row(conn, payout, updated):
        raise StaleTransition(f"payout {payout.id} changed after version {payout.version}")
    if any(piece.applied_at is None for piece in dossier.evidence):
        conn.execute(
            sa.update(evidence)
            .where(evidence.c.payout_id == payout.id, evidence.c.applied_at.is_(None))
            .values(applied_at=now)
        )
    append_transition(conn, payout, updated, judge.actor, update.evidence_id)
    for note in update.cases:
        open_case(conn, now, payout, note)
    if update.pause is not None:
        pause_channel(conn, now, customer_no, update.pause, judge.actor)
    in_a_row = count_unverifiable(conn, customer_no, update.verified)
    if in_a_row >= judge.unverifiable_limit:
        why = f"{in_a_row} answers in a row could not be verified"
        pause_channel(conn, now, customer_no, why, judge.actor)
    return Judged(dossier, update)


def _accepted_meanwhile(conn: sa.Connection, answer: Answer, keyring: Keyring) -> Payout | None:
    """
    The payout with an answer's number; until the transaction ends none can be accepted.
    """
    merchant, number = answer.merchant or "", answer.number or ""
    lock_number(conn, merchant, number)
    asked = sa.select(payouts.c.id).where(
        payouts.c.customer_no == merchant, payouts.c.out_trade_no == number
    )
    payout_id = conn.execute(asked).scalar_one_or_none()
    return None if payout_id is None else read_payout(conn, payout_id, keyring)


def _store_orphan(
    conn: sa.Connection, now: datetime, source: Source, answer: Answer, keyring: Keyring
) -> None:
    named = {"customer_no": answer.merchant or "", "out_trade_no": answer.number or ""}
    evidence_id = insert_new(conn, evidence, **named, **_message(now, source, answer, keyring))
    if evidence_id is not None:
        orphan = {"kind": CaseKind.ORPHAN, "evidence_id": evidence_id, "opened_at": now}
        insert_new(conn, cases, **named, **orphan)


def _message(now: datetime, source: Source, answer: Answer, keyring: Keyring) -> dict[str, Any]:
    return {
        **answer_columns(answer, keyring),
        "source": source,
        "digest": hashlib.sha256(answer.raw).hexdigest(),
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
