"""
What holds a payout back in the very transaction that would claim it: deny list and limits.

A producer without limits, and a payee whom nobody denies, cost no statement.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime

import sqlalchemy as sa

from worker.payouts.control_change import Controls
from worker.payouts.hold import Hold
from worker.payouts.model import Dossier, Order, Payee
from worker.payouts.policy.producer_limits import as_of, count, counts, exceeded, is_waived
from worker.store.producer_days import hold_days, known_payees, write_days
from worker.store.seals import Seals

#: A payout that is about to be claimed, and what it pays to whom.
Asked = tuple[Dossier, Order]


def find_claim_holds(
    conn: sa.Connection, asked: Sequence[Asked], controls: Controls, now: datetime, seals: Seals
) -> Mapping[int, Hold]:
    """
    What holds back which of these payouts, by their ids; the others are counted.

    In the order given. Their debts and their rows are held. Raises `BrokenSeal` where a count is
    not what was written.
    """
    denied = {
        dossier.payout.id: Hold.DENIED
        for dossier, order in asked
        if order.payee.account_no in controls.denied
    }
    limited = [
        (dossier, order)
        for dossier, order in asked
        if dossier.payout.id not in denied
        and counts(dossier)
        and dossier.payout.producer in controls.limits
    ]
    return denied | _over_limits(conn, limited, controls, now, seals) if limited else denied


def _over_limits(
    conn: sa.Connection, limited: Sequence[Asked], controls: Controls, now: datetime, seals: Seals
) -> dict[int, Hold]:
    payees: dict[str, list[Payee]] = defaultdict(list)
    for dossier, order in limited:
        payees[dossier.payout.producer].append(order.payee)
    held = hold_days(conn, payees, seals)
    days = {name: as_of(day, now) for name, day in held.items()}
    known = {*known_payees(conn, payees, seals)}
    holds: dict[int, Hold] = {}
    for dossier, order in limited:
        payout, payee = dossier.payout, seals.payee_digest(order.payee)
        limits, day = controls.limits[payout.producer], days[payout.producer]
        is_new = (payout.producer, payee) not in known
        hold = exceeded(limits, day, payout.amount_fen, is_new=is_new)
        if hold is not None and not is_waived(dossier):
            holds[payout.id] = hold
            continue
        known.add((payout.producer, payee))
        days[payout.producer] = count(day, payout.amount_fen, is_new=is_new)
    write_days(conn, [day for name, day in days.items() if day != held[name]], seals)
    return holds
