"""
Readable defaults for what a ledger is given.
"""

import dataclasses
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.doubles.clock import telling
from tests.factories import FAST, a_claimant
from worker.payouts.acceptance import Entry
from worker.payouts.claim import Asker
from worker.payouts.evidence import Answer, Meaning, Source, TradeStatus
from worker.payouts.judgement import Judge, Judged
from worker.payouts.model import Attempt, AttemptOutcome, Dossier, Order, Payee, Payout, Terms
from worker.payouts.news import Ending, News, Told, of_reply
from worker.payouts.pace import Pace
from worker.payouts.update import Update
from worker.store.engine import create_engine
from worker.store.installation import ensure_profile
from worker.store.keyring import Keyring
from worker.store.keys import ensure_keyring
from worker.store.migrate import upgrade
from worker.usecases.ports import AcceptanceLedger, Ledger

NOON = datetime(2026, 3, 2, 12, 0, 0, 123456, tzinfo=UTC)
LEASE = timedelta(minutes=3)
KEY = Keyring.generate_key()
KEYRING = Keyring([KEY])
MERCHANT = "360080000000000001"
TERMS = Terms("sandbox", MERCHANT, "http://127.0.0.1:9000", "http://127.0.0.1:9001/notify")
PAYEE = Payee(
    account_no="6222021234567897312",
    account_name="张三丰",
    bank_code="ICBC",
    account_type="P",
    card_type="DE",
    mobile="13812345678",
    id_type="ID",
    id_no="110101199003077758",
)


def migrated(url: str) -> None:
    """
    Prepare a database, leaving no connection behind.
    """
    engine = create_engine(url)
    upgrade(engine)
    ensure_profile(engine, "sandbox")
    engine.dispose()


def keyed(url: str) -> None:
    """
    The same, with the tests' keyring in use, as a process that starts leaves it.
    """
    migrated(url)
    engine = create_engine(url)
    ensure_keyring(engine, KEYRING)
    engine.dispose()


class VirtualClock:
    """
    A database clock that stands still until a test moves it.
    """

    def __init__(self) -> None:
        self.now = NOON
        #: What the ledger takes for the database's time.
        self.told = telling(lambda: self.now)

    def advance(self, **by: float) -> datetime:
        """
        Let time pass, by a timedelta's arguments.
        """
        self.now += timedelta(**by)
        return self.now


def an_order(number: str = "P-1", **changes: Any) -> Order:
    """
    An order that pays what its own number names.
    """
    fields: dict[str, Any] = {
        "out_trade_no": number,
        "amount_fen": 12_345,
        "subject": "张三丰的提现",
        "payee": PAYEE,
        "obligation": number,
        "producer": "shop",
    }
    return Order(**fields | changes)


def a_verified_answer(**changes: Any) -> Answer:
    """
    A verified answer of JD's: in progress, about P-1.
    """
    fields: dict[str, Any] = {
        "verified": True,
        "meaning": Meaning.PROCESSED,
        "code": "0000",
        "merchant": MERCHANT,
        "number": "P-1",
        "amount_fen": 12_345,
        "currency": "CNY",
        "trade_status": TradeStatus.ACSU,
        "trade_no": "JD-1",
        "raw": b'{"trade_status":"ACSU"}',
    }
    return Answer(**fields | changes)


def an_update(payout: Payout, **changes: Any) -> Update:
    """
    The standing that leaves a payout as it is, but for the changes.
    """
    names = {field.name for field in dataclasses.fields(Update)}
    kept = {name: getattr(payout, name) for name in names if hasattr(payout, name)}
    return Update(**{"evidence_id": None} | kept | changes)


def accept(
    ledger: AcceptanceLedger, order: Order, terms: Terms = TERMS, *, for_review: bool = False
) -> int | None:
    """
    Accept one job alone; its payout's id, or None.
    """
    (payout_id,) = ledger.accept([Entry(order, for_review)], terms)
    return payout_id


def accepted(ledger: Ledger, number: str = "P-1", **changes: Any) -> Payout:
    """
    A payout that was just accepted.
    """
    payout_id = accept(ledger, an_order(number, **changes))
    assert payout_id is not None
    return ledger.dossier(payout_id).payout


def in_review(ledger: Ledger, number: str = "P-1", **changes: Any) -> Dossier:
    """
    A payout that was just accepted, and is held for review.
    """
    payout_id = accept(ledger, an_order(number, **changes), for_review=True)
    assert payout_id is not None
    return ledger.dossier(payout_id)


def try_claim(
    ledger: Ledger, payout: Payout, actor: str = "worker-1", request: str = "canonical"
) -> Attempt | None:
    """
    The attempt that a claim gives to someone who would send in any case.
    """
    for claim in ledger.claim([payout.id], a_claimant(request, actor, LEASE)).claims:
        return claim.attempt
    return None


def claimed(ledger: Ledger, payout: Payout) -> Attempt:
    """
    The attempt that a claim must give.
    """
    attempt = try_claim(ledger, payout)
    assert attempt is not None
    return attempt


def applied(ledger: Ledger, payout_id: int, **changes: Any) -> Payout:
    """
    The payout after a settling write that changed what is given.
    """
    ledger.judge(payout_id, a_judge(**changes))
    return ledger.dossier(payout_id).payout


def a_judge(**changes: Any) -> Judge:
    """
    One that leaves a payout as it is, but for the changes.
    """
    return Judge(lambda dossier, _now: an_update(dossier.payout, **changes), "worker-1", 3)


def recorded(
    ledger: Ledger, payout_id: int, source: Source = Source.QUERY, **changes: Any
) -> Dossier:
    """
    What is known once an answer with the given changes was recorded.
    """
    payout = ledger.dossier(payout_id).payout
    record(ledger, payout, source, a_verified_answer(**changes))
    return ledger.dossier(payout_id)


def record(
    ledger: Ledger,
    payout: Payout,
    source: Source,
    answer: Answer,
    *,
    asked_at: datetime | None = None,
    judge: Judge | None = None,
) -> Judged | None:
    """
    Keep what JD told of a payout; without a judge it waits.
    """
    told = Told(source, answer, asked_at=asked_at)
    (judged,) = ledger.take_in([News(payout.id, told=told)], judge)
    return judged


def close_attempt(
    ledger: Ledger,
    attempt: Attempt,
    outcome: AttemptOutcome,
    detail: str,
    answer: Answer | None = None,
    judge: Judge | None = None,
) -> Judged | None:
    """
    Keep how an attempt ended, and JD's reply; without a judge it waits.
    """
    (judged,) = ledger.take_in([of_reply(Ending(attempt, outcome, detail), answer)], judge)
    return judged


def due_queries(
    ledger: Ledger,
    limit: int = 10,
    retry: Callable[[int], timedelta] = lambda _missed: timedelta(minutes=1),
    pace: Pace = FAST,
) -> list[int]:
    """
    The payouts whose follow-up query a claim hands out.
    """
    return [*ledger.claim_due_queries(limit, Asker(MERCHANT, pace, retry)).payout_ids]
