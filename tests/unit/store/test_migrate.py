"""
Migrations: what they make, and that they can be run anywhere, by anyone, at any time.
"""

import contextlib
import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

import worker.store
from tests.waiting import until
from worker.payouts.errors import StoreError
from worker.store import facts, migrate, revision
from worker.store.engine import create_engine
from worker.store.metadata import metadata
from worker.store.tables import installation

UPGRADE = """
import sys
from worker.payouts.errors import StoreError
from worker.store import migrate, revision
from worker.store.engine import create_engine

engine = create_engine(sys.argv[1])
migrate.upgrade(engine)
print(revision.current(engine), migrate.__file__)
"""

#: SQLite writes a column that was added, and its reference, into the line of the last one.
ADDED = r", (?=\w)((\w+) INTEGER) CONSTRAINT (\w+) (REFERENCES .*?\))(?=\W)"

SCHEMA = {
    "sqlite": "SELECT sql FROM sqlite_master WHERE sql IS NOT NULL",
    "postgresql": """
        SELECT concat_ws(' ', table_name, column_name, data_type, character_maximum_length,
                         is_nullable, column_default, is_identity)
          FROM information_schema.columns WHERE table_schema = 'public'
        UNION ALL
        SELECT concat_ws(' ', conrelid::regclass, conname, pg_get_constraintdef(oid))
          FROM pg_constraint WHERE connamespace = 'public'::regnamespace
        UNION ALL
        SELECT indexdef FROM pg_indexes WHERE schemaname = 'public'
        UNION ALL
        SELECT pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal
    """,
}


@pytest.fixture
def engine(database_url: str) -> Iterator[sa.Engine]:
    """
    An empty database of either kind.
    """
    engine = create_engine(database_url)
    yield engine
    engine.dispose()


def schema(engine: sa.Engine) -> set[str]:
    """
    Everything that the database says of its own tables, constraints and indexes.

    SQLite keeps the statements as written, where the order of a table's clauses means nothing.
    """
    with engine.begin() as conn:
        found = conn.scalars(sa.text(SCHEMA[engine.dialect.name])).all()
    apart = [re.sub(ADDED, r"\n\1\nCONSTRAINT \3 FOREIGN KEY(\2) \4", text) for text in found]
    apart = [re.sub(r", (\w+ (?:DATETIME|VARCHAR|INTEGER|BIGINT|BLOB))", r"\n\1", t) for t in apart]
    lines = [line.strip(" ,\t") for text in apart for line in text.splitlines()]
    return {re.sub(r"\s+", " ", line) for line in lines if "alembic_version" not in line}


def test_a_fresh_database_has_no_revision(engine: sa.Engine) -> None:
    """
    Before the first upgrade nothing is there.
    """
    assert revision.current(engine) is None


def test_an_upgrade_reaches_the_head(engine: sa.Engine) -> None:
    """
    An upgrade leads to the revision that the program expects, and a second one changes nothing.
    """
    migrate.upgrade(engine)
    before = schema(engine)
    migrate.upgrade(engine)

    assert revision.current(engine) == revision.EXPECTED == "0020"
    assert schema(engine) == before


def test_the_revisions_make_the_tables_that_the_program_uses(engine: sa.Engine) -> None:
    """
    Alembic finds nothing left to migrate.
    """
    migrate.upgrade(engine)

    with engine.connect() as conn:
        context = MigrationContext.configure(conn, opts={"compare_server_default": True})
        assert compare_metadata(context, metadata) == []


def test_the_revisions_make_the_same_constraints(engine: sa.Engine) -> None:
    """
    Checks, keys, triggers and partial indexes' conditions are equal too, which Alembic cannot see.
    """
    migrate.upgrade(engine)
    migrated = schema(engine)
    with engine.begin() as conn:
        metadata.drop_all(conn)
        metadata.create_all(conn)

    assert schema(engine) == migrated
    assert any(f"{facts.FENCES[0].table}_is_kept" in line for line in migrated)


