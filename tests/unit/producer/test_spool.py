"""
The spool: what is put into it goes out until it is answered, whoever dies on the way.
"""

import functools
import itertools
import json
import stat
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.contract.samples import TERMS
from tests.factories import an_order
from tests.unit.producer.conftest import WriteKey
from tests.unit.producer.dying import ACCEPTED, FIRST, SECOND, take
from tests.unit.producer.opening import SHARED, open_shared
from worker.payouts.acceptance import Conflict
from worker.payouts.job_keys import JobKey, KeyKind
from worker.payouts.person import Person
from worker.payouts.policy.provenance import refusal
from worker.payouts.sealed_job import Claims
from worker.producer import Accepted, Producer, Refused, Spool, Undecided, Unusable

NOON = datetime(2026, 11, 28, 12, tzinfo=UTC)


class Worker:
    """
    A payout worker behind an HTTP API or a queue: what it was asked for, and what it answers.
    """

    def __init__(self) -> None:
        self.claims: list[dict[str, Any]] = []
        self.answer: Callable[[str], Accepted | None] = lambda _: None

    @property
    def numbers(self) -> list[str]:
        """
        What it was asked to pay, in that order.
        """
        return [claims["job"]["out_trade_no"] for claims in self.claims]

    def pay(self, sealed: str) -> Accepted | None:
        """
        Hear of it; then answer.
        """
        _, claims = open_shared(sealed)
        self.claims.append(claims)
        return self.answer(claims["job"]["out_trade_no"])


class Clock:
    """
    A clock that stands still until it is moved.
    """

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        """
        What time it is.
        """
        return self.now


@pytest.fixture
def clock() -> Clock:
    """
    Noon.
    """
    return Clock()


@pytest.fixture
def spool(tmp_path: Path, written: WriteKey, clock: Clock) -> Spool:
    """
    An empty one, whose waits are as long as they can be.
    """
    producer = Producer.load(written(SHARED), clock)
    return Spool(str(tmp_path / "jobs.sqlite"), producer, lambda: 1.0)


@pytest.fixture
def worker() -> Worker:
    """
    One behind a queue.
    """
    return Worker()


def told(kind: str, number: str | None, **data: object) -> dict[str, Any]:
    """
    An event, as docs/events.md has it.
    """
    return {"id": "1", "type": kind, "data": {"out_trade_no": number, **data}}


def rejected_seal(
    *, profile: str = "sandbox", is_good: bool = True, now: datetime = NOON
) -> Conflict:
    """
    Why the worker does not take a sealed job, by its own rules.
    """
    person = Person(1000, "mei")
    approved = NOON if is_good else None
    key = JobKey("shop.1", KeyKind.SHARED, "shop", bytes(32), person, NOON, person, approved)
    terms = replace(TERMS, profile=profile)
    claims = Claims(an_order(), TERMS.customer_no, "sandbox", NOON, NOON + timedelta(days=1))
    found = refusal(key, claims, terms, now)
    assert found is not None
    return found


def raising(fault: Exception) -> Callable[[str], Accepted | None]:
    """
    An answer that is none.
    """

    def answer(_number: str) -> Accepted | None:
        raise fault

    return answer


def test_a_yes_ends_it(spool: Spool, worker: Worker) -> None:
    """
    The job has been sent once, as it was put.
    """
    worker.answer = lambda number: Accepted({"out_trade_no": number}, is_new=True)
    spool.put(FIRST)
    assert spool.answers() == {"WITHDRAW0001": None}
    spool.send(worker.pay)
    spool.send(worker.pay)

    assert [claims["job"] for claims in worker.claims] == [FIRST]
    assert spool.answers() == {"WITHDRAW0001": "accepted"}


def test_a_no_ends_it(spool: Spool, worker: Worker) -> None:
    """
    It is kept, and why; the next job goes out none the less.
    """
    worker.answer = raising(Refused("expired", "its last moment has passed"))
    spool.put(FIRST)
    spool.put(SECOND)
    spool.send(worker.pay)

    assert worker.numbers == ["WITHDRAW0001", "WITHDRAW0002"]
    assert set(spool.answers().values()) == {"refused: expired: its last moment has passed"}


