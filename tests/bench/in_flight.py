"""
How much memory requests take that wait for a gateway: of the product, and of Celery without it.
"""

import contextlib
import importlib.util
from pathlib import Path
from urllib.parse import urlsplit

from tests.bench import gateway, processes, product, stack, unsafe
from tests.bench.checkout import THIS
from tests.bench.errors import CannotMeasure
from tests.bench.figures import Result, Samples
from tests.bench.gateway import Gateway
from tests.bench.product import Postgres
from tests.bench.wanted import Wanted
from tests.waiting import until

_OPTION = "--latency"
_MOST_ROUNDS = 2
_SWEEP_EVERY = "0.5s"
_PATIENCE_SECONDS = 60.0
#: Pools of one process that come with no library of ours; measured where they are installed.
_POOLS = {"threads": "threading", "gevent": "gevent"}


def measure(wanted: Wanted, directory: Path) -> Result:
    """
    Let requests pile up at a gateway that takes its time, and see what their processes grow to.
    """
    if not gateway.takes(_OPTION):
        raise CannotMeasure(f"`payouts sandbox` of this checkout knows no {_OPTION}")
    samples = Samples()
    rounds = min(wanted.rounds, _MOST_ROUNDS)
    pools = [pool for pool, module in _POOLS.items() if importlib.util.find_spec(module)]
    for place in range(rounds):
        folder = directory / str(place)
        with gateway.running(folder, _OPTION, wanted.hanging) as near:
            _ours(samples, wanted, folder, near)
            for pool in pools:
                idle, busy = _unsafe(folder, near, pool, wanted.in_flight)
                named = f"unsafe Celery task, {pool}"
                samples.add(f"{named}: idle", "MB", idle)
                samples.add(
                    f"{named}: {wanted.in_flight} in flight", "MB above idle", max(0.0, busy - idle)
                )
            _prefork(samples, wanted, folder, near)
    return Result(
        name="in_flight",
        what=(
            "Memory of requests that wait for the gateway's answer: the proportional set size of a"
            " process and its children, after a few requests, and above that once so many are in"
            " flight at the same time. The unsafe task has neither database nor ledger; gevent is"
            " measured where it is installed. Prefork has a child for each request: what one more"
            " takes is the difference between a few and more of them, by their number."
        ),
        conditions={
            "in flight": wanted.in_flight,
            "latency": wanted.hanging,
            "rounds": rounds,
            "prefork children": ", ".join(map(str, wanted.children)),
        },
        figures=samples.figures(),
    )


def _ours(samples: Samples, wanted: Wanted, folder: Path, near: Gateway) -> None:
    database = wanted.databases[0]
    with contextlib.ExitStack() as parts:
        url = f"sqlite:///{folder}/stack/payouts.sqlite"
        if database == "postgres":
            server = parts.enter_context(Postgres(folder / "postgres"))
            url = server.create_database("in_flight")
        settings = {"PAYOUTS_SWEEP_EVERY": _SWEEP_EVERY}
        running = parts.enter_context(
            stack.running(THIS, folder / "stack", url, near, settings=settings)
        )
        pids = {name: running.children[name].pid for name in ("sender", "querier")}
        idle = {name: processes.memory(pid) for name, pid in pids.items()}
        # Sent, and notified while the reply is still awaited; that makes the question due.
        running.enqueue(wanted.in_flight, product.PAID_LATER)
        for name, pid in pids.items():
            _wait(near, pid, wanted.in_flight)
            above = max(0.0, processes.memory(pid) - idle[name])
            samples.add(f"{database}: {name}, idle", "MB", idle[name])
            samples.add(f"{database}: {name}, {wanted.in_flight} in flight", "MB above idle", above)


def _prefork(samples: Samples, wanted: Wanted, folder: Path, near: Gateway) -> None:
    found: dict[int, float] = {}
    for children in wanted.children:
        _, found[children] = _unsafe(folder, near, "prefork", children)
        samples.add(
            f"unsafe Celery task, {children} prefork children: all in flight", "MB", found[children]
        )
    few, many = min(found), max(found)
    each = (found[many] - found[few]) / (many - few)
    samples.add("unsafe Celery task, one more prefork child", "MB", each)
    samples.add(
        f"unsafe Celery task, {wanted.in_flight} prefork children, reckoned",
        "MB",
        found[few] + (wanted.in_flight - few) * each,
    )


def _unsafe(folder: Path, near: Gateway, pool: str, requests: int) -> tuple[float, float]:
    """
    MB after a request, and with as many in flight as the pool takes.
    """
    place = folder / f"{pool}{requests}"
    with unsafe.starting(place, near, pool=pool, concurrency=requests) as running:
        running.pay(1)
        idle = processes.memory(running.worker.pid)
        running.send(requests)
        _wait(near, running.worker.pid, requests)
        return idle, processes.memory(running.worker.pid)


def _wait(near: Gateway, pid: int, requests: int) -> None:
    port = urlsplit(near.url).port
    assert port is not None
    try:
        until(lambda: processes.connections(pid, port) >= requests, _PATIENCE_SECONDS)
    except AssertionError:
        raise CannotMeasure(f"never were {requests} requests in flight at once") from None
