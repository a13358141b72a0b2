"""
What nothing vouched for, vouched for anew: by two people's decision, or after an older version.
"""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import replace

import sqlalchemy as sa

from worker.payouts.errors import SealError
from worker.payouts.model import Attempt, Dossier, Payout
from worker.payouts.vouching import Vouched
from worker.store.dossiers import known_to, read_dossiers
from worker.store.history import read_history
from worker.store.keyring import Form
from worker.store.leases import CLOSE, closed_columns
from worker.store.people_tables import proposals
from worker.store.rows import to_obligation, to_payout
from worker.store.seals import Seals
from worker.store.tables import evidence, obligations, payouts
from worker.store.vouching import debt_columns, proposal_seal, vouched_columns


def renewed(conn: sa.Connection, dossier: Dossier, seals: Seals) -> Payout:
    """
    A payout whose row will be vouched for as it stands, with what belongs to it now.

    Two people have looked at it. What JD told stays as it is: a message that is not what was stored
    still proves nothing. One of an older version stays without a seal.
    """
    payout = dossier.payout
    if payout.is_intact:
        return payout
    history = read_history(conn, payout.id) if seals.is_known(Form.CHAINED) else None
    belongs = len(dossier.attempts), len(dossier.evidence)
    payout = replace(payout, vouched=Vouched(*belongs, history=history))
    seal_attempts(conn, payout, dossier.attempts, seals)
    return payout


def first_vouching(
    conn: sa.Connection, row: sa.RowMapping, seals: Seals
) -> Mapping[str, object] | None:
    """
    The seal and the counts of a payout's row that an older version wrote, held by its reader.

    What belongs to it is vouched for as well: its messages have their places from now on, and its
    debt is counted. None where someone else holds the debt.
    """
    payout = to_payout(row, seals)
    if not payout.is_intact or not _vouch_for_debt(conn, row["obligation_id"], seals):
        return None
    (dossier,) = read_dossiers(conn, [payout], seals)
    proposed = conn.execute(sa.select(proposals).where(proposals.c.payout_id == payout.id))
    messages = sa.select(evidence).where(evidence.c.payout_id == payout.id)
    found = conn.execute(messages.order_by(evidence.c.id)).mappings().all()
    belongs = len(dossier.attempts), len(found)
    payout = replace(payout, vouched=Vouched(*belongs, history=read_history(conn, payout.id)))
    ids = [message["id"] for message in found]
    seal_attempts(conn, payout, dossier.attempts, seals)
    for proposal in proposed.mappings().all():
        own = sa.update(proposals).where(proposals.c.id == proposal["id"])
        conn.execute(
            own.values(seal=proposal_seal(payout, proposal, known_to(proposal, ids), seals))
        )
    for place, message in enumerate(found, 1):
        placed = {**message, "place": place, "uid": message["uid"] or secrets.token_hex(16)}
        try:
            content = seals.open(evidence.c.sealed_raw, message)
        except SealError:
            continue
        sealed = seals.seal(evidence.c.sealed_raw, placed, content)
        own = sa.update(evidence).where(evidence.c.id == message["id"])
        conn.execute(own.values(place=place, uid=placed["uid"], sealed_raw=sealed))
    return vouched_columns(payout, seals)


def _vouch_for_debt(conn: sa.Connection, obligation_id: int | None, seals: Seals) -> bool:
    """
    Whether a debt's row is vouched for now; someone else may hold it.
    """
    own = sa.select(obligations).where(obligations.c.id == obligation_id)
    row = conn.execute(own.with_for_update(skip_locked=True)).mappings().one_or_none()
    if row is None or row["seal"] is not None:
        return row is not None
    paying = sa.select(sa.func.count()).where(payouts.c.obligation_id == obligation_id)
    counted = replace(to_obligation(row), payout_count=conn.scalar(paying))
    update = sa.update(obligations).where(obligations.c.id == obligation_id)
    conn.execute(update.values(debt_columns(counted, seals)))
    return True


def seal_attempts(
    conn: sa.Connection, payout: Payout, attempts: Sequence[Attempt], seals: Seals
) -> None:
    """
    Vouch for the attempts of a payout as they stand.
    """
    columns = [closed_columns(payout, attempt, seals) for attempt in attempts]
    if columns:
        CLOSE.execute(conn, columns)
