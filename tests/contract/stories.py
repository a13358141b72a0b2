"""
How payouts come to the desk: each story is lived through the use cases that judge evidence.
"""

from tests.contract.samples import (
    MERCHANT,
    VirtualClock,
    a_verified_answer,
    accepted,
    claimed,
    close_attempt,
    record,
)
from worker.payouts.evidence import Answer, Meaning, Source, TradeStatus
from worker.payouts.limits import Limits
from worker.payouts.model import AttemptOutcome, Case, Dossier, Payout
from worker.payouts.policy.actions import Action, decide
from worker.usecases.evidence import EvidenceHandler
from worker.usecases.ports import Ledger

LIMITS = Limits()


def judged(ledger: Ledger, payout: Payout) -> Dossier:
    """
    All that is known of a payout once it was judged.
    """
    EvidenceHandler(ledger, MERCHANT, LIMITS, "worker").apply(payout.id)
    return ledger.dossier(payout.id)


def stale(ledger: Ledger, clock: VirtualClock, number: str = "P-1", **changes: object) -> Dossier:
    """
    A payout that could not be sent for more than a day, and is held.
    """
    payout = accepted(ledger, number, **changes)
    clock.advance(hours=24, minutes=1)
    return judged(ledger, payout)


def replied(ledger: Ledger, payout: Payout, answer: Answer) -> Dossier:
    """
    A payout that was sent, and JD's reply to that.
    """
    attempt = claimed(ledger, payout)
    close_attempt(ledger, attempt, AttemptOutcome.ANSWERED, answer.code, answer)
    return judged(ledger, payout)


def refused(ledger: Ledger, number: str = "P-1", **changes: object) -> Dossier:
    """
    A payout whose only attempt JD refused for a fault of ours.
    """
    refusal = Answer(verified=True, meaning=Meaning.REQUEST, code="ILLEGAL_ARGUMENT", raw=b"no")
    return replied(ledger, accepted(ledger, number, **changes), refusal)


def asked(ledger: Ledger, clock: VirtualClock, payout: Payout, answer: Answer) -> Dossier:
    """
    What is known after JD's answer to a query that is asked now.
    """
    record(ledger, payout, Source.QUERY, answer, asked_at=clock.now)
    return judged(ledger, payout)


def partly_returned(
    ledger: Ledger, clock: VirtualClock, payout: Payout, refund_fen: int
) -> Dossier:
    """
    A payout that was paid, and of which the bank sent a part back, as a query says.
    """
    paid = {"number": payout.out_trade_no, "amount_fen": payout.amount_fen}
    replied(ledger, payout, a_verified_answer(trade_status=TradeStatus.FINI, **paid))
    clock.advance(hours=48)
    part = a_verified_answer(trade_status=TradeStatus.REFU, refund_fen=refund_fen, **paid)
    return asked(ledger, clock, payout, part)


def withdrawn(ledger: Ledger, payout: Payout) -> Dossier:
    """
    A payout that an operator withdrew before it was sent.
    """
    dossier = ledger.dossier(payout.id)
    ledger.carry_out(dossier, decide(Action.CANCEL, dossier, "mei", "wrong card"))
    return ledger.dossier(payout.id)


def cases_of(ledger: Ledger, payout_id: int) -> list[Case]:
    """
    All cases of a payout, closed ones too, oldest first.
    """
    found = ledger.cases(open_only=False, limit=100)
    return [case for case in reversed(found) if case.payout_id == payout_id]
