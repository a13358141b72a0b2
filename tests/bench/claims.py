"""
How many rows a second can be claimed and recorded, beside a queue that does nothing else.
"""

import secrets
from pathlib import Path

from sqlalchemy import make_url

from tests.bench import crew, product, stack
from tests.bench.checkout import THIS
from tests.bench.figures import Result, Samples
from tests.bench.product import Postgres
from tests.bench.wanted import Wanted

#: As many as the product claims at once.
_BATCH = 50
#: pgqueuer is given more, to be busy for a while as well.
_MORE = 2


def measure(wanted: Wanted, directory: Path) -> Result:
    """
    Empty a queue of each kind, in turns, on one PostgreSQL.
    """
    samples = Samples()
    rows = 20 * wanted.payouts
    with Postgres(directory / "postgres") as server:
        ours, key = server.create_database("ours"), product.new_key()
        settings = {"PAYOUTS_DATABASE_URL": ours, "PAYOUTS_KEYRING": key}
        stack.migrate(THIS, THIS.environment() | settings)
        theirs = make_url(server.create_database("pgqueuer")).set(drivername="postgresql")
        conninfo = theirs.render_as_string(hide_password=False)
        for _ in range(wanted.rounds):
            for processes in wanted.crews:
                _fill_ours(ours, key, rows)
                fast = rows / crew.work(crew.OURS, processes, _BATCH, ours, key)
                crew.fill_pgqueuer(conninfo, _MORE * rows)
                bound = _MORE * rows / crew.work(crew.PGQUEUER, processes, _BATCH, conninfo, key)
                named = f"{processes} process{'es' if processes > 1 else ''}"
                samples.add(f"ours, {named}", "1/s", fast)
                samples.add(f"pgqueuer, {named}", "1/s", bound)
                samples.add(f"ours ÷ pgqueuer, {named}", "ratio", fast / bound)
    return Result(
        name="claims",
        what=(
            "Claim a row, do nothing, record that: rows a second. Ours: due sends in batches, then"
            " claimed and closed in one commit each. pgqueuer: psycopg driver, uvloop, the same"
            " batches. One PostgreSQL with fsync."
        ),
        conditions={
            "rows": rows,
            "rows, pgqueuer": _MORE * rows,
            "batch": _BATCH,
            "rounds": wanted.rounds,
        },
        figures=samples.figures(),
    )


def _fill_ours(database_url: str, key: str, rows: int) -> None:
    run = f"CLAIM{secrets.token_hex(5).upper()}"
    with product.open_ledger(database_url, key) as ledger:
        for place in range(rows):
            ledger.accept(f"{run}{place:06}")
