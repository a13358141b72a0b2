"""
What becomes of payouts that are in flight when everything is killed with -9.
"""

import contextlib
import math
import os
import signal
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.bench import gateway, processes, product, records, stack
from tests.bench.checkout import HERE, THIS
from tests.bench.figures import Result, Samples
from tests.bench.gateway import Gateway
from tests.bench.product import Child, Postgres
from tests.bench.stack import Stack
from tests.bench.wanted import Wanted

_SWEEP_SECONDS = 5.0
_ACCOUNTED_SECONDS = 600.0


def measure(wanted: Wanted, directory: Path) -> Result:
    """
    Kill everything but the gateway, start it again, and follow each row to its end.
    """
    samples = Samples()
    for database in wanted.databases:
        _kill(samples, wanted, directory / database, database)
    return Result(
        name="kill",
        what=(
            "Everything of ours is killed with -9 while so many payouts are in flight, each owned"
            " by a lease: worker, senders, querier, beat, receiver, broker and database. Senders"
            " are the product's, behind a gateway that takes every fifth request and answers"
            " none; then all is started again as it is deployed. A row is accounted for once it"
            " no longer counts as being sent. No notification arrives: every end is learnt by"
            " asking, and what never reached the gateway is sent again after two answers that say"
            " so. The gateway's books are audited at the end."
        ),
        conditions={
            "in flight": wanted.killed,
            "sender processes": _crew(wanted.killed),
            "lease": f"{wanted.lease:g} s",
            "sweep_every": f"{_SWEEP_SECONDS:g} s",
            "breaker": "off",
        },
        figures=samples.figures(),
    )


def _kill(samples: Samples, wanted: Wanted, folder: Path, database: str) -> None:
    folder.mkdir(parents=True)
    crew, payouts = _crew(wanted.killed), wanted.killed
    settings = _settings(wanted.lease)
    with contextlib.ExitStack() as parts:
        near = parts.enter_context(gateway.running(folder, "--drop-notifications"))
        url, server = f"sqlite:///{folder}/payouts.sqlite", None
        if database == "postgres":
            # Each process has up to four connections.
            most = {"max_connections": str(100 + 4 * crew)}
            server = parts.enter_context(Postgres(folder / "postgres", most))
            url = server.create_database("killed")
        with stack.running(THIS, folder / "before", url, near, settings=settings) as before:
            leases, silent = _send(before, folder, payouts, crew)
            killed_at = _now()
            _kill_all([*before.children.values(), silent], before, server)
        booked = len(leases.keys() & {order["out_trade_no"] for order in near.books()["orders"]})
        samples.add(f"{database}: in flight", "payouts", len(leases))
        samples.add(f"{database}: of them in the gateway's books", "payouts", booked)
        if server:
            server.stop()
            server.start()
        with stack.running(THIS, folder / "after", url, near, settings=settings) as after:
            runs_at = _now()
            moved = _wait_for_all(after, leases)
            _accounted(samples, f"{database}: ", leases, moved, killed_at, runs_at)
            last = _since(killed_at, max(moved.values()))
            beyond = max(0.0, last - wanted.lease)
            samples.add(f"{database}: last row accounted for, after the kill", "s", last)
            samples.add(f"{database}: beyond one lease after the kill", "s", beyond)
            after.wait(product.final_count, len(before.jobs) + len(after.jobs))
            samples.add(
                f"{database}: all have their final status after", "s", _since(killed_at, _now())
            )
            findings = _audit(url, settings, near, [*before.jobs, *after.jobs])
            samples.add(f"{database}: numbers or debts paid twice", "payouts", findings[0])
            samples.add(f"{database}: other findings of the auditor", "payouts", findings[1])


def _settings(lease: float) -> Mapping[str, str]:
    """
    Settings under which everything but the lease comes after it.
    """
    deadline, steps = 0.6 * lease, (1.6 * lease, 5 * lease, 25 * lease)
    return {
        "PAYOUTS_KEYRING": product.new_key(),
        "PAYOUTS_SWEEP_EVERY": f"{_SWEEP_SECONDS:g}s",
        "PAYOUTS_HTTP_DEADLINE": f"{deadline:g}s",
        "PAYOUTS_LEASE_MARGIN": f"{lease - deadline:g}s",
        "PAYOUTS_FOLLOWUPS": ",".join(f"{step:g}s" for step in steps),
        "PAYOUTS_RESEND_GAPS": f"{0.2 * lease:g}s,{0.8 * lease:g}s",
        # All requests end without an answer, so it would stop the sending.
        "PAYOUTS_BREAKER_LEAST": str(10**9),
    }


def _crew(payouts: int) -> int:
    return math.ceil(payouts / product.MOST_IN_FLIGHT)


def _send(
    before: Stack, folder: Path, payouts: int, crew: int
) -> tuple[Mapping[str, datetime], Child]:
    """
    Have so many payouts in flight; return until when each is owned, and who owns them.
    """
    before.children["sender"].kill()
    before.enqueue(payouts, product.PAID_AT_ONCE)
    before.wait(lambda connection: records.count(connection, "queued"), payouts)
    silent = Child(
        [THIS.program("python"), "-m", "tests.bench.silent", str(crew)],
        log=folder / "silent.log",
        env=before.environment,
        cwd=HERE,
    )
    try:
        before.wait(lambda connection: records.count(connection, "sending"), payouts)
        with before.engine.connect() as connection:
            return records.leases(connection), silent
    except BaseException:
        silent.kill()
        raise


def _kill_all(children: Sequence[Child], before: Stack, server: Postgres | None) -> None:
    for child in children:
        child.kill()
    before.broker.kill()
    if server and server.pid:
        for process in processes.tree(server.pid):
            with contextlib.suppress(ProcessLookupError):
                os.kill(process.pid, signal.SIGKILL)


def _wait_for_all(after: Stack, leases: Mapping[str, datetime]) -> Mapping[str, datetime]:
    """
    When each of those rows stopped counting as being sent; after a while, of those that did.
    """
    deadline = time.monotonic() + _ACCOUNTED_SECONDS
    while True:
        with after.engine.connect() as connection:
            left = leases.keys() & records.leases(connection).keys()
            moved = records.moved_on(connection)
        if not left or time.monotonic() > deadline:
            return {number: at for number, at in moved.items() if number in leases}
        time.sleep(1.0)


def _accounted(
    samples: Samples,
    named: str,
    leases: Mapping[str, datetime],
    moved: Mapping[str, datetime],
    killed_at: datetime,
    runs_at: datetime,
) -> None:
    late = sorted(_since(max(leases[number], runs_at), at) for number, at in moved.items())
    samples.add(f"{named}everything runs again after", "s", _since(killed_at, runs_at))
    samples.add(f"{named}rows not accounted for", "payouts", len(leases) - len(moved))
    for share, name in ((0.5, "median"), (0.99, "99 %"), (1.0, "most")):
        place = max(0, math.ceil(share * len(late)) - 1)
        samples.add(f"{named}after its own lease, {name}", "s", late[place])


def _audit(
    url: str, settings: Mapping[str, str], near: Gateway, jobs: Sequence[product.Job]
) -> tuple[int, int]:
    with product.open_ledger(url, settings["PAYOUTS_KEYRING"]) as ledger:
        return ledger.audit(near.books(), jobs)


def _now() -> datetime:
    return datetime.now(UTC)


def _since(begin: datetime, end: datetime) -> float:
    return max(0.0, (end - begin) / timedelta(seconds=1))
