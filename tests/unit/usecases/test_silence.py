"""
JD never answers a question, and notifies of nothing: each payout finds an end all the same.

Two people end it on proof from outside, once JD has been asked in vain for a day; and until then
they are told what is missing and from when it can be had.
"""

from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.factories import AMOUNT, a_bare, a_trade
from tests.unit.usecases.test_ends import CLOS, FINI, LOST, REFU, REFUSED, WPAR, Desk, desk, handled
from worker.payouts.errors import NotAllowed
from worker.payouts.evidence import Meaning, TradeStatus
from worker.payouts.limits import Limits
from worker.payouts.model import CaseKind
from worker.payouts.policy.actions import Action
from worker.payouts.policy.obligation import may_keep_fen
from worker.payouts.proposal import End
from worker.payouts.status import PayoutStatus
from worker.usecases.audit import Auditor

__all__ = ["desk"]

DAY = 24 * 60


def asked(desk: Desk, *, minutes: float, times: int = 1) -> None:
    """
    Questions so long after one another, which JD never answers.
    """
    for _ in range(times):
        desk.clock.advance(minutes=minutes)
        desk.gateway.answers.append(LOST)
        desk.service.query(desk.payout_id)


def for_a_day(desk: Desk) -> None:
    """
    JD is asked in vain for longer than a day.
    """
    asked(desk, minutes=30, times=2 * 25)


# --- into each status, by what came before the silence


def queued(desk: Desk) -> None:
    """
    Never sent.
    """
    desk.accept()


def held(desk: Desk) -> None:
    """
    Not sent in time.
    """
    desk.accept()
    desk.clock.advance(hours=25)
    handled(desk)


def sending(desk: Desk) -> None:
    """
    Its worker ended amid sending it.
    """
    desk.accept()
    desk.service.sender.claim(desk.payout_id)


def refused(desk: Desk) -> None:
    """
    For a fault of ours, and nothing since.
    """
    desk.send(REFUSED)


def unknown(desk: Desk) -> None:
    """
    Nothing ever.
    """
    desk.send(LOST)


def processing(desk: Desk) -> None:
    """
    JD's reply, and nothing since.
    """
    desk.send(WPAR)


def failed(desk: Desk) -> None:
    """
    Notified, and never told again.
    """
    desk.send(LOST)
    desk.notified(CLOS)


def paid(desk: Desk) -> None:
    """
    Paid, and the bank sends it back: JD does not tell.
    """
    desk.send(FINI)


def returned(desk: Desk) -> None:
    """
    Notified, and never told again.
    """
    desk.send(FINI)
    desk.notified(replace(REFU, refund_fen=AMOUNT))


def cancelled(desk: Desk) -> None:
    """
    Withdrawn.
    """
    desk.accept()
    desk.act(Action.CANCEL)


#: The status, and whether it takes two people; those who never sent it need nobody.
WALKS: list[tuple[Callable[[Desk], None], PayoutStatus, End | None]] = [
    (queued, PayoutStatus.QUEUED, None),
    (held, PayoutStatus.HELD, None),
    (sending, PayoutStatus.SENDING, End.FAILED),
    (refused, PayoutStatus.REFUSED, End.FAILED),
    (unknown, PayoutStatus.UNKNOWN, End.FAILED),
    (processing, PayoutStatus.PROCESSING, End.FAILED),
    (failed, PayoutStatus.FAILED, End.FAILED),
    (paid, PayoutStatus.PAID, End.RETURNED),
    (returned, PayoutStatus.RETURNED, End.RETURNED),
    (cancelled, PayoutStatus.CANCELLED, None),
]


@pytest.mark.parametrize(("into", "status", "end"), WALKS, ids=[w[0].__name__ for w in WALKS])
def test_each_status_has_an_end_though_jd_never_answers(
    desk: Desk, into: Callable[[Desk], None], status: PayoutStatus, end: End | None
) -> None:
    """
    The debt is paid by another payout, and that one may be sent.
    """
    into(desk)
    assert desk.dossier.payout.status is status
    if end is None:
        if status is not PayoutStatus.CANCELLED:
            desk.act(Action.CANCEL)
    else:
        for_a_day(desk)
        _lease_ends(desk)
        _decide(desk, end)
        asked(desk, minutes=1)
    desk.free()

    assert desk.dossier.payout.status.is_final
    assert desk.dossier.open_cases == ()
    assert may_keep_fen(desk.dossier) == 0
    _paid_instead(desk)
    assert Auditor(desk.ledger, Limits()).audit().breaches == ()


def test_every_status_is_walked() -> None:
    """
    A new one cannot be forgotten.
    """
    assert {status for _, status, _ in WALKS} == {*PayoutStatus}


