"""
Jobs and payouts that the commands are tried on.
"""

from datetime import timedelta
from typing import Any

from tests.contract.samples import close_attempt, record
from tests.doubles.clock import telling
from tests.factories import a_claimant
from worker.intake import jobs
from worker.payouts.acceptance import Entry
from worker.payouts.evidence import Answer, Meaning, Source, TradeStatus
from worker.payouts.limits import Limits
from worker.payouts.model import Attempt, AttemptOutcome, Terms
from worker.store.ledger import SqlLedger
from worker.usecases.evidence import EvidenceHandler

MERCHANT = "360080000000000001"
TERMS = Terms("sandbox", MERCHANT, "https://127.0.0.1:9000/npp10", "http://127.0.0.1:9001/notify")
NUMBER = "PAYOUT20260302A"
ACCOUNT = "6222021234567897312"
NAME = "张三丰"
SUBJECT = "给张三丰的提现"

#: Nothing of these may ever be shown.
PRIVATE = (ACCOUNT, NAME, SUBJECT, "13812345678", "110101199003077758")


def a_job(number: str = NUMBER, **changes: object) -> dict[str, Any]:
    """
    A job as a producer writes it.
    """
    job = {
        "out_trade_no": number,
        "amount_fen": 1_234_567,
        "payee_account_no": ACCOUNT,
        "payee_account_name": NAME,
        "payee_bank_code": "CMB",
        "payee_account_type": "P",
        "payee_mobile": "13812345678",
        "payee_id_type": "ID",
        "payee_id_no": "110101199003077758",
        "subject": SUBJECT,
    }
    return {**job, **changes}


def an_answer(number: str = NUMBER, **changes: Any) -> Answer:
    """
    A verified answer of JD's: in progress.
    """
    fields: dict[str, Any] = {
        "verified": True,
        "meaning": Meaning.PROCESSED,
        "code": "0000",
        "merchant": MERCHANT,
        "number": number,
        "amount_fen": 1_234_567,
        "currency": "CNY",
        "trade_status": TradeStatus.WPAR,
        "trade_no": "JD1",
        "raw": b"{}",
    }
    return Answer(**fields | changes)


def queued(ledger: SqlLedger, number: str = NUMBER, terms: Terms = TERMS, **changes: object) -> int:
    """
    A payout that was just accepted; its id.
    """
    (payout_id,) = ledger.accept([Entry(jobs.parse(a_job(number, **changes)))], terms)
    assert payout_id is not None
    return payout_id


def answered(ledger: SqlLedger, answer: Answer, number: str = NUMBER, terms: Terms = TERMS) -> int:
    """
    A payout that was sent, and what JD replied; its id.
    """
    payout_id = queued(ledger, number, terms=terms)
    attempt = claimed(ledger, payout_id)
    close_attempt(ledger, attempt, AttemptOutcome.ANSWERED, answer.code, answer)
    handler(ledger).apply(payout_id)
    return payout_id


def claimed(ledger: SqlLedger, payout_id: int) -> Attempt:
    """
    The attempt of a worker that is sending the payout right now.
    """
    (claim,) = ledger.claim([payout_id], a_claimant()).claims
    return claim.attempt


def handler(ledger: SqlLedger) -> EvidenceHandler:
    """
    What judges evidence.
    """
    return EvidenceHandler(ledger, MERCHANT, Limits(), "worker")


def undecided(ledger: SqlLedger, number: str, terms: Terms = TERMS) -> int:
    """
    A payout of which JD has told no end for two days, and just now: two people may decide; its id.
    """
    ago = ledger.now() - timedelta(days=2)
    before = SqlLedger(ledger._engine, ledger.seals.keyring, telling(lambda: ago))
    payout_id = answered(before, an_answer(number), number, terms)
    payout = ledger.dossier(payout_id).payout
    record(ledger, payout, Source.QUERY, an_answer(number), asked_at=ledger.now())
    handler(ledger).apply(payout_id)
    return payout_id
