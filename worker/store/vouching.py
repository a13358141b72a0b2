"""
Seals that vouch for rows: of debts, payouts, attempts and proposals.

A payout's row says how much belongs to it, and a debt's how many payouts: so what was taken away is
missed, and what was put beside it is one too many. Where a payout's row has no seal, nothing that
belongs to it has one.
"""

from typing import Any

import sqlalchemy as sa

from worker.payouts.history import History
from worker.payouts.model import Attempt, Obligation, Payout
from worker.payouts.vouching import Vouched
from worker.store.bindings import ATTEMPT, OBLIGATION, PROVEN, STATE
from worker.store.keyring import Form, form_of
from worker.store.people_tables import proposals
from worker.store.seals import Row, Seals
from worker.store.tables import attempts, obligations, payouts


def vouched(row: sa.RowMapping, seals: Seals) -> Vouched | None:
    """
    What vouches for a payout's row; None for one of an older version, which nothing does.
    """
    counts = row["attempt_count"] or 0, row["message_count"] or 0
    if row["seal"] is not None:
        history = None if row["history"] is None else History.parse(row["history"])
        return Vouched(*counts, seals.vouches(payouts.c.seal, row), history)
    # What an older version sealed is all that shows its row to be one: nobody can write that.
    if is_vouched_for(row) or not seals.vouches(payouts.c.sealed_payee, row):
        return Vouched(*counts, holds=False)
    return None


def is_vouched_for(row: Row) -> bool:
    """
    Whether a payout's row goes with a seal, by how its payee is sealed.
    """
    return form_of(row["sealed_payee"]) >= Form.VOUCHED


def is_chained(row: Row) -> bool:
    """
    Whether a payout's row ends the chain of its history, by how its payee is sealed.
    """
    return form_of(row["sealed_payee"]) >= Form.CHAINED


def vouched_columns(payout: Payout, seals: Seals) -> dict[str, Any]:
    """
    The seal of a row as it will be, and the counts; nothing where it has none.

    A row that is not what was written keeps the one that does not fit: it shall never pass for ours
    again.
    """
    if payout.vouched is None or not payout.vouched.holds:
        return {}
    counts: dict[str, Any] = {
        "attempt_count": payout.vouched.attempts,
        "message_count": payout.vouched.messages,
    }
    if payout.vouched.history is not None:
        counts["history"] = str(payout.vouched.history)
    facts = {
        name: getattr(payout.terms if hasattr(payout.terms, name) else payout, name)
        for name in (*STATE, *PROVEN)
        if name not in counts
    }
    return {**counts, "seal": seals.vouch(payouts.c.seal, {**facts, **counts})}


def is_ours(row: sa.RowMapping, seals: Seals) -> bool:
    """
    Whether a debt's row is what was written, as far as it tells itself.
    """
    if row["seal"] is None:
        return row["payout_count"] is None
    return seals.vouches(obligations.c.seal, row)


def debt_columns(obligation: Obligation, seals: Seals) -> dict[str, Any]:
    """
    The seal of a debt's row as it will be, and the count; nothing where it has none.
    """
    if obligation.payout_count is None or not obligation.is_intact:
        return {}
    facts = {name: getattr(obligation, name) for name in OBLIGATION}
    return {
        "payout_count": obligation.payout_count,
        "seal": seals.vouch(obligations.c.seal, facts),
    }


def attempt_seal(payout: Payout, attempt: Attempt, seals: Seals) -> bytes | None:
    """
    The seal of an attempt's row; None where its payout has none.
    """
    if payout.vouched is None:
        return None
    facts = {name: getattr(attempt, name) for name in ATTEMPT if hasattr(attempt, name)}
    return seals.vouch(attempts.c.seal, {**_named(payout), **facts})


def is_attempt_of(payout: Payout, row: sa.RowMapping, seals: Seals) -> bool:
    """
    Whether an attempt's row is what was written of this payout.
    """
    if payout.vouched is None:
        return True
    own = {**row, **_named(payout)}
    return row["seal"] is not None and seals.vouches(attempts.c.seal, own)


def proposal_seal(payout: Payout, row: Row, known: int, seals: Seals) -> bytes | None:
    """
    The seal of a proposal's row; None where its payout has none.

    `known` is how many messages there were when it was proposed: by their ids alone nobody knows.
    """
    if payout.vouched is None:
        return None
    return seals.vouch(proposals.c.seal, {**row, **_named(payout)}, str(known))


def is_proposal_of(payout: Payout, row: Row, known: int, seals: Seals) -> bool:
    """
    Whether a proposal's row is what was written of this payout, after so many messages.
    """
    if payout.vouched is None:
        return True
    own = {**row, **_named(payout)}
    return row["seal"] is not None and seals.vouches(proposals.c.seal, own, str(known))


def _named(payout: Payout) -> dict[str, str]:
    return {"customer_no": payout.terms.customer_no, "out_trade_no": payout.out_trade_no}
