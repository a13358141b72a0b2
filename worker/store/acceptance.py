"""
Taking orders in, or recording why not.
"""

from collections.abc import Mapping, Sequence, Set
from dataclasses import asdict, replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from worker.payouts.acceptance import Entry
from worker.payouts.errors import NotAllowed
from worker.payouts.history import History
from worker.payouts.hold import Hold
from worker.payouts.model import Rejection, Terms
from worker.payouts.policy.obligation import normalized
from worker.payouts.sealed_job import kept
from worker.payouts.status import PayoutStatus, Reason
from worker.payouts.update import CaseNote
from worker.store.alike import find_duplicates, payments_like
from worker.store.base import Base
from worker.store.cases import open_case
from worker.store.dossiers import read_row
from worker.store.events import append_accepted, append_rejection
from worker.store.history import transition_said
from worker.store.obligations import commit_orders
from worker.store.rows import order_columns, to_payout
from worker.store.seals import Seals
from worker.store.tables import evidence, installation, payouts, rejections, transitions
from worker.store.types import UtcDateTime
from worker.store.vouching import is_chained, is_vouched_for
from worker.store.writes import insert_all_new, write_held, write_row

_TAKEN = sa.select(payouts.c.out_trade_no).where(
    payouts.c.customer_no == sa.bindparam("whose"),
    payouts.c.out_trade_no.in_(sa.bindparam("numbers", expanding=True)),
)
_ACCEPTED = sa.insert(transitions)
_ORPHANS = sa.update(evidence).where(
    evidence.c.payout_id.is_(None),
    evidence.c.customer_no == sa.bindparam("whose"),
    evidence.c.out_trade_no.in_(sa.bindparam("numbers", expanding=True)),
)
_ADOPT = _ORPHANS.values(
    payout_id=sa.select(payouts.c.id)
    .where(
        payouts.c.customer_no == evidence.c.customer_no,
        payouts.c.out_trade_no == evidence.c.out_trade_no,
    )
    .scalar_subquery()
)

_ADOPTING = (
    sa.select(payouts, sa.func.count(evidence.c.id).label("adopted"))
    .join(evidence, evidence.c.payout_id == payouts.c.id)
    .where(
        payouts.c.customer_no == sa.bindparam("whose"),
        payouts.c.out_trade_no.in_(sa.bindparam("numbers", expanding=True)),
    )
    .group_by(payouts.c.id)
)

#: When the database was restored, if JD is asked first about what is accepted now. The row is held,
#: so that an epoch that begins meanwhile finds this payout.
_ASK_FIRST = (
    sa.select(installation.c.restored_at)
    .where(installation.c.ask_first_until > sa.bindparam("now", type_=UtcDateTime))
    .with_for_update(read=True)
)


class Acceptance(Base):
    """
    The ledger's entrance.
    """

    def accept(self, entries: Sequence[Entry], terms: Terms) -> Sequence[int | None]:
        """
        Insert queued payouts, due at once, or held by a control, in one transaction.

        None, and nothing is written, for one whose number is taken or whose obligation has no room
        for it: each is decided as if those before it had been accepted alone.
        """
        if not entries:
            return []
        ids: list[int | None] = [None] * len(entries)
        numbers = [entry.order.out_trade_no for entry in entries]
        with self._transaction() as conn:
            payments = [payments_like(entry, self._seals) for entry in entries]
            sealed = [order_columns(e.order, terms, self._seals, kept(e.proof)) for e in entries]
            named = [name for names in payments for name in names]
            now = self._locks.numbers(conn, terms.customer_no, numbers, named)
            for places in _rounds(entries, payments):
                free = _free(conn, terms, {place: numbers[place] for place in places})
                orders = {place: entries[place].order for place in free}
                debts = commit_orders(conn, orders, now, self._seals)
                rows = [sealed[place] | {"obligation_id": debts[place]} for place in debts]
                taken = {place: entries[place] for place in debts}
                denied = self._denied(conn)
                holds = find_holds(conn, taken, debts, denied, now, self._seals)
                ids_of = insert_payouts(conn, now, rows, self._seals)
                for place, payout_id in zip(debts, ids_of, strict=True):
                    ids[place] = payout_id
                    if place in holds:
                        hold_payout(conn, now, payout_id, holds[place], self._seals)
        return ids

    def reject(self, rejection: Rejection) -> None:
        """
        Record an entry message that was not accepted, at the database's time.
        """
        with self._writing() as (conn, now):
            values = asdict(rejection) | {"faults": list(rejection.faults), "rejected_at": now}
            del values["id"]
            conn.execute(sa.insert(rejections).values(**values))
            append_rejection(conn, rejection, now)


def _rounds(entries: Sequence[Entry], payments: Sequence[Sequence[str]]) -> list[list[int]]:
    """
    The places of jobs, in rounds that have each number, debt and payment once, in the order given.
    """
    rounds: list[list[int]] = []
    seen: list[set[str]] = []
    for place, (entry, alike) in enumerate(zip(entries, payments, strict=True)):
        names = {f"number {entry.order.out_trade_no}", f"debt {normalized(entry.order.obligation)}"}
        names |= {*alike}
        after = max((turn + 1 for turn, known in enumerate(seen) if known & names), default=0)
        if after == len(rounds):
            rounds.append([])
            seen.append(set())
        rounds[after].append(place)
        seen[after] |= names
    return rounds


