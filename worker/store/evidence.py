"""
Evidence in, decisions out.
"""

from collections.abc import Mapping, Sequence, Set
from dataclasses import replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from worker.payouts.errors import StaleTransition
from worker.payouts.evidence import Evidence, Source
from worker.payouts.judgement import Judge, Judged
from worker.payouts.model import Attempt, Dossier, Payout
from worker.payouts.news import Ending, News, Told
from worker.payouts.update import apply, end_lease
from worker.payouts.vouching import with_message
from worker.store.base import Base
from worker.store.cases import open_case
from worker.store.channels import count_unverifiable, pause_channel
from worker.store.dossiers import read_dossiers
from worker.store.leases import CLOSE, closed_columns
from worker.store.locks import Locked
from worker.store.rows import message_columns
from worker.store.seals import Seals
from worker.store.tables import attempts, evidence
from worker.store.writes import Move, insert_all_new, write_moves, write_rows

_STORE = sa.insert(evidence).returning(evidence.c.id, sort_by_parameter_order=True)


class EvidenceStore(Base):
    """
    What the gateway told us, and what was made of it.
    """

    def take_in(self, news: Sequence[News], judge: Judge | None = None) -> Sequence[Judged | None]:
        """
        Store what is new of some payouts, and judge all that is known of each, in one transaction.

        An attempt's lease ends with it. One that the sweep has closed as lost stays closed, and its
        answer counts all the same: a lease fences the sending, never the evidence. An identical
        notification is stored once. Without a judge the evidence waits, unapplied, and no decision
        made without it can be written. Raises `NoSuchPayout`.
        """
        with self._transaction() as conn:
            return self._keep(conn, news, judge)

    def _keep(
        self,
        conn: sa.Connection,
        news: Sequence[News],
        judge: Judge | None,
        held: Mapping[int, Locked] | None = None,
    ) -> list[Judged | None]:
        """
        Take in what is new of payouts, a payout at a time; `held` are those just locked, if any.
        """
        results: dict[int, Judged | None] = {}
        for places in _rounds(news):
            locked = held or self._locks.payouts(conn, [news[place].payout_id for place in places])
            held = None  # what is written of a payout makes it another to whoever comes next
            files = [(locked[news[place].payout_id], news[place]) for place in places]
            results |= zip(places, _take_in(conn, files, judge, self._seals), strict=True)
        return [results[place] for place in range(len(news))]

    def judge(self, payout_id: int, judge: Judge) -> Judged:
        """
        Bring a row in line with all that is known, in one transaction. Raises `NoSuchPayout`.

        Raises `IllegalMove` if the payout may not move that way.
        """
        (judged,) = self.take_in([News(payout_id)], judge)
        assert judged is not None
        return judged


def _rounds(news: Sequence[News]) -> list[list[int]]:
    """
    The places of what is new, in rounds that have a payout once each, in the order given.
    """
    rounds: list[list[int]] = []
    seen: dict[int, int] = {}
    for place, one in enumerate(news):
        turn = seen[one.payout_id] = seen.get(one.payout_id, -1) + 1
        if turn == len(rounds):
            rounds.append([])
        rounds[turn].append(place)
    return rounds


def _take_in(
    conn: sa.Connection,
    files: Sequence[tuple[Locked, News]],
    judge: Judge | None,
    seals: Seals,
) -> Sequence[Judged | None]:
    """
    Store what is new of locked payouts, each of them once, and judge; write all of it at once.

    Without a judge nothing else of a payout is read, so that what cannot be read does not keep out
    what JD says.
    """
    files = [(locked, _answering(conn, locked, news)) for locked, news in files]
    ended = [_end(locked, news) for locked, news in files]
    _close_attempts(conn, files, seals)
    if judge is None:
        _store_unjudged(conn, files, ended, seals)
        return [None] * len(files)
    dossiers = read_dossiers(conn, ended, seals)
    # It is stored as judged: should that fail, nothing of it is written.
    read = [dossier.payout for dossier in dossiers]
    pieces = _store(conn, files, read, seals, judged=True)
    known = [
        dossier if piece is None else _with_piece(dossier, piece)
        for dossier, piece in zip(dossiers, pieces, strict=True)
    ]
    judgements = [
        Judged(dossier, judge.decide(dossier, locked.now))
        for dossier, (locked, _) in zip(known, files, strict=True)
    ]
    fresh = {piece.id for piece in pieces if piece is not None}
    _write(conn, [locked for locked, _ in files], judgements, fresh, judge, seals)
    return judgements


def _with_piece(dossier: Dossier, piece: Evidence) -> Dossier:
    payout = replace(dossier.payout, vouched=with_message(dossier.payout.vouched))
    return replace(dossier, payout=payout, evidence=(*dossier.evidence, piece))


def _answering(conn: sa.Connection, locked: Locked, news: News) -> News:
    """
    What is new, as the answer to an attempt only if that one is known.
    """
    if (ending := news.ending) is None or news.told is None:
        return news
    attempt = ending.attempt
    if locked.payout.lease_token == attempt.lease_token:
        return news
    # Its lease ended before, or it was lost: its id alone does not tell.
    same = sa.select(attempts.c.id).where(
        attempts.c.id == attempt.id, attempts.c.lease_token == attempt.lease_token
    )
    return news if conn.scalar(same) else news.without_attempt()


