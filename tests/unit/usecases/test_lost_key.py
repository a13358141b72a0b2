"""
A key of the keyring is lost: what was sealed with it hurts itself alone.
"""

from collections.abc import Sequence

import pytest

from tests.contract.samples import accept
from tests.doubles.clock import telling
from tests.doubles.usecases import UseCases
from tests.doubles.world import Clock, ScriptedGateway
from tests.factories import MERCHANT, TERMS, a_trade, an_order
from worker.payouts.errors import NotAllowed
from worker.payouts.evidence import TradeStatus
from worker.payouts.invariants import Invariant
from worker.payouts.judgement import Judge, Judged
from worker.payouts.limits import Limits
from worker.payouts.model import CaseKind
from worker.payouts.news import News
from worker.payouts.policy.actions import Action
from worker.payouts.status import PayoutStatus
from worker.store.keyring import Keyring
from worker.store.ledger import SqlLedger
from worker.usecases.audit import Auditor
from worker.usecases.evidence import EvidenceHandler
from worker.usecases.operate import Operator


def sealed_with_a_lost_key(ledger: SqlLedger, clock: Clock, count: int) -> list[int]:
    """
    Payouts that were accepted under a key which nobody has any more.
    """
    lost = SqlLedger(ledger._engine, Keyring([Keyring.generate_key()]), telling(clock))
    found = [accept(lost, an_order(f"LOST{place:04}"), TERMS) for place in range(count)]
    return [payout_id for payout_id in found if payout_id is not None]


def test_so_many_rows_without_a_key_keep_out_no_healthy_one(
    ledger: SqlLedger, service: UseCases, gateway: ScriptedGateway, clock: Clock
) -> None:
    """
    101 of them are due before it, and it is sent by the same wake-up; each has a case, and no more.
    """
    lost = sealed_with_a_lost_key(ledger, clock, 101)
    clock.advance(seconds=1)
    healthy = accept(ledger, an_order("HEALTHY0001"), TERMS)
    assert healthy is not None
    gateway.replies = [a_trade(TradeStatus.ACSU, number="HEALTHY0001")]

    more: float | None = 0.0
    while more is not None:
        taken = service.sender.take(50)
        for work in taken.works:
            work()
        more = taken.more_after

    assert ledger.dossier(healthy).payout.status is PayoutStatus.PROCESSING
    assert [n.partition("@")[0] for n in gateway.sent] == ["HEALTHY0001"]
    cases = ledger.cases(open_only=True, limit=200)
    assert sorted(case.payout_id or 0 for case in cases) == lost
    assert {case.kind for case in cases} == {CaseKind.UNREADABLE}
    assert list(ledger.find_due_sends(MERCHANT, 200)) == []


def test_a_row_without_a_key_is_looked_at_and_left_to_two_people(
    ledger: SqlLedger, handler: EvidenceHandler, clock: Clock
) -> None:
    """
    What lists takes no key. But nothing vouches for what it says: it may have been paid.
    """
    (lost,) = sealed_with_a_lost_key(ledger, clock, 1)
    healthy = accept(ledger, an_order("HEALTHY0001"), TERMS)
    assert healthy is not None

    assert [p.id for p in ledger.payouts(None, 10)] == [healthy, lost]
    assert ledger.unreadable([lost, healthy]) == {lost}
    breaches = Auditor(ledger, Limits()).audit().breaches
    assert {(b.invariant, b.out_trade_no) for b in breaches} == {
        (Invariant.I14_AS_WRITTEN, "LOST0000")
    }
    clock.advance(hours=25)
    handler.apply(lost)
    with pytest.raises(NotAllowed, match="two people may decide"):
        Operator(ledger, "cli:mei").act(Action.CANCEL, lost, "the key is gone")

    dossier = ledger.dossier(lost)
    assert dossier.payout.status is PayoutStatus.QUEUED
    assert [case.kind for case in dossier.open_cases] == [CaseKind.TAMPERED]


@pytest.mark.parametrize("limit", [1, 2])
def test_what_cannot_be_judged_keeps_out_no_other(
    ledger: SqlLedger, service: UseCases, monkeypatch: pytest.MonkeyPatch, limit: int
) -> None:
    """
    The sweep's limit counts what it did: a row that fails each time does not use it up.
    """
    ids = [accept(ledger, an_order(f"ORDER{place:04}"), TERMS) for place in range(3)]
    for place in range(3):
        answer = a_trade(TradeStatus.ACSU, number=f"ORDER{place:04}", raw=b"%d" % place)
        ledger.notify(MERCHANT, [answer])
    take_in = ledger.take_in

    def stumbling(news: Sequence[News], judge: Judge | None = None) -> Sequence[Judged | None]:
        if any(one.payout_id == ids[0] for one in news):
            raise ValueError("a row that no rule expects")
        return take_in(news, judge)

    monkeypatch.setattr(ledger, "take_in", stumbling)

    service.sweep(limit)

    waiting = [any(e.applied_at is None for e in ledger.dossier(n or 0).evidence) for n in ids]
    assert waiting == [True, False, False]
