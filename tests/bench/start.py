"""
How long a command takes from its start to its end.
"""

import resource
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.bench import product, stack
from tests.bench.checkout import HERE, THIS
from tests.bench.figures import Result, Samples
from tests.bench.wanted import Wanted

_LIBRARIES = "import sqlalchemy, psycopg, click, cryptography"


def measure(wanted: Wanted, directory: Path) -> Result:
    """
    Run commands beside Python alone, in turns.
    """
    samples = Samples()
    url, key = f"sqlite:///{directory}/payouts.sqlite", product.new_key()
    settings = {"PAYOUTS_DATABASE_URL": url, "PAYOUTS_KEYRING": key}
    environment = THIS.environment() | settings
    stack.migrate(THIS, environment)
    with product.open_ledger(url, key) as ledger:
        ledger.accept("START1")
    python, payouts = str(THIS.program("python")), str(THIS.program("payouts"))
    nothing, libraries = "python -c pass", "python, the libraries"
    ways = {
        nothing: [python, "-c", "pass"],
        libraries: [python, "-c", _LIBRARIES],
        "payouts --help": [payouts, "--help"],
        "payouts show": [payouts, "show", "START1"],
    }
    _run(ways["payouts --help"], environment)  # compiles what has changed
    for _ in range(wanted.rounds * wanted.starts):
        taken = {name: _run(command, environment) for name, command in ways.items()}
        for name, (whole, cpu) in taken.items():
            samples.add(name, "ms", whole)
            samples.add(f"{name}, CPU", "ms", cpu)
        for name, least in [
            *((name, nothing) for name in list(ways)[1:]),
            *((name, libraries) for name in list(ways)[2:]),
        ]:
            samples.add(f"{name} ÷ {least}", "ratio", taken[name][0] / taken[least][0])
    return Result(
        name="start",
        what=(
            "From start to end of a process, and its CPU time, on SQLite with one payout."
            f" The libraries: `python -c '{_LIBRARIES}'`."
        ),
        conditions={"rounds": wanted.rounds, "starts a round": wanted.starts},
        figures=samples.figures(),
    )


def _run(command: Sequence[str], environment: Mapping[str, str]) -> tuple[float, float]:
    """
    The milliseconds that a command takes, and those of CPU time; it has to succeed.
    """
    begin, start = _children_cpu(), time.perf_counter()
    subprocess.run(command, env=environment, cwd=HERE, stdout=subprocess.DEVNULL, check=True)
    return (time.perf_counter() - start) * 1000, (_children_cpu() - begin) * 1000


def _children_cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