def _end(locked: Locked, news: News) -> Payout:
    """
    The row as it is before it is judged: without the lease of an attempt that ended.
    """
    payout, ending = locked.payout, news.ending
    if ending is None or payout.lease_token != ending.attempt.lease_token:
        return payout
    return end_lease(payout, locked.now, locked.now)


def _closed(ending: Ending, now: datetime) -> Attempt:
    return replace(ending.attempt, outcome=ending.outcome, detail=ending.detail, closed_at=now)


def _close_attempts(
    conn: sa.Connection, files: Sequence[tuple[Locked, News]], seals: Seals
) -> None:
    closed = [
        closed_columns(locked.payout, _closed(news.ending, locked.now), seals)
        for locked, news in files
        if news.ending and locked.payout.lease_token == news.ending.attempt.lease_token
    ]
    if closed:
        CLOSE.execute(conn, closed)


def _write(
    conn: sa.Connection,
    files: Sequence[Locked],
    judgements: Sequence[Judged],
    fresh: Set[int],
    judge: Judge,
    seals: Seals,
) -> None:
    """
    Write what was decided of payouts whose rows are locked; `fresh` evidence says so already.
    """
    moves = [
        Move(
            locked.payout,
            apply(judged.dossier.payout, judged.update, locked.now),
            judged.update.evidence_id,
        )
        for locked, judged in zip(files, judgements, strict=True)
    ]
    if not write_moves(conn, moves, judge.actor, seals):
        ids = ", ".join(str(move.before.id) for move in moves)
        raise StaleTransition(f"of payouts {ids} one changed after it was read")
    now = files[0].now
    known = (e for judged in judgements for e in judged.dossier.evidence)
    waited = [e.id for e in known if e.applied_at is None and e.id not in fresh]
    if waited:
        conn.execute(sa.update(evidence).where(evidence.c.id.in_(waited)).values(applied_at=now))
    counted: set[str] = set()
    for locked, judged, move in zip(files, judgements, moves, strict=True):
        customer_no, update = locked.payout.terms.customer_no, judged.update
        for note in update.cases:
            open_case(conn, now, move.after, note)
        if update.pause is not None:
            pause_channel(conn, now, customer_no, update.pause, judge.actor)
        # What was counted when the rows were locked holds for the first of a merchant's only.
        in_a_row = count_unverifiable(
            conn, customer_no, update.verified, max(locked.unverifiable, customer_no in counted)
        )
        if not all(update.verified):
            counted.add(customer_no)
        if in_a_row >= judge.unverifiable_limit:
            why = f"{in_a_row} answers in a row could not be verified"
            pause_channel(conn, now, customer_no, why, judge.actor)


def _store(
    conn: sa.Connection,
    files: Sequence[tuple[Locked, News]],
    payouts: Sequence[Payout],
    seals: Seals,
    *,
    judged: bool,
) -> list[Evidence | None]:
    """
    Store what JD told; None where it told nothing, or what is known.

    What is returned waits to be judged, whatever the row says.
    """
    columns: dict[int, Mapping[str, Any]] = {}
    for place, (locked, news) in enumerate(files):
        if news.told is not None:
            applied_at = locked.now if judged else None
            columns[place] = _columns(payouts[place], locked.now, news.told, seals, applied_at)
    ids: dict[int, int | None] = {}
    answers = [place for place in columns if columns[place]["source"] is not Source.NOTIFICATION]
    if answers:
        stored = conn.scalars(_STORE, [columns[place] for place in answers])
        ids |= zip(answers, stored, strict=True)
    notices = {columns[place]["payout_id"]: place for place in columns.keys() - ids.keys()}
    if notices:
        rows = [columns[place] for place in notices.values()]
        for row in insert_all_new(conn, evidence, rows, "payout_id"):
            ids[notices[row.payout_id]] = row.id
    return [_piece(*file, ids.get(place)) for place, file in enumerate(files)]


def _piece(locked: Locked, news: News, evidence_id: int | None) -> Evidence | None:
    if evidence_id is None or news.told is None:
        return None
    told = news.told
    return Evidence(
        evidence_id,
        news.payout_id,
        told.source,
        told.answer,
        received_at=locked.now,
        attempt_id=told.attempt_id,
        asked_at=told.asked_at,
    )


def _store_unjudged(
    conn: sa.Connection,
    files: Sequence[tuple[Locked, News]],
    ended: Sequence[Payout],
    seals: Seals,
) -> None:
    pieces = _store(conn, files, ended, seals, judged=False)
    moves = []
    for (locked, _), payout, piece in zip(files, ended, pieces, strict=True):
        after = payout
        if piece is not None:
            after = replace(
                payout,
                version=payout.version + 1,
                updated_at=locked.now,
                vouched=with_message(payout.vouched),
            )
        if after != locked.payout:
            moves.append(Move(locked.payout, after))
    write_rows(conn, moves, seals)


def _columns(
    payout: Payout, now: datetime, told: Told, seals: Seals, applied_at: datetime | None
) -> Mapping[str, Any]:
    after = with_message(payout.vouched)
    # Nobody knows which it is where some may have been taken away.
    place = after.messages if after is not None and after.holds else None
    own = payout.terms.customer_no, payout.out_trade_no
    return {
        **message_columns(*own, now, told, seals, place),
        "payout_id": payout.id,
        "applied_at": applied_at,
    }
