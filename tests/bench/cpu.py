"""
CPU time of a payout, in each process.
"""

import time
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

from tests.bench import cpu_times, product, rig, stack, unsafe
from tests.bench.figures import Result, Samples
from tests.bench.rig import Rig
from tests.bench.stack import Stack
from tests.bench.unsafe import Unsafe
from tests.bench.wanted import Wanted

_SWEEP_EVERY = "0.5s"
#: Whatever takes messages is the worker here: older versions have one process for all of it.
_PARTS = {
    "worker": "worker",
    "sender": "worker",
    "querier": "worker",
    "web": "receiver",
    "beat": "beat",
}


def measure(wanted: Wanted, directory: Path) -> Result:
    """
    Take each process's CPU time before and after some payouts, and what it takes idle off.
    """
    samples = Samples()
    payouts = min(wanted.payouts, 100)
    settings = {"PAYOUTS_SWEEP_EVERY": _SWEEP_EVERY}
    with (
        rig.running(wanted, directory, settings=settings) as ready,
        unsafe.running(directory / "unsafe", ready.gateway) as without,
    ):
        for _ in range(wanted.rounds):
            loop = _measure_loop(samples, without, ready.gateway.pid, payouts)
            for database, running in ready.stacks:
                processes = _processes(ready, database, running)
                total = _measure(samples, database, running, processes, payouts)
                named = running.checkout.named(f"{database}: all together ÷ bare loop")
                samples.add(named, "ratio", total / loop)
    return Result(
        name="cpu",
        what=(
            "CPU time of a payout, children included: accepted, sent, notified, confirmed by one"
            " query. What the same process takes idle, in as much time, is taken off. The bare loop"
            " sends only, and keeps nothing; the sandbox's part of it is counted on both sides."
        ),
        conditions={
            "payouts": payouts,
            "rounds": wanted.rounds,
            "prefork children": stack.CONCURRENCY,
            "sweep_every": _SWEEP_EVERY,
        },
        figures=samples.figures(),
    )


def _processes(ready: Rig, database: str, running: Stack) -> dict[str, list[int]]:
    found: dict[str, list[int]] = defaultdict(list)
    for name, child in running.children.items():
        found[_PARTS[name]].append(child.pid)
    servers = {"broker": running.broker.pid, "sandbox": ready.gateway.pid}
    if ready.server and database == "postgres":
        servers["database"] = ready.server.pid
    return found | {name: [pid] for name, pid in servers.items() if pid is not None}


def _measure_loop(samples: Samples, without: Unsafe, gateway: int, payouts: int) -> float:
    begin = cpu_times.of_tree(gateway)
    own = without.pay_bare(payouts).cpu
    total = (own + cpu_times.of_tree(gateway) - begin) * 1000 / payouts
    samples.add("bare loop: itself", "ms per payout", own * 1000 / payouts)
    samples.add("bare loop: with the sandbox", "ms per payout", total)
    return total


def _measure(
    samples: Samples,
    database: str,
    running: Stack,
    processes: Mapping[str, list[int]],
    payouts: int,
) -> float:
    begin, start = _read(processes), time.monotonic()
    running.pay(payouts, product.PAID_LATER, product.confirmed_count)
    middle, length = _read(processes), time.monotonic() - start
    time.sleep(length)
    end = _read(processes)
    total = 0.0
    for name in processes:
        busy, idle = middle[name] - begin[name], end[name] - middle[name]
        cost = max(0.0, round(busy - idle, 6)) * 1000 / payouts
        total += cost
        samples.add(running.checkout.named(f"{database}: {name}"), "ms per payout", cost)
    samples.add(running.checkout.named(f"{database}: all together"), "ms per payout", total)
    return total


def _read(processes: Mapping[str, list[int]]) -> dict[str, float]:
    return {name: sum(map(cpu_times.of_tree, pids)) for name, pids in processes.items()}
