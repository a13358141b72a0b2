"""
Jobs that come together are accepted in one commit, each as if it had come alone.
"""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy as sa

from tests.contract.samples import MERCHANT, TERMS, a_verified_answer, accepted, an_order
from worker.payouts.acceptance import Entry
from worker.payouts.model import CaseKind
from worker.payouts.status import PayoutStatus
from worker.usecases.ports import Ledger


def job(number: str, **changes: object) -> Entry:
    """
    A job of its own number, and of a debt of its own unless it names one.
    """
    return Entry(an_order(number, **changes))


def test_each_job_becomes_a_payout_of_its_own(ledger: Ledger) -> None:
    """
    Number, amount, debt and history of each are its own, in the order in which they came.
    """
    jobs = [job(f"P-{place}", amount_fen=place) for place in (3, 1, 2)]

    ids = ledger.accept(jobs, TERMS)

    payouts = [ledger.dossier(one).payout for one in ids if one is not None]
    told = [(payout.out_trade_no, payout.amount_fen, payout.obligation) for payout in payouts]
    assert told == [("P-3", 3, "P-3"), ("P-1", 1, "P-1"), ("P-2", 2, "P-2")]
    assert {payout.status for payout in payouts} == {PayoutStatus.QUEUED}
    assert [len(ledger.history(payout.id)) for payout in payouts] == [1, 1, 1]
    assert [ledger.order(payout.id) for payout in payouts] == [entry.order for entry in jobs]
    debts = [ledger.obligation(f"P-{place}") for place in (1, 2, 3)]
    assert [debt and debt.committed_fen for debt in debts] == [1, 2, 3]


def test_no_job_is_no_payout(ledger: Ledger) -> None:
    """
    Nothing comes of nothing.
    """
    assert list(ledger.accept([], TERMS)) == []


def test_a_job_that_cannot_be_is_nobody_elses_trouble(ledger: Ledger) -> None:
    """
    A known number, a number given twice and a debt without room: the others are accepted.
    """
    accepted(ledger, "P-1", obligation="full")

    got = ledger.accept(
        [
            job("P-2"),
            job("P-1", obligation="another"),
            job("P-3", obligation="full"),
            job("P-2", obligation="third"),
            job("P-4"),
            job("P-5", owed_fen=1),
        ],
        TERMS,
    )

    assert [one is not None for one in got] == [True, False, False, False, True, False]
    numbers = sorted(payout.out_trade_no for payout in ledger.payouts(None, 10))
    assert numbers == ["P-1", "P-2", "P-4"]
    # Nothing is left of what was not accepted, above all no debt that nothing pays.
    assert [ledger.obligation(name) for name in ("another", "third", "P-3", "P-5")] == [None] * 4


def test_jobs_that_come_together_share_a_debt_as_if_they_had_come_alone(ledger: Ledger) -> None:
    """
    Of three parts of a debt that has room for two, the first two are accepted.
    """
    parts = [
        job(f"P-{place}", obligation="invoice-7", amount_fen=4_000, owed_fen=10_000)
        for place in (1, 2, 3)
    ]

    got = ledger.accept(parts, TERMS)

    assert [one is not None for one in got] == [True, True, False]
    debt = ledger.obligation("invoice-7")
    assert debt is not None
    assert (debt.owed_fen, debt.committed_fen) == (10_000, 8_000)


def test_one_for_review_is_held_among_others(ledger: Ledger) -> None:
    """
    Those beside it are queued, and have no case.
    """
    listed = Entry(an_order("P-2"), for_review=True)

    ledger.accept([job("P-1"), listed, job("P-3")], TERMS)

    statuses = {payout.out_trade_no: payout.status for payout in ledger.payouts(None, 10)}
    queued, held = PayoutStatus.QUEUED, PayoutStatus.HELD
    assert statuses == {"P-1": queued, "P-2": held, "P-3": queued}
    (case,) = ledger.cases(open_only=True, limit=10)
    assert (case.kind, case.out_trade_no) == (CaseKind.REVIEW, "P-2")


def test_each_takes_up_what_was_notified_of_its_own_number(ledger: Ledger) -> None:
    """
    Two orphans find their payouts, and the third job has none.
    """
    for number in ("P-1", "P-3"):
        ledger.notify(MERCHANT, [a_verified_answer(number=number, raw=number.encode())])

    ids = ledger.accept([job("P-1"), job("P-2"), job("P-3")], TERMS)

    of = [ledger.dossier(one).evidence for one in ids if one is not None]
    assert [[piece.answer.number for piece in pieces] for pieces in of] == [["P-1"], [], ["P-3"]]


@pytest.mark.parametrize("broken", ["INSERT INTO payouts", "INSERT INTO transitions"])
def test_all_are_accepted_or_none(ledger: Ledger, engine: sa.Engine, broken: str) -> None:
    """
    Where the database gives up on the way, nothing is left of any of them.
    """

    def give_up(_conn: object, _cursor: object, statement: str, *_: object) -> None:
        if statement.startswith(broken):
            raise ConnectionError("gone")

    jobs = [job("P-1"), job("P-2")]
    sa.event.listen(engine, "before_cursor_execute", give_up)
    with pytest.raises(ConnectionError):
        ledger.accept(jobs, TERMS)
    sa.event.remove(engine, "before_cursor_execute", give_up)

    assert ledger.payouts(None, 10) == []
    assert [ledger.obligation(name) for name in ("P-1", "P-2")] == [None, None]
    assert None not in ledger.accept(jobs, TERMS)


def test_two_who_accept_at_once_wait_for_no_circle(ledger: Ledger) -> None:
    """
    The same jobs from two sides in opposite order, again and again: each is accepted once.
    """
    start = threading.Barrier(2)

    def take(side: int) -> int:
        accepted = 0
        for turn in range(2):
            jobs = [job(f"P-{side}-{turn}-{n}", obligation=f"D-{turn}-{n}") for n in range(150)]
            start.wait()
            got = ledger.accept(jobs[:: 1 - 2 * side], TERMS)
            accepted += sum(one is not None for one in got)
        return accepted

    with ThreadPoolExecutor(2) as pool:
        assert sum(pool.map(take, range(2))) == 300