def test_a_day_of_silence_is_waited_for_and_jd_is_asked_to_the_end(desk: Desk) -> None:
    """
    What is missing is said each time, and from when it can be had.
    """
    desk.send(LOST)
    asked(desk, minutes=60)
    since = desk.clock.now
    desk.clock.advance(minutes=DAY - 30)

    def refused() -> tuple[str, object]:
        with pytest.raises(NotAllowed) as told:
            _decide(desk, End.FAILED)
        return str(told.value), told.value.possible_from

    asked(desk, minutes=29)
    told, possible_from = refused()
    assert "asked in vain for 24 hours" in told
    assert possible_from == since.replace(day=since.day + 1)
    desk.clock.advance(minutes=30)
    told, _ = refused()
    assert "silent about it since" in told
    assert "`payouts query` asks now" in told
    for action in (Action.FAIL, Action.RELEASE):
        with pytest.raises(NotAllowed) as missing:
            desk.act(action)
        assert "two people may decide from 2026-03-03 13:00Z on: `payouts decide`" in str(
            missing.value
        )

    asked(desk, minutes=1)
    _decide(desk, End.FAILED)
    desk.clock.advance(minutes=11)
    with pytest.raises(NotAllowed, match="must be asked anew first: `payouts query`"):
        desk.free()
    asked(desk, minutes=0)
    desk.free()


@pytest.mark.parametrize("told", [a_bare(Meaning.NO_RESULT), WPAR], ids=["bare", "a trade"])
def test_whatever_jd_says_ends_its_silence(desk: Desk, told: object) -> None:
    """
    Once it spoke, a day of silence has to pass again.
    """
    desk.send(LOST)
    for_a_day(desk)
    if told is WPAR:
        desk.notified(WPAR)
    else:
        desk.told(a_bare(Meaning.NO_RESULT))
    asked(desk, minutes=20)

    with pytest.raises(NotAllowed, match="asked in vain for 24 hours"):
        _decide(desk, End.FAILED)


def test_what_jd_notifies_counts_at_once(desk: Desk) -> None:
    """
    It answers no question, and is not silent.
    """
    desk.send(LOST)
    for_a_day(desk)
    desk.notified(WPAR)

    with pytest.raises(NotAllowed, match="asked in vain for 24 hours"):
        _decide(desk, End.FAILED)


def test_silence_alone_frees_nothing(desk: Desk) -> None:
    """
    JD closed it twice, and then says nothing for a week: it may say by now that it is paid.
    """
    desk.send(LOST)
    desk.told(CLOS)
    desk.told(CLOS, minutes=25 * 60)
    for _ in range(7):
        for_a_day(desk)

    with pytest.raises(NotAllowed, match="asked anew first, and answer"):
        desk.free()


def test_an_answer_that_does_not_verify_is_none(desk: Desk) -> None:
    """
    JD's words under a wrong key, or anybody's.
    """
    desk.send(LOST)
    for _ in range(50):
        desk.told(replace(FINI, verified=False), minutes=30)

    _decide(desk, End.FAILED)

    assert desk.dossier.payout.status is PayoutStatus.FAILED


def test_what_jd_says_after_all_locks_the_debt_again(desk: Desk) -> None:
    """
    Two people decided in its silence, and it was paid: nothing is paid instead.
    """
    desk.send(LOST)
    for_a_day(desk)
    _decide(desk, End.FAILED)
    desk.notified(FINI)

    assert desk.dossier.payout.status is PayoutStatus.PAID
    assert [case.kind for case in desk.dossier.open_cases] == [CaseKind.CONTRADICTION]
    asked(desk, minutes=1)
    with pytest.raises(NotAllowed):
        desk.free()


def _lease_ends(desk: Desk) -> None:
    desk.ledger.expire_leases(9)
    handled(desk)


def _decide(desk: Desk, end: End) -> None:
    first, second = desk.deciders
    fen = AMOUNT if end is End.RETURNED else None
    second.approve(first.propose(desk.payout_id, end, fen, "SLIP-1", "the slip").id)


def _paid_instead(desk: Desk) -> None:
    """
    JD takes the other payout, and still says nothing of the first one.
    """
    (instead,) = (p for p in desk.ledger.payouts(None, 9) if p.id != desk.payout_id)
    told = a_trade(TradeStatus.FINI, number=instead.out_trade_no)
    desk.gateway.replies.append(told)
    desk.clock.advance(minutes=15)
    desk.service.submit(instead.id)
    if desk.dossier.attempts:
        desk.gateway.answers += [LOST] * 4
        desk.service.ask()
        desk.clock.advance(minutes=1)
        desk.service.send()
    assert desk.ledger.dossier(instead.id).payout.status is PayoutStatus.PAID
