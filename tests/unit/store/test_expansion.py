"""
Migrations expand: what an older version reads and writes is there after them, and still allowed.
"""

from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from worker.store import migrate, revision
from worker.store.engine import create_engine
from worker.store.installation import ensure_profile


@pytest.fixture
def engine(database_url: str) -> Iterator[sa.Engine]:
    """
    An empty database of either kind.
    """
    engine = create_engine(database_url)
    yield engine
    engine.dispose()


def _tables(engine: sa.Engine) -> dict[str, sa.Table]:
    found = sa.MetaData()
    found.reflect(engine)
    return {name: table for name, table in found.tables.items() if name != "alembic_version"}


def _default(column: sa.Column[object]) -> str | None:
    default = column.server_default
    return str(default.arg) if isinstance(default, sa.DefaultClause) else None


def _rules(engine: sa.Engine, name: str) -> set[str]:
    """
    What a table forbids, but for what a column's own type says.
    """
    inspector = sa.inspect(engine)
    indexes = [index for index in inspector.get_indexes(name) if index["unique"]]
    return {
        *(
            f"{check['name']}: {check['sqltext']}"
            for check in inspector.get_check_constraints(name)
        ),
        *(f"{index['name']}: {index['column_names']}" for index in indexes),
        *(
            f"{unique['name']}: {unique['column_names']}"
            for unique in inspector.get_unique_constraints(name)
        ),
    }


def test_what_the_oldest_program_needs_is_there(engine: sa.Engine) -> None:
    """
    Its tables, its columns, their types: none is gone or has become stricter.
    """
    migrate.upgrade(engine, revision.OLDEST_PROGRAM)
    before = _tables(engine)
    migrate.upgrade(engine)
    after = _tables(engine)

    assert before.keys() <= after.keys()
    for table in before.values():
        now = after[table.name].c
        assert [*table.c.keys()] == [one.name for one in now if one.name in table.c]
        for column in table.c:
            assert str(now[column.name].type) == str(column.type)
            assert now[column.name].nullable == column.nullable
            assert _default(now[column.name]) == _default(column)


def test_what_the_oldest_program_writes_is_allowed(engine: sa.Engine) -> None:
    """
    No column is required that it does not know, and no rule is new in a table that it writes to.
    """
    migrate.upgrade(engine, revision.OLDEST_PROGRAM)
    before = {name: (table, _rules(engine, name)) for name, table in _tables(engine).items()}
    migrate.upgrade(engine)
    after = _tables(engine)

    for name, (table, rules) in before.items():
        new = [column for column in after[name].c if column.name not in table.c]
        required = [one.name for one in new if not one.nullable and one.server_default is None]
        assert required == []
        assert _rules(engine, name) <= rules
        # Nor does what is new refer to what it inserts, in a way that keeps it from deleting.
        assert all(not column.foreign_keys for column in new)


@pytest.mark.parametrize("is_fresh", [True, False])
def test_a_migrated_database_says_who_may_work_on_it(engine: sa.Engine, is_fresh: bool) -> None:
    """
    Whether the installation was recorded before or after, it names the oldest program.
    """
    if not is_fresh:
        migrate.upgrade(engine, "0007")
        with engine.begin() as conn:
            conn.execute(
                sa.text(
                    "INSERT INTO installation (id, profile, created_at, uid, epoch, sweep_count)"
                    " VALUES (1, 'sandbox', '2026-11-28 12:00:00+00:00', 'abc', 1, 0)"
                )
            )
    migrate.upgrade(engine)
    ensure_profile(engine, "sandbox")

    with engine.begin() as conn:
        told = conn.scalar(sa.text("SELECT oldest_program FROM installation"))
    assert told == "0007"


@pytest.mark.parametrize(
    ("found", "oldest", "is_usable"),
    [
        (revision.EXPECTED, "0007", True),
        ("0008", "0007", False),  # ours are not there yet
        ("9012", revision.EXPECTED, True),
        ("9012", "0007", True),
        ("9012", "9010", False),  # something that we need was taken away
        ("9012", None, False),
    ],
)
def test_a_version_works_on_newer_tables_that_allow_it(
    engine: sa.Engine, found: str, oldest: str | None, is_usable: bool
) -> None:
    """
    A process that starts anew amid an upgrade works on, unless the newer version forbids it.
    """
    migrate.upgrade(engine)
    ensure_profile(engine, "sandbox")
    with engine.begin() as conn:
        conn.execute(sa.text("UPDATE alembic_version SET version_num = :found"), {"found": found})
        conn.execute(
            sa.text("UPDATE installation SET oldest_program = :oldest"), {"oldest": oldest}
        )

    assert revision.is_usable(engine) is is_usable