def test_neither_is_told_and_keeps_it(spool: Spool, worker: Worker, clock: Clock) -> None:
    """
    It goes out again, under the same number, and does not hold up others for good.
    """
    worker.answer = raising(Undecided("503 is neither a yes nor a no"))
    spool.put(FIRST)
    spool.put(SECOND)
    for _ in range(2):
        with pytest.raises(Undecided, match="503"):
            spool.send(worker.pay)
    assert worker.numbers == ["WITHDRAW0001", "WITHDRAW0002"]

    clock.now += timedelta(seconds=5)
    worker.answer = lambda number: Accepted({"out_trade_no": number}, is_new=False)
    spool.send(worker.pay)
    assert worker.numbers == ["WITHDRAW0001", "WITHDRAW0002"] * 2
    assert set(spool.answers().values()) == {"accepted"}


def test_waits_grow_to_ten_minutes(spool: Spool, worker: Worker, clock: Clock) -> None:
    """
    And each repetition is sealed anew, so that it never comes too late.
    """
    spool.put(FIRST)
    for _ in range(3600):
        spool.send(worker.pay)
        clock.now += timedelta(seconds=1)
    sent = [datetime.fromisoformat(claims["issued"]) for claims in worker.claims]
    waits = [(after - before).seconds for before, after in itertools.pairwise(sent)]

    assert waits == [5, 10, 20, 40, 80, 160, 320, 600, 600, 600, 600]
    assert all(claims["job"] == FIRST for claims in worker.claims)
    assert all(
        datetime.fromisoformat(claims["expires"]) - at == timedelta(days=1)
        for claims, at in zip(worker.claims, sent, strict=True)
    )


def test_waits_are_spread(tmp_path: Path, written: WriteKey, clock: Clock, worker: Worker) -> None:
    """
    From half as long on, so that not all producers come at once after an outage.
    """
    producer = Producer.load(written(SHARED), clock)
    spool = Spool(str(tmp_path / "spread.sqlite"), producer, lambda: 0.0)
    spool.put(FIRST)
    spool.send(worker.pay)
    clock.now += timedelta(seconds=2.4)
    spool.send(worker.pay)
    assert len(worker.claims) == 1

    clock.now += timedelta(seconds=0.1)
    spool.send(worker.pay)
    assert len(worker.claims) == 2


def test_a_clock_that_was_wrong_puts_nothing_off_for_long(
    spool: Spool, worker: Worker, clock: Clock
) -> None:
    """
    It was a year ahead, for a while.
    """
    spool.put(FIRST)
    clock.now += timedelta(days=365)
    spool.send(worker.pay)
    clock.now = NOON
    spool.send(worker.pay)

    assert len(worker.claims) == 2


@pytest.mark.parametrize("kind", ["payout.accepted", "payout.paid", "obligation.freed"])
def test_an_event_of_a_payout_is_a_yes(spool: Spool, worker: Worker, kind: str) -> None:
    """
    Whichever comes first.
    """
    spool.put(FIRST)
    spool.hear(told(kind, "WITHDRAW0001"))
    spool.send(worker.pay)

    assert worker.claims == []
    assert spool.answers() == {"WITHDRAW0001": "accepted"}


def test_a_rejection_is_a_no_unless_it_was_accepted(spool: Spool) -> None:
    """
    One repetition may come too late where another was in time, and be told of first.
    """
    spool.put(FIRST)
    spool.hear(told("job.rejected", "WITHDRAW0001", faults=["invalid", "amount_fen: too low"]))
    assert spool.answers() == {"WITHDRAW0001": "refused: invalid, amount_fen: too low"}
    spool.hear(told("payout.accepted", "WITHDRAW0001"))
    assert spool.answers() == {"WITHDRAW0001": "accepted"}
    spool.hear(told("job.rejected", "WITHDRAW0001", faults=["number_reused"]))
    assert spool.answers() == {"WITHDRAW0001": "accepted"}