def test_a_failed_upgrade_leaves_nothing(
    engine: sa.Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    An upgrade is one transaction: whatever stops it half-way, the database is as before.
    """
    with engine.begin() as conn:
        conn.execute(sa.text("CREATE TABLE transitions (in_the_way integer)"))
    before = schema(engine)

    with pytest.raises(StoreError):
        migrate.upgrade(engine)

    assert schema(engine) == before
    assert revision.current(engine) is None


def test_renamed_columns_keep_their_data(engine: sa.Engine) -> None:
    """
    What the second revision's tables held is there under the new names.
    """
    migrate.upgrade(engine, "0002")
    with engine.begin() as conn:
        conn.execute(
            sa.text(
                "INSERT INTO installation (id, profile, created_at, uid, epoch, beats, beat_at)"
                " VALUES (1, 'sandbox', :at, 'abc', 4, 77, :at)"
            ),
            {"at": "2026-11-23 12:00:00+00:00"},
        )
        conn.execute(
            sa.text(
                "INSERT INTO evidence (customer_no, out_trade_no, source, digest, sealed_raw,"
                " received_at, verified, meaning, code, member)"
                " VALUES ('36', 'P1', 'notification', 'd', :raw, :at, :yes, 'none', '', '36')"
            ),
            {"at": "2026-11-23 12:00:00+00:00", "raw": b"raw", "yes": True},
        )
    migrate.upgrade(engine)

    with engine.begin() as conn:
        kept = conn.execute(sa.text("SELECT epoch, sweep_count FROM installation")).one()
        told = conn.execute(sa.text("SELECT merchant, out_trade_no FROM evidence")).one()
        swept = conn.scalar(sa.select(installation.c.swept_at))
    assert (tuple(kept), tuple(told)) == ((4, 77), ("36", "P1"))
    assert swept == datetime(2026, 11, 23, 12, tzinfo=UTC)


def test_obligations_are_built_from_the_payouts_that_exist(engine: sa.Engine) -> None:
    """
    One row a debt, its names compared in NFKC, with what is held by payouts that were not released.
    """
    migrate.upgrade(engine, "0003")
    at = "2026-11-23 12:00:00+00:00"
    columns = {column["name"]: column for column in sa.inspect(engine).get_columns("payouts")}
    required = [name for name, column in columns.items() if not column["nullable"]]
    known: dict[str, object] = {
        **dict.fromkeys(required, "x"),
        "status": "failed",
        "exposed": True,
        "version": 3,
        "resends": 0,
        "query_misses": 0,
        "returned_fen": 0,
        "accepted_at": at,
        "updated_at": at,
        "currency": "CNY",
        "sealed_payee": b"x",
        "sealed_order": b"x",
    }
    rows = [
        # released and replaced, under a name that only looks different
        {"id": 1, "obligation": "ＳＡＬ-7", "amount_fen": 500, "released_at": at},
        {"id": 2, "obligation": "SAL-7", "amount_fen": 300, "released_at": None},
        {"id": 3, "obligation": "SAL-8", "amount_fen": 900, "released_at": None},
        # two merchants, of which one has replaced its payout by the part that came back
        {"id": 4, "obligation": "SAL-9", "amount_fen": 100, "released_at": at},
        {"id": 5, "obligation": "SAL-9", "amount_fen": 40, "released_at": None},
        {
            "id": 6,
            "obligation": "SAL-9",
            "amount_fen": 100,
            "released_at": None,
            "customer_no": "another",
        },
    ]
    names = [*known, "id", "released_at"] if "id" not in known else [*known, "released_at"]
    insert = (
        f"INSERT INTO payouts ({', '.join(names)}) VALUES ({', '.join(f':{n}' for n in names)})"
    )
    with engine.begin() as conn:
        for row in rows:
            conn.execute(sa.text(insert), {**known, "out_trade_no": f"P{row['id']}", **row})
    migrate.upgrade(engine)

    with engine.begin() as conn:
        debts = conn.execute(
            sa.text("SELECT namespace, name, owed_fen, committed_fen FROM obligations ORDER BY id")
        ).all()
        held = conn.scalars(sa.text("SELECT obligation_id FROM payouts ORDER BY id")).all()
    assert [tuple(debt) for debt in debts] == [
        ("default", "SAL-7", 500, 300),
        ("default", "SAL-8", 900, 900),
        ("default", "SAL-9", 200, 140),
    ]
    assert held == [1, 1, 2, 3, 3, 3]


@pytest.fixture
def old(postgres_url: str) -> Iterator[sa.Engine]:
    """
    A PostgreSQL database of an older revision.
    """
    engine = create_engine(postgres_url)
    migrate.upgrade(engine, "0006")
    yield engine
    engine.dispose()


@contextlib.contextmanager
def migrating(
    engine: sa.Engine, patience: timedelta = timedelta(minutes=1)
) -> Iterator[list[StoreError]]:
    """
    Migrate beside what is done here, from when on it waits for a table; what stops it is listed.
    """
    errors: list[StoreError] = []

    def run() -> None:
        try:
            migrate.upgrade(engine, patience=patience)
        except StoreError as error:
            errors.append(error)

    waits = sa.text("SELECT count(*) FROM pg_locks WHERE NOT granted AND locktype = 'relation'")
    migration = threading.Thread(target=run)
    migration.start()
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as other:
        until(lambda: other.scalar(waits) == 1, 10)
    yield errors
    migration.join(60)


def test_a_migration_that_waits_keeps_nobody_waiting_for_long(old: sa.Engine) -> None:
    """
    While somebody holds a table, others get at it between the attempts of a migration.
    """
    count = sa.text("SELECT count(*) FROM payouts")
    with old.connect() as reading:
        reading.execute(count)
        with migrating(old, patience=timedelta(seconds=6)) as errors, old.connect() as other:
            assert other.scalar(count) == 0

    assert ["in use all the time" in str(error) for error in errors] == [True]
    assert revision.current(old) == "0006"


def test_a_migration_that_is_in_the_way_begins_again(old: sa.Engine) -> None:
    """
    Where a worker and a migration wait for each other, both get through.
    """
    with old.connect() as working:
        working.execute(sa.text("SELECT count(*) FROM decisions"))
        with migrating(old) as errors:
            assert working.scalar(sa.text("SELECT count(*) FROM payouts")) == 0
            working.commit()

    assert errors == []
    assert revision.current(old) == revision.EXPECTED


def test_processes_may_upgrade_at_once(database_url: str) -> None:
    """
    Several hosts that start together do not trip over each other's upgrade.
    """
    command = [sys.executable, "-c", UPGRADE, database_url]
    runs = [
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(4)
    ]
    ends = [run.communicate() for run in runs]

    assert [(out.split()[0], err) for out, err in ends] == [(revision.EXPECTED, "")] * 4


def test_upgrading_works_from_any_folder(tmp_path: Path) -> None:
    """
    A copy under a path with Chinese characters, spaces and percent signs migrates a database there.
    """
    home = tmp_path / "代付 程序 100%s" / "lib"
    source = Path(worker.store.__file__).parents[1]
    for part in ("payouts", "store", "usecases"):
        shutil.copytree(source / part, home / "worker" / part)
    shutil.copy(source / "__init__.py", home / "worker")
    run = subprocess.run(
        [sys.executable, "-c", UPGRADE, f"sqlite:///{home}/数据 库.sqlite"],
        env=os.environ | {"PYTHONPATH": str(home), "PYTHONUTF8": "1"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )

    assert run.stderr == ""
    assert run.stdout.strip() == f"{revision.EXPECTED} {home}/worker/store/migrate.py"
