"""
How late questions are asked, and how soon the truth is known where no notification arrives.
"""

import contextlib
import math
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from tests.bench import gateway, product, records, stack
from tests.bench.checkout import THIS
from tests.bench.figures import Result, Samples
from tests.bench.gateway import Gateway
from tests.bench.product import Postgres
from tests.bench.records import Asked
from tests.bench.stack import Stack
from tests.bench.wanted import Wanted

#: Of each payout JD is asked twice: before it is paid, and after.
_QUESTIONS = 2
_AN_HOUR = 100_000
#: JD pays so many first steps after it booked a payout.
_PAID_AT = 1.5
#: More than that rate: what is measured is how late a question is, not how long it must wait.
_PACE = "40/s"
_SWEEP_EVERY = "5s"


def measure(wanted: Wanted, directory: Path) -> Result:
    """
    Pay through a gateway that notifies nobody, and read when it was asked.
    """
    samples = Samples()
    payouts = max(1, wanted.follow_ups // _QUESTIONS)
    seconds = payouts * _QUESTIONS * 3600 / _AN_HOUR
    step = timedelta(seconds=wanted.step)
    ladder = [step, 2 * step, 12 * step]
    for database in wanted.databases:
        folder = directory / database
        with _running(database, folder, ladder) as (near, running):
            jobs = running.enqueue(payouts, product.PAID_LATER, seconds)
            running.wait(product.final_count, len(running.jobs))
            with running.engine.connect() as connection:
                found = records.asked(connection, {job["out_trade_no"] for job in jobs})
            _add(samples, database, ladder, found, _paid_at(near.books()))
    return Result(
        name="follow_ups",
        what=(
            "Payouts whose notifications are all lost: accepted at random times, sent, and asked"
            " about twice, once before JD pays and once after. How long after its due time each"
            " question was asked, by the stored answers; and how long after JD paid, by its books,"
            " and after the first step of the schedule that follows, the final status was written."
        ),
        conditions={
            "questions": payouts * _QUESTIONS,
            "an hour": _AN_HOUR,
            "seconds": round(seconds),
            "steps": ", ".join(f"{one.total_seconds():g} s" for one in ladder),
            "JD pays after": f"{_PAID_AT * wanted.step:g} s",
            "pace of questions": _PACE,
            "sweep_every": _SWEEP_EVERY,
        },
        figures=samples.figures(),
    )


@contextlib.contextmanager
def _running(
    database: str, folder: Path, ladder: Sequence[timedelta]
) -> Iterator[tuple[Gateway, Stack]]:
    folder.mkdir(parents=True)
    settings = {
        "PAYOUTS_FOLLOWUPS": ",".join(f"{step.total_seconds():g}s" for step in ladder),
        "PAYOUTS_QUERY_PACE": _PACE,
        "PAYOUTS_SWEEP_EVERY": _SWEEP_EVERY,
    }
    pay_after = f"{_PAID_AT * ladder[0].total_seconds():g}s"
    with contextlib.ExitStack() as parts:
        near = parts.enter_context(
            gateway.running(folder, "--drop-notifications", "--pay-after", pay_after)
        )
        url = f"sqlite:///{folder}/stack/payouts.sqlite"
        if database == "postgres":
            server = parts.enter_context(Postgres(folder / "postgres"))
            url = server.create_database("follow_ups")
        started = stack.running(THIS, folder / "stack", url, near, settings=settings)
        yield near, parts.enter_context(started)


def _paid_at(books: Mapping[str, Any]) -> Mapping[str, datetime]:
    """
    When JD paid each number, by its books.
    """
    return {
        order["out_trade_no"]: datetime.fromisoformat(order["since"]) for order in books["orders"]
    }


def _add(
    samples: Samples,
    database: str,
    ladder: Sequence[timedelta],
    found: Mapping[str, Asked],
    paid_at: Mapping[str, datetime],
) -> None:
    late = [each for story in found.values() for each in _lateness(story, ladder)]
    pairs = [(story, paid_at[number]) for number, story in found.items()]
    known = [(story.finalized_at - paid).total_seconds() for story, paid in pairs]
    beyond = [
        max(0.0, (story.finalized_at - _due(story, ladder, paid)).total_seconds())
        for story, paid in pairs
    ]
    for named, seconds in (
        ("a question after its due time", late),
        ("final status after JD paid", known),
        ("final status after the next step", beyond),
    ):
        ordered = sorted(seconds)
        for share, name in ((0.5, "median"), (0.99, "99 %"), (1.0, "most")):
            place = max(0, math.ceil(share * len(ordered)) - 1)
            samples.add(f"{database}: {named}, {name}", "s", ordered[place])
    samples.add(f"{database}: questions a payout", "per payout", len(late) / len(found))


def _lateness(story: Asked, ladder: Sequence[timedelta]) -> Iterator[float]:
    """
    The seconds from the time when each question was due until it was asked.

    After each answer the first step is due that the answer did not already cover.
    """
    covered = story.sent_at
    for asked_at in story.questions:
        yield (asked_at - _due(story, ladder, covered)).total_seconds()
        covered = asked_at


def _due(story: Asked, ladder: Sequence[timedelta], after: datetime) -> datetime:
    return next(story.sent_at + step for step in ladder if story.sent_at + step > after)