@pytest.mark.parametrize(
    "refusals",
    [{"profile": "live"}, {"is_good": False}, {"now": NOON + timedelta(days=2)}],
    ids=["misdirected", "key not good", "expired"],
)
def test_a_rejection_of_the_seal_is_none_of_the_job(
    spool: Spool, worker: Worker, refusals: dict[str, Any]
) -> None:
    """
    As the worker words it: the job goes out again, under a new seal.
    """
    found = rejected_seal(**refusals)
    spool.put(FIRST)
    spool.hear(told("job.rejected", "WITHDRAW0001", faults=[found.reason, *found.faults]))
    assert spool.answers() == {"WITHDRAW0001": None}

    spool.send(worker.pay)
    assert worker.numbers == ["WITHDRAW0001"]


def test_events_of_others_are_taken(spool: Spool) -> None:
    """
    Of a number that it does not have, or of none.
    """
    spool.put(FIRST)
    spool.hear(told("payout.paid", "ANOTHERS0001"))
    spool.hear({"id": "1", "type": "job.rejected", "data": {"faults": ["undecodable"]}})

    assert spool.answers() == {"WITHDRAW0001": None}


def test_a_number_is_one_job(spool: Spool, worker: Worker) -> None:
    """
    The same may be put again, in whatever order it is written; another is refused.
    """
    spool.put(FIRST)
    spool.put(dict(reversed(FIRST.items())))
    with pytest.raises(Unusable, match="WITHDRAW0001 is the number of another job"):
        spool.put({**FIRST, "amount_fen": 1})
    spool.send(worker.pay)

    assert [claims["job"] for claims in worker.claims] == [FIRST]


def test_what_is_answered_is_known_no_more(spool: Spool, tmp_path: Path) -> None:
    """
    Of a payee nothing is left, so nobody can say whether it is the same job.
    """
    spool.put({**FIRST, "payee_account_name": "张三"})
    spool.hear(told("payout.accepted", "WITHDRAW0001"))
    with pytest.raises(Unusable, match="one that was answered"):
        spool.put({**FIRST, "payee_account_name": "张三"})

    assert "张三".encode() not in (tmp_path / "jobs.sqlite").read_bytes()
    assert b"\\u5f20" not in (tmp_path / "jobs.sqlite").read_bytes()


@pytest.mark.parametrize("job", [{}, {"out_trade_no": 1.5}, {"out_trade_no": None}])
def test_a_job_without_a_number_is_refused(spool: Spool, job: dict[str, Any]) -> None:
    """
    Since nothing could be asked for again.
    """
    with pytest.raises(Unusable, match="out_trade_no"):
        spool.put(job)

    assert spool.answers() == {}


def test_its_file_is_its_owners(spool: Spool, tmp_path: Path) -> None:
    """
    It holds what is known of payees.
    """
    spool.put(FIRST)

    assert {stat.S_IMODE(path.stat().st_mode) for path in tmp_path.glob("jobs*")} == {0o600}


def lines(path: Path) -> list[str]:
    """
    Those of a file, if it is there.
    """
    return path.read_text().splitlines() if path.exists() else []


def test_a_producer_that_dies_at_each_effect_loses_nothing(
    tmp_path: Path, written: WriteKey
) -> None:
    """
    What was put is there, goes out with the same content only, and is answered in the end.
    """
    key = written(SHARED)
    subprocess.run([sys.executable, "-m", "tests.unit.producer.dying", tmp_path, key], check=True)
    later = Producer.load(key, lambda: datetime.now(UTC) + timedelta(minutes=1))
    died: list[str] = []
    for folder in tmp_path.glob("life*"):
        died += lines(folder / "died")[:1]
        spool, put = Spool(f"{folder}/jobs.sqlite", later), lines(folder / "put")
        assert set(put) <= set(spool.answers())
        for job in (FIRST, SECOND):
            if job["out_trade_no"] not in put:
                spool.put(job)
        spool.send(functools.partial(take, folder))
        taken = [json.loads(line) for line in lines(folder / "taken")]
        assert FIRST in taken
        assert SECOND in taken
        assert all(job in (FIRST, SECOND) for job in taken)
        spool.hear(ACCEPTED)
        assert spool.answers() == {"WITHDRAW0001": "accepted", "WITHDRAW0002": "accepted"}

    kinds = [effect.split()[0] for effect in died]
    assert kinds.count("COMMIT") == kinds.count("after") >= 7
    assert (kinds.count("INSERT"), kinds.count("send"), kinds.count("answer")) == (2, 2, 2)
    assert kinds.count("UPDATE") == 4
