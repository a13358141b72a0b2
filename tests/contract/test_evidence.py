"""
Evidence and the decisions made from it.
"""

from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest
import sqlalchemy as sa

from tests.contract import stories
from tests.contract.samples import (
    MERCHANT,
    NOON,
    VirtualClock,
    a_verified_answer,
    accepted,
    an_update,
    applied,
    claimed,
    close_attempt,
    due_queries,
    record,
    recorded,
)
from worker.payouts.errors import IllegalMove
from worker.payouts.evidence import Answer, Meaning, Source
from worker.payouts.judgement import Judge
from worker.payouts.model import Attempt, AttemptOutcome, CaseKind, Dossier
from worker.payouts.status import PayoutStatus, Reason
from worker.payouts.update import CaseNote, Update
from worker.store.ledger import SqlLedger
from worker.store.tables import cases
from worker.usecases.ports import Ledger


def test_evidence_comes_back_as_it_was(ledger: SqlLedger) -> None:
    """
    An answer is stored with its circumstances, unapplied, raw bytes and all.
    """
    payout = accepted(ledger)
    attempt = claimed(ledger, payout)
    answer = a_verified_answer(raw=b"\x00\xff", refund_fen=0, traded_at=NOON, reason_code="R1")

    close_attempt(ledger, attempt, AttemptOutcome.ANSWERED, "0000", answer)

    (piece,) = ledger.dossier(payout.id).evidence
    assert piece.answer == answer
    assert (piece.source, piece.attempt_id, piece.asked_at) == (Source.REPLY, attempt.id, NOON)
    assert (piece.received_at, piece.applied_at) == (NOON, None)


def test_no_message_is_too_odd_to_be_stored(ledger: SqlLedger) -> None:
    """
    A character that a database cannot hold is written as an escape; the raw bytes are kept as is.
    """
    odd: dict[str, Any] = {
        "code": "a\x00b",
        "reason_code": "\ud800",
        "trade_no": "交易\\x00",
        "raw": b"a\x00b",
    }

    (piece,) = recorded(ledger, accepted(ledger).id, **odd).evidence

    answer = piece.answer
    assert (answer.code, answer.reason_code) == ("a\\x00b", "\\ud800")
    assert (answer.trade_no, answer.raw) == ("交易\\x00", b"a\x00b")


def test_evidence_is_judged_in_the_transaction_that_stores_it(ledger: Ledger) -> None:
    """
    The judge sees the newest piece, and what it decides is committed together with it.
    """
    payout = accepted(ledger)
    seen: list[Dossier] = []

    def decide(dossier: Dossier, now: datetime) -> Update:
        seen.append(dossier)
        return an_update(dossier.payout, status=PayoutStatus.PROCESSING, next_send_at=None)

    judge = Judge(decide, "worker-1", 3)
    judged = record(ledger, payout, Source.QUERY, a_verified_answer(), judge=judge)

    assert judged is not None
    assert seen == [judged.dossier]
    assert [piece.answer for piece in judged.dossier.evidence] == [a_verified_answer()]
    after = ledger.dossier(payout.id)
    assert after.payout.status is PayoutStatus.PROCESSING
    assert after.evidence[0].applied_at == NOON


def test_what_cannot_be_judged_leaves_nothing_behind(ledger: Ledger) -> None:
    """
    Evidence, row and attempt are as they were: whoever stored it may store it unjudged.
    """
    payout = accepted(ledger)
    attempt = claimed(ledger, payout)
    before = ledger.dossier(payout.id)

    def fails(dossier: Dossier, now: datetime) -> Update:
        raise RuntimeError

    judge = Judge(fails, "worker-1", 3)
    answer = a_verified_answer()
    with pytest.raises(RuntimeError):
        record(ledger, payout, Source.QUERY, answer, judge=judge)
    with pytest.raises(RuntimeError):
        close_attempt(ledger, attempt, AttemptOutcome.ANSWERED, "0000", answer, judge)

    assert ledger.dossier(payout.id) == before


def test_a_repeated_notification_is_stored_once(ledger: SqlLedger) -> None:
    """
    The same bytes about the same payout are one piece of evidence, and no news.
    """
    payout = accepted(ledger)
    once = recorded(ledger, payout.id, Source.NOTIFICATION)

    assert recorded(ledger, payout.id, Source.NOTIFICATION) == once


