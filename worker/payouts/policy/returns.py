"""
What JD said came back (退票), and where that makes no sense.
"""

from worker.payouts.evidence import Evidence, Source, TradeStatus
from worker.payouts.policy.facts import Facts


def returns(facts: Facts) -> tuple[Evidence, ...]:
    """
    Every return that JD told of, oldest first.
    """
    told = (t.evidence for t in facts.trades)
    return tuple(e for e in told if e.answer.trade_status is TradeStatus.REFU)


def odd_amounts(facts: Facts) -> tuple[Evidence, ...]:
    """
    Returns of no amount, of zero, of too much, or of less than before; amounts without a return.
    """
    whole = facts.payout.amount_fen
    odd = [e for e in returns(facts) if not 0 < fen(e) <= whole]
    odd += [
        t.evidence
        for t in facts.trades
        if t.evidence.answer.trade_status is not TradeStatus.REFU and t.evidence.answer.refund_fen
    ]
    found = {e.id: e for e in (*odd, *shrunken(facts))}
    return tuple(found[evidence_id] for evidence_id in sorted(found))


def shrunken(facts: Facts) -> tuple[Evidence, ...]:
    """
    What tells that less came back than JD had told before: amounts add up, and never fall.

    A question that is answered with success alone tells that nothing did.
    """
    whole = facts.payout.amount_fen
    back = [e for e in returns(facts) if 0 < fen(e) <= whole]
    told = (t.evidence for t in facts.trades)
    paid = (e for e in told if e.answer.trade_status is TradeStatus.FINI)
    less = (*back, *(e for e in paid if e.source is Source.QUERY))
    return tuple(
        e for e in less if any(fen(e) < fen(other) and other.as_of < e.as_of for other in back)
    )


def fen(evidence: Evidence) -> int:
    """
    The amount that a message says came back; zero if it names none.
    """
    return evidence.answer.refund_fen or 0
