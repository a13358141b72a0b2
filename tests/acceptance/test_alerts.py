"""
What whoever is on call is told of real processes: at once, once, and nothing where all is well.
"""

import contextlib
import functools
import json
import os
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import sqlalchemy as sa

from tests.acceptance.conftest import PATIENCE, open_ledger
from tests.waiting import until
from worker.demo.stack import HURRIED, HURRIED_SANDBOX, Stack, running
from worker.demo.story import Actor, cast, enqueue
from worker.payouts.status import PayoutStatus
from worker.processes import COMMANDS
from worker.store.engine import create_engine

#: Faults are alerts after three seconds here.
LIMITS = {"PAYOUTS_LATE_LIMIT": "3s", "PAYOUTS_SILENCE_LIMIT": "3s"}


@contextlib.contextmanager
def a_service(copies: int = 1, **settings: str) -> Iterator[Stack]:
    """
    A stack with short limits, once a sweep has ended. Those who sweep log as they are deployed.
    """
    with (
        tempfile.TemporaryDirectory(prefix="payouts-alerts-") as folder,
        running(
            Path(folder),
            database="postgres",
            settings={**HURRIED, **LIMITS, **settings},
            sandbox=HURRIED_SANDBOX,
            copies=copies,
        ) as stack,
    ):
        for name in [name for name in stack.children if name.startswith("worker")]:
            stack.kill(name)
            stack.start(name, *COMMANDS["worker"], f"--hostname={name}@%h", "--loglevel=INFO")
        until(lambda: told(stack) == set(), PATIENCE)
        yield stack
        for child in stack.children.values():
            child.kill()


def told(stack: Stack) -> set[str]:
    """
    The alerts that `payouts alerts` tells just now.
    """
    done = subprocess.run(
        [sys.executable, "-m", "worker", "alerts", "--json"],
        env={**os.environ, **stack.environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        check=False,
    )
    return {alert["kind"] for alert in json.loads(done.stdout)["alerts"]}


def lines(stack: Stack, action: str) -> Counter[str]:
    """
    How many lines of a kind the logs of all processes have, by the alert.
    """
    found: Counter[str] = Counter()
    for log in stack.directory.glob("*.log"):
        for line in log.read_text(encoding="utf-8").splitlines():
            if line.startswith("{") and json.loads(line).get("action") == action:
                found[json.loads(line)["alert"]] += 1
    return found


def is_ready(log: Path) -> bool:
    """
    Whether a worker has said that it is.
    """
    return "ready." in log.read_text(encoding="utf-8")


def paid(stack: Stack, actors: list[Actor]) -> int:
    """
    How many of them are paid.
    """
    with contextlib.closing(open_ledger(stack)) as ledger:
        merchant = stack.environment["PAYOUTS_CUSTOMER_NO"]
        found = [ledger.find(merchant, actor.out_trade_no) for actor in actors]
    return sum(payout is not None and payout.status is PayoutStatus.PAID for payout in found)


def paid_at_once(count: int) -> list[Actor]:
    """
    Payouts that nothing goes wrong with, each with a number of its own.
    """
    return [next(a for a in cast() if a.scenario.name == "paid_at_once") for _ in range(count)]


def test_nothing_is_told_under_healthy_load() -> None:
    """
    A hundred payouts at the default pace, told of none; nor is there a line in the logs.

    A wake-up may wait for as long as the sender works off what the one before it found: 20 s.
    """
    actors = paid_at_once(100)
    seen: set[str] = set()
    with a_service(copies=2, PAYOUTS_LATE_LIMIT="25s") as stack:
        enqueue(stack.broker.url, actors)

        def is_over() -> bool:
            seen.update(told(stack))
            return paid(stack, actors) == len(actors)

        until(is_over, PATIENCE)
        seen |= told(stack)
        begun = lines(stack, "alert_begins")

    assert seen == set()
    assert not begun


def test_sweeps_that_fail_are_told_once_by_several_workers() -> None:
    """
    They are begun, and counted, and never end; the lines come once though three workers sweep.
    """
    with a_service(copies=3) as stack:
        engine = create_engine(stack.environment["PAYOUTS_DATABASE_URL"])
        with engine.begin() as conn:
            conn.execute(sa.text("ALTER TABLE transitions RENAME TO transitions_away"))
        until(lambda: told(stack) == {"silence"}, PATIENCE)
        until(lambda: lines(stack, "alert_begins")["silence"], PATIENCE)
        with engine.begin() as conn:
            conn.execute(sa.text("ALTER TABLE transitions_away RENAME TO transitions"))
        engine.dispose()
        until(lambda: told(stack) == set(), PATIENCE)
        until(lambda: lines(stack, "alert_ends")["silence"], PATIENCE)
        begun, over = lines(stack, "alert_begins"), lines(stack, "alert_ends")

    assert (begun, over) == ({"silence": 1}, {"silence": 1})


def test_a_queue_that_nobody_reads_is_told_until_somebody_does() -> None:
    """
    The sender is gone: its wake-up lies there, and nothing is sent.
    """
    actors = paid_at_once(1)
    with a_service() as stack:
        stack.kill("sender")
        enqueue(stack.broker.url, actors)
        until(lambda: told(stack) == {"unread", "late_sends"}, PATIENCE)
        stack.start("sender")
        until(lambda: told(stack) == set(), PATIENCE)
        until(lambda: paid(stack, actors) == 1, PATIENCE)


def test_nobody_sweeps_and_nobody_accepts() -> None:
    """
    The worker is gone, beat goes on: sweeps pile up, and so do jobs.
    """
    actors = paid_at_once(1)
    with a_service() as stack:
        stack.kill("worker")
        enqueue(stack.broker.url, actors)
        until(lambda: told(stack) == {"silence", "unread"}, PATIENCE)
        stack.start("worker")
        until(lambda: told(stack) == set(), PATIENCE)


def test_a_worker_that_never_stays_is_told() -> None:
    """
    A wrong password for the pfx: it says so in one line, ends, and its supervisor tries again.
    """
    with a_service() as stack:
        stack.kill("querier")
        stack.environment.pop("PAYOUTS_PFX_PASSWORD_FILE")
        stack.environment["PAYOUTS_PFX_PASSWORD"] = "wrong"
        # It has started once when all was well.
        for _ in range(4):
            assert "restarts" not in told(stack)
            stack.start("querier").wait(PATIENCE)
        until(lambda: "restarts" in told(stack), PATIENCE)


def test_nothing_is_logged_while_nothing_happens() -> None:
    """
    At level INFO, as it is deployed, twenty sweeps leave no line: a day is under any limit.
    """
    with a_service() as stack, contextlib.closing(open_ledger(stack)) as ledger:
        for name in ("sender", "querier"):
            stack.kill(name)
            stack.start(name, *COMMANDS[name], "--loglevel=INFO")
        stack.kill("beat")
        schedule = str(stack.directory / "beat")
        stack.start("beat", *COMMANDS["beat"], "--schedule", schedule, "--loglevel=INFO")
        logs = {name: child.log for name, child in stack.children.items()}
        for name in ("worker", "sender", "querier"):
            until(functools.partial(is_ready, logs[name]), PATIENCE)
        begun = ledger.sweep_count().sweeps
        until(lambda: ledger.sweep_count().sweeps > begun, PATIENCE)
        before = {name: log.read_text() for name, log in logs.items()}
        until(lambda: ledger.sweep_count().sweeps > begun + 20, PATIENCE)
        after = {name: log.read_text() for name, log in logs.items()}

    assert after == before