@pytest.mark.parametrize(
    ("source", "change"),
    [
        (Source.NOTIFICATION, {"raw": b"other bytes"}),
        # The certificate was wrong when it first came.
        (Source.NOTIFICATION, {"verified": False}),
        # Every answer to a question of ours counts, even the same one.
        (Source.QUERY, {}),
    ],
)
def test_news_is_stored(ledger: SqlLedger, source: Source, change: dict[str, object]) -> None:
    """
    Another body, another verdict on its signature, or another answer is another piece.
    """
    payout = accepted(ledger)
    recorded(ledger, payout.id, source)

    assert len(recorded(ledger, payout.id, source, **change).evidence) == 2


def test_the_misses_are_as_was_decided(ledger: SqlLedger, clock: VirtualClock) -> None:
    """
    Evidence by itself ends no follow-up step: what was made of it does.
    """
    payout = accepted(ledger)
    applied(ledger, payout.id, next_query_at=NOON)
    due_queries(ledger, 10, lambda _: clock.now - NOON)

    assert recorded(ledger, payout.id, Source.QUERY).payout.query_misses == 1
    assert applied(ledger, payout.id, query_misses=0).query_misses == 0


def test_an_orphan_opens_a_case(ledger: SqlLedger) -> None:
    """
    A notification about a number that we do not have is kept and shown to a person, once.
    """
    answer = a_verified_answer(number="P-404")
    ledger.notify(MERCHANT, [answer])
    ledger.notify(MERCHANT, [answer])
    ledger.notify(MERCHANT, [a_verified_answer(number="P-404", raw=b"more")])

    (case,) = ledger.cases(open_only=True, limit=10)

    assert (case.kind, case.payout_id) == (CaseKind.ORPHAN, None)
    assert (case.customer_no, case.out_trade_no, case.opened_at) == (MERCHANT, "P-404", NOON)
    assert ledger.find_unapplied(10) == []


def test_an_orphan_that_is_accepted_later_hears_its_notification(ledger: SqlLedger) -> None:
    """
    The orphan's trace does not keep the same notification from the payout that comes after it.
    """
    ledger.notify(MERCHANT, [a_verified_answer()])
    payout = accepted(ledger)

    assert len(recorded(ledger, payout.id, Source.NOTIFICATION).evidence) == 1


def test_an_orphan_that_names_no_merchant_is_its_receivers(ledger: SqlLedger) -> None:
    """
    It verified with that merchant's key, so the merchant's job under its number hears it.
    """
    ledger.notify(MERCHANT, [a_verified_answer(merchant=None)])

    assert len(ledger.dossier(accepted(ledger).id).evidence) == 1


def test_a_notification_whose_payout_came_meanwhile_is_no_orphan(ledger: SqlLedger) -> None:
    """
    It is judged with the payout that has its number, whoever looked for that before.
    """
    payout = accepted(ledger)
    judge = Judge(lambda dossier, _now: an_update(dossier.payout), "receiver", 9)

    (judged,) = ledger.notify(MERCHANT, [a_verified_answer()], judge=judge)

    assert judged is not None
    assert len(ledger.dossier(payout.id).evidence) == 1
    assert ledger.cases(open_only=True, limit=10) == []


def test_a_repeated_orphan_is_stored_once(ledger: SqlLedger) -> None:
    """
    The payout that comes after it takes up one notification, however often that came.
    """
    for _ in range(2):
        ledger.notify(MERCHANT, [a_verified_answer()])

    assert len(ledger.dossier(accepted(ledger).id).evidence) == 1


def test_a_standing_is_written_whole(ledger: SqlLedger, clock: VirtualClock) -> None:
    """
    Settling writes every field, the transition with its source, and the evidence as applied.
    """
    payout = accepted(ledger)
    dossier = recorded(ledger, payout.id, Source.NOTIFICATION)
    evidence_id = dossier.evidence[0].id
    now = clock.advance(seconds=1)
    changes: dict[str, Any] = {
        "status": PayoutStatus.PAID,
        "reason": Reason.PAID,
        "exposed": True,
        "trade_no": "JD-1",
        "returned_fen": 45,
        "finalized_at": now,
        "next_send_at": None,
        "next_query_at": clock.advance(days=1),
    }

    after = applied(ledger, payout.id, evidence_id=evidence_id, **changes)

    expected = replace(dossier.payout, version=3, updated_at=clock.now, **changes)
    assert after == expected
    assert ledger.dossier(payout.id).evidence[0].applied_at == clock.now
    move = ledger.history(payout.id)[-1]
    assert (move.from_status, move.to_status) == (PayoutStatus.QUEUED, PayoutStatus.PAID)
    assert (move.evidence_id, move.learnt_from) == (evidence_id, Source.NOTIFICATION)


def test_a_standing_without_a_move_has_no_transition(ledger: SqlLedger) -> None:
    """
    A new reason or date alone is no move.
    """
    payout = accepted(ledger)

    after = applied(ledger, payout.id, next_query_at=NOON)

    assert after.version == 2
    assert len(ledger.history(payout.id)) == 1


