"""
The auditor: every planted fault is found, clean books give none, and each fen of a debt has a word.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.sandbox.auditor import Fault, Statement, audit, may_be_said
from worker.sandbox.debts import Job, Outcome, Trade, debts
from worker.sandbox.trade import Status, Step

BEGUN = datetime(2026, 11, 1, tzinfo=UTC)
NOW = BEGUN + timedelta(days=10)
BOUND = timedelta(days=1)
LONG_AGO, JUST_NOW = BEGUN + timedelta(days=1), NOW - timedelta(minutes=1)


def a_job(number: str = "A", amount_fen: int = 100, owed_fen: int | None = None) -> Job:
    """
    A job for the one debt.
    """
    return Job(number, amount_fen, "rent", BEGUN, owed_fen)


def a_trade(
    status: Status, back_fen: int = 0, *, amount_fen: int = 100, at: datetime = LONG_AGO
) -> Trade:
    """
    A trade that took one day to come to its status.
    """
    return Trade(amount_fen, [Step(BEGUN, Status.WPAR), Step(at, status, back_fen)])


def faults(
    jobs: Sequence[Job],
    trades: dict[str, Trade],
    statements: dict[str, Statement],
    rejected: frozenset[str] = frozenset(),
) -> list[tuple[Fault, str]]:
    """
    What the auditor finds, without the words.
    """
    found = audit(jobs, trades, statements, rejected, NOW, BOUND)
    return [(finding.fault, finding.about) for finding in found]


PAID, CLOSED, WAITS = a_trade(Status.FINI), a_trade(Status.CLOS), a_trade(Status.WPAR)


# --- money


@pytest.mark.parametrize(
    ("jobs", "trades", "expected"),
    [
        ([a_job()], {"A": PAID}, {Outcome.PAID_ONCE: 100}),
        ([a_job()], {"A": WAITS}, {Outcome.UNDECIDED: 100}),
        ([a_job()], {"A": CLOSED}, {Outcome.NOT_PAID: 100}),
        ([a_job()], {}, {Outcome.NOT_PAID: 100}),
        ([a_job()], {"A": a_trade(Status.REFU, 100)}, {Outcome.RETURNED: 100}),
        (
            [a_job()],
            {"A": a_trade(Status.REFU, 40)},
            {Outcome.PAID_ONCE: 60, Outcome.RETURNED: 40},
        ),
        (
            [a_job(), a_job("B", 40)],
            {"A": a_trade(Status.REFU, 40), "B": a_trade(Status.FINI, amount_fen=40)},
            {Outcome.PAID_ONCE: 100},
        ),
        ([a_job(), a_job("B")], {"A": CLOSED, "B": PAID}, {Outcome.PAID_ONCE: 100}),
        (
            [a_job("A", 60, 100), a_job("B", 40, 100)],
            {"A": a_trade(Status.FINI, amount_fen=60), "B": a_trade(Status.WPAR, amount_fen=40)},
            {Outcome.PAID_ONCE: 60, Outcome.UNDECIDED: 40},
        ),
        ([a_job("A", 60, 100)], {}, {Outcome.NOT_PAID: 100}),
    ],
    ids=[
        *("paid", "under way", "closed", "not booked", "returned", "partly returned"),
        *("the part replaced", "replaced", "split", "half a split"),
    ],
)
def test_each_fen_of_a_debt_has_a_word(
    jobs: list[Job], trades: dict[str, Trade], expected: dict[Outcome, int]
) -> None:
    """
    Splits, replacements and partial returns are summed in fen.
    """
    (debt,) = debts(jobs, trades, (), NOW).values()

    assert {outcome: fen for outcome, fen in debt.outcomes.items() if fen} == expected
    assert debt.excess_fen == 0


@pytest.mark.parametrize(
    ("jobs", "trades"),
    [
        ([a_job()], {"A": replace(PAID, debits=2)}),
        ([a_job(), a_job("B")], {"A": PAID, "B": PAID}),
        ([a_job(), a_job("B")], {"A": WAITS, "B": PAID}),
        ([a_job(), a_job("B", 41)], {"A": a_trade(Status.REFU, 40), "B": PAID}),
        ([a_job("A", 60, 100), a_job("B", 60, 100)], dict.fromkeys("AB", PAID)),
        ([a_job()], {"A": a_trade(Status.FINI, amount_fen=101)}),
        ([], {"A": PAID}),
    ],
    ids=[
        *("a number twice", "two numbers", "one that may still be paid", "a part too large"),
        *("a split too large", "another amount", "never asked for"),
    ],
)
def test_a_planted_double_is_found(jobs: list[Job], trades: dict[str, Trade]) -> None:
    """
    More went out than is owed, whatever is said of it, and with a case or without.
    """
    said = {number: Statement("paid", has_case=True) for number in trades}

    assert Fault.DOUBLE in {fault for fault, _ in faults(jobs, trades, said)}


def test_names_in_other_letters_are_one_debt() -> None:
    """
    A full-width name pays the same debt.
    """
    jobs = [replace(a_job(), obligation="R1"), replace(a_job("B"), obligation="\uff32\uff11")]

    assert debts(jobs, {"A": PAID, "B": PAID}, (), NOW)["R1"].excess_fen == 100


def test_a_rejected_job_owes_nothing() -> None:
    """
    What it names as owed does not make room for another, and what it paid is too much.
    """
    jobs = [a_job("X", 100, 900), a_job()]

    assert debts(jobs, {"A": PAID}, {"X"}, NOW)["rent"].owed_fen == 100
    found = faults(jobs, {"A": PAID, "X": PAID}, {"A": Statement("paid")}, frozenset("X"))
    assert found == [(Fault.DOUBLE, "rent"), (Fault.UNREPORTED, "X")]


# --- words


def test_a_planted_loss_is_found() -> None:
    """
    A job that is neither a payout nor a rejection; a rejected one is not lost.
    """
    jobs = [a_job(), replace(a_job("B"), obligation="other")]

    assert faults(jobs, {}, {}, frozenset("A")) == [(Fault.LOST, "B")]


@pytest.mark.parametrize(
    ("trade", "said"),
    [
        (PAID, "processing"),
        (PAID, "unknown"),
        (PAID, "refused"),
        (CLOSED, "sending"),
        (WAITS, "unknown"),
        (None, "unknown"),
        (None, "processing"),
    ],
)
def test_a_planted_delay_is_found(trade: Trade | None, said: str) -> None:
    """
    What the books have had for longer than the bound is not said; with a case it is.
    """
    trades = {"A": trade} if trade else {}

    assert faults([a_job()], trades, {"A": Statement(said)}) == [(Fault.LATE, "A")]
    assert faults([a_job()], trades, {"A": Statement(said, has_case=True)}) == []


@pytest.mark.parametrize(
    ("trade", "said"),
    [
        (PAID, Statement("queued")),
        (PAID, Statement("cancelled")),
        (WAITS, Statement("held")),
        (a_trade(Status.REFU, 40), Statement("paid")),
        (a_trade(Status.REFU, 100), Statement("paid", 40)),
        (a_trade(Status.FINI, at=LONG_AGO), None),
        (Trade(100, [Step(BEGUN, Status.CLOS), Step(LONG_AGO, Status.FINI)]), Statement("failed")),
        (Trade(100, [Step(BEGUN, Status.FINI), Step(LONG_AGO, Status.CLOS)]), Statement("paid")),
    ],
    ids=[
        *("queued", "withdrawn", "held", "part came back", "all came back", "nothing"),
        *("paid after a close", "closed after success"),
    ],
)
def test_a_planted_movement_that_nobody_tells_is_found(
    trade: Trade, said: Statement | None
) -> None:
    """
    Money moved, long ago, and what is said has no trace of it.
    """
    assert faults([a_job()], {"A": trade}, {"A": said} if said else {}) == [(Fault.UNREPORTED, "A")]


@pytest.mark.parametrize(
    ("trade", "said"),
    [
        (None, Statement("paid")),
        (None, Statement("failed", 100)),
        (WAITS, Statement("paid")),
        (WAITS, Statement("failed")),
        (PAID, Statement("failed")),
        (PAID, Statement("returned", 100)),
        (PAID, Statement("paid", 1)),
        (PAID, Statement("paid", released=True, returned_fen=1)),
        (a_trade(Status.REFU, 40), Statement("paid", 41)),
        (a_trade(Status.REFU, 40), Statement("returned", 40)),
        (WAITS, Statement("unknown", released=True)),
        (a_trade(Status.FINI, amount_fen=99), Statement("paid")),
    ],
)
def test_a_planted_claim_is_found(trade: Trade | None, said: Statement) -> None:
    """
    More is said than the books ever had: however fresh, and though a person was told.
    """
    trades = {"A": trade} if trade else {}
    found = faults([a_job()], trades, {"A": replace(said, has_case=True)})

    assert set(found) == {(Fault.OVERREPORTED, "A")}


def test_what_nobody_asked_for_is_found() -> None:
    """
    A payout that no job stands behind.
    """
    assert faults([], {}, {"A": Statement("queued")}) == [(Fault.OVERREPORTED, "A")]


def test_within_the_bound_an_older_truth_may_be_said() -> None:
    """
    What has just changed need not be known yet, and what never was may not be said.
    """
    fresh = a_trade(Status.FINI, at=JUST_NOW)

    assert faults([a_job()], {"A": fresh}, {"A": Statement("processing")}) == []
    assert faults([a_job()], {"A": fresh}, {"A": Statement("queued")}) == []
    assert faults([a_job()], {"A": fresh}, {"A": Statement("failed")}) == [
        (Fault.OVERREPORTED, "A")
    ]


def test_what_the_gateway_signed_may_be_said() -> None:
    """
    A gateway that signs what its books do not have cannot be told from one that speaks the truth.
    """
    lied = replace(PAID, told=frozenset({"failed"}))

    assert "failed" in may_be_said(lied, NOW)
    released = Statement("failed", released=True, has_case=True)
    assert faults([a_job()], {"A": lied}, {"A": released}) == []


# --- any books


COURSES: tuple[list[Status], ...] = (
    [Status.WPAR],
    [Status.WPAR, Status.FINI],
    [Status.FINI],
    [Status.WPAR, Status.CLOS],
    [Status.CLOS],
    [Status.WPAR, Status.FINI, Status.REFU],
    [Status.FINI, Status.REFU, Status.REFU],
    [],
)


def says(trade: Trade | None, now: datetime) -> Statement:
    """
    What an honest product says: by a table of the test's own.
    """
    steps = trade.until(now) if trade else ()
    if trade is None or not steps:
        return Statement("queued")
    last = steps[-1]
    back = last.refund_fen
    words = {"WPAR": "processing", "FINI": "paid", "CLOS": "failed", "REFU": "paid"}
    status = "returned" if back == trade.amount_fen else words[last.status.value]
    is_free = status in {"failed", "returned"} or back > 0
    return Statement(status, back, released=is_free)


@st.composite
def worlds(draw: st.DrawFn) -> tuple[list[Job], dict[str, Trade]]:
    """
    A debt with splits, each of which may be replaced by what came back of it.
    """
    parts = draw(st.lists(st.integers(1, 50), min_size=1, max_size=3))
    owed = sum(parts)
    jobs: list[Job] = []
    trades: dict[str, Trade] = {}
    waiting = list(enumerate(parts))
    while waiting:
        place, fen = waiting.pop()
        number = f"{place}.{len(jobs)}"
        jobs.append(Job(number, fen, "rent", BEGUN, owed))
        course = draw(st.sampled_from(COURSES))
        steps, back = [], 0
        for day, status in enumerate(course):
            if status is Status.REFU:
                back = draw(st.integers(max(1, back), fen))
            steps.append(Step(BEGUN + timedelta(days=day), status, back))
        if steps:
            trades[number] = Trade(fen, steps)
            free = fen if course[-1] is Status.CLOS else back
            if free and len(jobs) < 6:
                waiting.append((place, free))
    return jobs, trades


@given(worlds())
def test_clean_books_give_no_finding(world: tuple[list[Job], dict[str, Trade]]) -> None:
    """
    Whoever pays each debt once and says what the books have is found to be at no fault.
    """
    jobs, trades = world
    said = {job.number: says(trades.get(job.number), NOW) for job in jobs}

    assert audit(jobs, trades, said, (), NOW, timedelta(0)) == ()
    (debt,) = debts(jobs, trades, (), NOW).values()
    assert sum(debt.outcomes.values()) == debt.owed_fen


def _spoil(jobs: list[Job], trades: dict[str, Trade]) -> Iterator[tuple[Fault, dict[str, Trade]]]:
    """
    The same books with one payment too many.
    """
    for number, trade in trades.items():
        yield Fault.DOUBLE, {**trades, number: replace(trade, debits=2)}
    for job in jobs:
        more = Trade(
            job.amount_fen + job.owed_fen if job.owed_fen else 0, [Step(BEGUN, Status.FINI)]
        )
        yield Fault.DOUBLE, {**trades, job.number: more}


@given(worlds())
def test_any_payment_too_many_is_found(world: tuple[list[Job], dict[str, Trade]]) -> None:
    """
    Whatever else the books have.
    """
    jobs, trades = world
    for fault, spoilt in _spoil(jobs, trades):
        said = {job.number: says(spoilt.get(job.number), NOW) for job in jobs}
        found = {f.fault for f in audit(jobs, spoilt, said, (), NOW, timedelta(0))}
        assert fault in found


@given(worlds(), st.data())
def test_any_word_left_out_is_found(
    world: tuple[list[Job], dict[str, Trade]], data: st.DataObject
) -> None:
    """
    A payout that is not spoken of is lost, or its money is not reported.
    """
    jobs, trades = world
    gone = data.draw(st.sampled_from(jobs)).number
    said = {job.number: says(trades.get(job.number), NOW) for job in jobs if job.number != gone}
    expected = Fault.UNREPORTED if gone in trades else Fault.LOST

    found = audit(jobs, trades, said, (), NOW, timedelta(0))
    assert [(f.fault, f.about) for f in found] == [(expected, gone)]
