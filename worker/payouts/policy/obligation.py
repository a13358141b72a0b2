"""
What an obligation may still cost: never more is paid, or may be kept, than is owed.

An obligation is a debt with a row of its own; several payouts may share it. What its payees may
keep is asked when a job is accepted, when another payout replaces one, and again before a payout is
claimed, always under the obligation's lock.
"""

import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from worker.payouts.errors import NotAllowed
from worker.payouts.model import Dossier, Obligation, Order, Payout
from worker.payouts.policy.facts import Facts, gather_facts
from worker.payouts.policy.proof import returned_fen, unpaid
from worker.payouts.policy.signs import stands
from worker.payouts.policy.silence import FRESH_WITHIN, is_silent, silent_since


def normalized(name: str) -> str:
    """
    The name by which obligations are compared, in NFKC: full-width and narrow letters are one.
    """
    return unicodedata.normalize("NFKC", name)


def may_keep_fen(dossier: Dossier) -> int:
    """
    What the payee may have, or come to have, of one payout, in fen.

    Nothing if it is proven that nothing is or will be paid; else the amount, less what JD's latest
    answer to a query says came back.
    """
    facts = gather_facts(dossier)
    if unpaid(facts) is not None:
        return 0
    return dossier.payout.amount_fen - returned_fen(facts)


def committed_fen(dossiers: Iterable[Dossier]) -> int:
    """
    What of an obligation is spoken for, in fen.

    Each payout that holds it counts whole, and each released one with what may be kept of it.
    """
    return sum(
        may_keep_fen(d) if d.payout.released_at is not None else d.payout.amount_fen
        for d in dossiers
    )


def is_whole(obligation: Obligation, dossiers: Sequence[Dossier]) -> bool:
    """
    Whether a debt and all its payouts are what was written, and all of them are there.
    """
    if not obligation.is_intact or not all(d.payout.is_intact for d in dossiers):
        return False
    if obligation.payout_count is None:
        # One of an older version: so is one of its payouts, or it has none.
        return not dossiers or any(d.payout.vouched is None for d in dossiers)
    named = {normalized(d.payout.obligation) for d in dossiers}
    return len(dossiers) == obligation.payout_count and named <= {obligation.name}


def check_whole(obligation: Obligation, dossiers: Sequence[Dossier]) -> None:
    """
    Raise `NotAllowed` unless that is so.
    """
    if not is_whole(obligation, dossiers):
        raise NotAllowed(
            "someone wrote to the database beside us: this obligation, or a payout that pays it, is"
            " not what was written"
        )


def left_fen(obligation: Obligation, dossiers: Iterable[Dossier]) -> int:
    """
    What a further payout may pay of an obligation, in fen; below zero if too much is paid already.
    """
    return obligation.owed_fen - committed_fen(dossiers)


def check_fits(obligation: Obligation, dossiers: Iterable[Dossier], order: Order) -> None:
    """
    Raise `NotAllowed` unless an order may pay an obligation beside all its payouts so far.
    """
    for fault in _misjudged(obligation, order):
        raise NotAllowed(fault)
    left = left_fen(obligation, dossiers)
    if order.amount_fen > left:
        raise NotAllowed(f"amount_fen: at most {max(0, left)} fen of this obligation are left")


def _misjudged(obligation: Obligation, order: Order) -> Iterator[str]:
    if order.owed_fen not in {None, obligation.owed_fen}:
        yield f"owed_fen: {obligation.owed_fen} fen are owed, as its first job said"


# --- before a payout is claimed


@dataclass(frozen=True, slots=True)
class Covered:
    """
    Sending it pays no more than is owed, as far as anyone knows.
    """


@dataclass(frozen=True, slots=True)
class AskFirst:
    """
    JD must be asked anew about these older payouts before anything is sent.
    """

    payout_ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Overpaid:
    """
    Sending it could pay more than is owed. `evidence_id` is the newest word about the older ones.
    """

    evidence_id: int | None


Coverage = Covered | AskFirst | Overpaid


def cover(
    payout: Payout, obligation: Obligation, others: tuple[Dossier, ...], now: datetime
) -> Coverage:
    """
    Whether a payout may be sent beside the other payouts of its obligation.

    Those that hold the obligation are counted whole, so JD's word about them cannot make it worse;
    those that were released are asked about first, unless the answer is fresh. JD may have whatever
    was ever tried, a refused payout too.
    """
    if committed_fen(others) + payout.amount_fen > obligation.owed_fen:
        ids = [evidence.id for other in others for evidence in other.evidence]
        return Overpaid(max(ids, default=None))
    released = [d for d in others if d.payout.released_at is not None and d.attempts]
    stale = [d.payout.id for d in released if not is_fresh(gather_facts(d), now)]
    return AskFirst(tuple(stale)) if stale else Covered()


def is_fresh(facts: Facts, now: datetime) -> bool:
    """
    Whether JD has answered a question about this payout that was asked a short while ago.

    Where two people decided because JD's answers say nothing, an answer that says nothing will do;
    and none at all where JD has long been silent, once it was asked.
    """
    if stands(facts) and is_silent(facts, now):
        return True
    at = facts.heard_at if stands(facts) else facts.answered_at
    return at is not None and now - at <= FRESH_WITHIN


# --- before an obligation is freed, or paid by another payout


def check_fresh(dossier: Dossier, now: datetime) -> None:
    """
    Raise `NotAllowed` unless JD was asked anew about a payout that it may have.
    """
    facts = gather_facts(dossier)
    if dossier.attempts and not is_fresh(facts, now):
        answers = "" if stands(facts) and silent_since(facts) is not None else ", and answer"
        raise NotAllowed(
            f"JD must be asked anew first{answers}: `payouts query` asks now, which counts for"
            f" {FRESH_WITHIN.seconds // 60} minutes"
        )


def faults(
    dossier: Dossier, *, out_trade_no: object, obligation: object, amount_fen: object
) -> Iterator[str]:
    """
    What keeps a job from replacing a payout, field by field; never quotes a value.
    """
    payout, most_fen = dossier.payout, dossier.payout.amount_fen - may_keep_fen(dossier)
    if out_trade_no == payout.out_trade_no:
        yield "out_trade_no: must be new, not the old payout's"
    if not isinstance(obligation, str) or normalized(obligation) != normalized(payout.obligation):
        yield "obligation: must be the old payout's, or absent"
    if isinstance(amount_fen, int) and amount_fen > most_fen:
        yield f"amount_fen: must be at most {most_fen} fen, what is left to pay"


def expired(send_before: datetime | None, now: datetime) -> Iterator[str]:
    """
    What is wrong with a job that could not be sent any more.
    """
    if send_before is not None and send_before <= now:
        yield "send_before: this moment has passed"


def check_replacement(
    dossier: Dossier,
    order: Order,
    obligation: Obligation,
    others: tuple[Dossier, ...],
    now: datetime,
) -> None:
    """
    Raise `NotAllowed` unless the order may replace the payout, given its obligation's other ones.
    """
    found = [
        *faults(
            dossier,
            out_trade_no=order.out_trade_no,
            obligation=order.obligation,
            amount_fen=order.amount_fen,
        ),
        *_misjudged(obligation, order),
        *expired(order.send_before, now),
    ]
    left = left_fen(obligation, others) - may_keep_fen(dossier)
    if not found and order.amount_fen > left:
        found.append(f"amount_fen: at most {max(0, left)} fen of this obligation are left to pay")
    if found:
        raise NotAllowed("; ".join(found))