def test_an_illegal_move_is_refused(ledger: SqlLedger) -> None:
    """
    A move that the table does not allow is not written.
    """
    payout = accepted(ledger)
    paid = applied(ledger, payout.id, status=PayoutStatus.PAID, next_send_at=None)

    with pytest.raises(IllegalMove):
        applied(ledger, payout.id, status=PayoutStatus.FAILED)

    assert ledger.dossier(payout.id).payout == paid


def test_replaying_the_transitions_gives_the_status(ledger: SqlLedger) -> None:
    """
    Each transition begins where the one before it ended, and the last ends where the payout is.
    """
    payout = accepted(ledger)
    claimed(ledger, payout)
    for status in (PayoutStatus.UNKNOWN, PayoutStatus.PROCESSING, PayoutStatus.PAID):
        applied(ledger, payout.id, status=status)

    replayed = None
    for move in ledger.history(payout.id):
        assert move.from_status is replayed
        replayed = move.to_status

    assert replayed is ledger.dossier(payout.id).payout.status


def test_a_case_opens_once(ledger: SqlLedger) -> None:
    """
    One case of a kind is open, however often it is noted; it names the newest evidence.
    """
    payout = accepted(ledger)
    evidence_id = recorded(ledger, payout.id).evidence[0].id
    for note in (CaseNote(CaseKind.MISMATCH), CaseNote(CaseKind.MISMATCH, evidence_id)):
        applied(ledger, payout.id, cases=(note, note))

    (case,) = ledger.dossier(payout.id).open_cases

    named = (case.kind, case.payout_id, case.evidence_id)
    assert named == (CaseKind.MISMATCH, payout.id, evidence_id)
    assert (case.customer_no, case.out_trade_no) == (MERCHANT, "P-1")


def test_a_closed_case_opens_again_for_new_evidence_only(
    ledger: SqlLedger, engine: sa.Engine
) -> None:
    """
    What a person closed stays closed, until another piece of evidence says the same.
    """
    payout = accepted(ledger)
    for _ in range(2):
        first, *rest = recorded(ledger, payout.id).evidence
    applied(ledger, payout.id, cases=(CaseNote(CaseKind.MISMATCH, first.id),))
    with engine.begin() as conn:
        conn.execute(sa.update(cases).values(closed_at=NOON))

    applied(ledger, payout.id, cases=(CaseNote(CaseKind.MISMATCH, first.id),))
    assert ledger.cases(open_only=True, limit=10) == []

    applied(ledger, payout.id, cases=(CaseNote(CaseKind.MISMATCH, rest[0].id),))
    (again,) = ledger.cases(open_only=True, limit=10)
    assert again.evidence_id == rest[0].id
    newest, oldest = ledger.cases(open_only=False, limit=10)
    assert (newest, oldest.closed_at) == (again, NOON)


REFUSED = Answer(verified=True, meaning=Meaning.PAYEE, code="ILLEGAL_BANK_CARD_NO", raw=b"no")


def test_a_refusal_of_a_lost_claim_leaves_its_payout_to_be_sent(ledger: Ledger) -> None:
    """
    The database went back behind the claim: of the payout as it stands now JD has said nothing.
    """
    payout = accepted(ledger)
    lost = Attempt(77, payout.id, 1, "of-a-lost-claim", NOON)
    close_attempt(ledger, lost, AttemptOutcome.ANSWERED, REFUSED.code, REFUSED)
    dossier = stories.judged(ledger, payout)

    assert (dossier.payout.status, dossier.payout.exposed) == (PayoutStatus.QUEUED, False)
    ((kept, applied),) = ((e.attempt_id, e.applied_at) for e in dossier.evidence)
    assert kept is None
    assert applied is not None
    assert ledger.find_unapplied(10) == []


def test_a_refusal_of_a_lost_claim_does_not_answer_the_next_with_its_id(ledger: Ledger) -> None:
    """
    Ids are given anew then, tokens are not: what is on the wire may have arrived.
    """
    attempt = claimed(ledger, accepted(ledger))
    lost = replace(attempt, lease_token="of-a-lost-claim")
    close_attempt(ledger, lost, AttemptOutcome.ANSWERED, REFUSED.code, REFUSED)
    assert ledger.dossier(attempt.payout_id).payout.lease_token == attempt.lease_token
    close_attempt(ledger, attempt, AttemptOutcome.NO_ANSWER, "read_timeout")
    payout = stories.judged(ledger, ledger.dossier(attempt.payout_id).payout).payout

    assert (payout.status, payout.exposed) == (PayoutStatus.UNKNOWN, True)
