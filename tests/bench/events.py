"""
How many events a minute a relay tells one endpoint, beside the same requests and nothing else.
"""

import asyncio
import contextlib
import secrets
import subprocess
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.bench import cpu_times, product, stack
from tests.bench.checkout import THIS
from tests.bench.errors import CannotMeasure
from tests.bench.figures import Result, Samples
from tests.bench.product import Broker, Postgres
from tests.bench.wanted import Wanted

#: Longer than that no round takes that gets on.
_PATIENCE_S = 600.0


class Hook:
    """
    A server that says yes to every request, and counts them.
    """

    def __init__(self) -> None:
        self.count = 0
        self.port = 0

    async def serve(self, ready: threading.Event, stopped: asyncio.Event) -> None:
        """
        Serve until it is stopped.
        """
        async with await asyncio.start_server(self._answer, "127.0.0.1", 0) as server:
            self.port = server.sockets[0].getsockname()[1]
            ready.set()
            await stopped.wait()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            head = await reader.readuntil(b"\r\n\r\n")
            length = next(
                int(line[15:])
                for line in head.lower().split(b"\r\n")
                if line.startswith(b"content-length:")
            )
            await reader.readexactly(length)
            self.count += 1
            writer.write(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
            await writer.drain()
        writer.close()


@contextlib.contextmanager
def _hook() -> Iterator[Hook]:
    hook, ready, loop = Hook(), threading.Event(), asyncio.new_event_loop()
    stopped = asyncio.Event()
    thread = threading.Thread(target=loop.run_until_complete, args=(hook.serve(ready, stopped),))
    thread.start()
    ready.wait()
    try:
        yield hook
    finally:
        loop.call_soon_threadsafe(stopped.set)
        thread.join()
        loop.close()


def measure(wanted: Wanted, directory: Path) -> Result:
    """
    Tell what waits, in turns, on each database.
    """
    samples = Samples()
    events = 20 * wanted.payouts
    with contextlib.ExitStack() as parts:
        broker = parts.enter_context(Broker(directory / "broker"))
        urls = {"sqlite": f"sqlite:///{directory}/payouts.sqlite"}
        if "postgres" in wanted.databases:
            server = parts.enter_context(Postgres(directory / "postgres"))
            urls["postgres"] = server.create_database("events")
        key, hook = product.new_key(), parts.enter_context(_hook())
        for name in wanted.databases:
            settings = {
                "PAYOUTS_DATABASE_URL": urls[name],
                "PAYOUTS_KEYRING": key,
                "PAYOUTS_BROKER_URL": broker.url,
            }
            stack.migrate(THIS, THIS.environment() | settings)
            with product.open_ledger(urls[name], key) as ledger:
                ledger.listen(f"http://127.0.0.1:{hook.port}/")
        for _ in range(wanted.rounds):
            bare = _tell_barely(hook, events)
            samples.add("requests alone", "1/s", events / bare)
            for name in wanted.databases:
                _fill(urls[name], key, events)
                settings = {
                    "PAYOUTS_DATABASE_URL": urls[name],
                    "PAYOUTS_KEYRING": key,
                    "PAYOUTS_BROKER_URL": broker.url,
                }
                took, cpu = _relay(settings, hook, events)
                samples.add(f"one relay, {name}", "1/s", events / took)
                samples.add(f"one relay ÷ requests alone, {name}", "ratio", bare / took)
                samples.add(f"one relay, CPU, {name}", "ms per message", cpu / events * 1000)
    return Result(
        name="events",
        what=(
            "Tell waiting events to one webhook on this machine: events a second from the start of"
            " the relay's process. Requests alone: the same POST, side by side, no database."
        ),
        conditions={"events": events, "rounds": wanted.rounds},
        figures=samples.figures(),
    )


def _fill(database_url: str, key: str, events: int) -> None:
    run = f"EVENT{secrets.token_hex(5).upper()}"
    with product.open_ledger(database_url, key) as ledger:
        for place in range(events):
            ledger.accept(f"{run}{place:06}")


def _tell_barely(hook: Hook, events: int) -> float:
    tell = product.telling(f"http://127.0.0.1:{hook.port}/")
    began = time.monotonic()
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda _: tell(), range(events)))
    return time.monotonic() - began


def _relay(settings: dict[str, str], hook: Hook, events: int) -> tuple[float, float]:
    """
    Seconds that a relay takes to tell what waits, and its CPU seconds.
    """
    before, began = hook.count, time.monotonic()
    command = [str(THIS.program("payouts")), "relay"]
    with subprocess.Popen(command, env=THIS.environment() | settings, stderr=-3) as process:
        try:
            while hook.count - before < events:
                if time.monotonic() - began > _PATIENCE_S or process.poll() is not None:
                    raise CannotMeasure("the relay did not tell what waits")
                time.sleep(0.01)
            took = time.monotonic() - began
            cpu = cpu_times.of_tree(process.pid)
        finally:
            process.terminate()
    return took, cpu