def find_holds(
    conn: sa.Connection,
    entries: Mapping[int, Entry],
    debts: Mapping[int, int],
    denied: Set[str],
    now: datetime,
    seals: Seals,
) -> Mapping[int, Hold]:
    """
    What holds back the payouts that entries become, by the entries' keys; their debts are held.
    """
    holds = dict.fromkeys(find_duplicates(conn, entries, debts, now, seals), Hold.DUPLICATE)
    holds |= {place: Hold.REVIEW for place, entry in entries.items() if entry.for_review}
    listed = (place for place, e in entries.items() if e.order.payee.account_no in denied)
    return holds | dict.fromkeys(listed, Hold.DENIED)


def _free(conn: sa.Connection, terms: Terms, numbers: Mapping[int, str]) -> list[int]:
    """
    The places of those numbers, which are held, that no payout of the merchant's has.
    """
    named = {"whose": terms.customer_no, "numbers": [*numbers.values()]}
    taken = {*conn.scalars(_TAKEN, named)}
    return [place for place, number in numbers.items() if number not in taken]


def insert_payouts(
    conn: sa.Connection, now: datetime, rows: Sequence[Mapping[str, Any]], seals: Seals
) -> Sequence[int]:
    """
    Insert queued payouts of one merchant, given their orders' columns, with first transitions.

    After a restore JD is asked about each before it is sent: the backup may lack a payout with its
    number. The numbers are held, so that a notification stored at this moment does not miss them,
    and their amounts are committed. Returns their ids. Raises `NotAllowed` if another payout has a
    number.
    """
    if not rows:
        return []
    restored_at = conn.execute(_ASK_FIRST, {"now": now}).scalar_one_or_none()
    state = {
        "status": PayoutStatus.QUEUED,
        "reason": Reason.ACCEPTED,
        "version": 1,
        "exposed": False,
        "accepted_at": now,
        "updated_at": now,
        "returned_fen": 0,
        "resends": 0,
        "next_send_at": now,
        "doubted_at": restored_at,
        "next_query_at": None if restored_at is None else now,
        "query_misses": 0,
    }
    first = [_first_transition(row, now) for row in rows]
    fresh = [
        {**row, **state, **_fresh_seal({**row, **state}, transition, seals)}
        for row, transition in zip(rows, first, strict=True)
    ]
    found = insert_all_new(conn, payouts, fresh, "out_trade_no")
    ids_by_number = {row.out_trade_no: row.id for row in found}
    if len(ids_by_number) < len(rows):
        raise NotAllowed("out_trade_no: another payout has this number")
    ids: list[int] = [ids_by_number[row["out_trade_no"]] for row in rows]
    conn.execute(
        _ACCEPTED,
        [
            {**transition, "payout_id": payout_id}
            for payout_id, transition in zip(ids, first, strict=True)
        ],
    )
    numbered = zip(ids, rows, strict=True)
    append_accepted(conn, [{**row, **state, "id": payout_id} for payout_id, row in numbered])
    _adopt_orphans(conn, rows[0]["customer_no"], [*ids_by_number], seals)
    return ids


def _first_transition(row: Mapping[str, Any], now: datetime) -> Mapping[str, Any]:
    return {
        "from_status": None,
        "to_status": PayoutStatus.QUEUED,
        "reason": Reason.ACCEPTED,
        "evidence_id": None,
        "actor": row["producer"],
        "at": now,
    }


def _fresh_seal(
    row: Mapping[str, Any], transition: Mapping[str, Any], seals: Seals
) -> Mapping[str, Any]:
    """
    What vouches for a new payout's row, to which nothing belongs yet but its first transition.
    """
    if not is_vouched_for(row):
        return dict.fromkeys(("attempt_count", "message_count", "history", "seal"))
    history = History().moved(transition_said(transition)) if is_chained(row) else None
    own = {"attempt_count": 0, "message_count": 0, "history": history and str(history)}
    return {**own, "seal": seals.vouch(payouts.c.seal, {**row, **own})}


def hold_payout(
    conn: sa.Connection, now: datetime, payout_id: int, hold: Hold, seals: Seals
) -> None:
    """
    Hold a payout that this transaction inserted: no other transaction ever sees it queued.
    """
    queued = to_payout(read_row(conn, payout_id), seals)
    held = write_held(conn, queued, hold, now, seals)
    open_case(conn, now, held, CaseNote(hold.case))


def _adopt_orphans(
    conn: sa.Connection, customer_no: str, numbers: Sequence[str], seals: Seals
) -> None:
    """
    Give new payouts what JD notified of their numbers before we had them, to be judged.

    A database restored from a backup has lost payouts that were paid: a producer that enqueues
    them again must not have them sent again.
    """
    if not conn.execute(_ADOPT, {"whose": customer_no, "numbers": numbers}).rowcount:
        return
    found = conn.execute(_ADOPTING, {"whose": customer_no, "numbers": numbers}).mappings().all()
    for row in found:
        payout = to_payout(row, seals)
        if payout.vouched is not None:
            counted = replace(payout.vouched, messages=row["adopted"])
            write_row(conn, payout, replace(payout, vouched=counted), seals)
