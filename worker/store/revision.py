"""
Which revision a database's tables have, and which one this version of the program expects.

Every process asks that when it starts; Alembic, which takes long to load, is not needed for it.
"""

import sqlalchemy as sa

from worker.store.engine import read_only
from worker.store.faults import translated

#: That of `worker/store/tables.py`: the newest in `worker/store/migrations/versions/`.
EXPECTED = "0020"

#: The revision of the oldest version that may work on these tables beside this one: nothing that it
#: reads or writes has been taken away or forbidden since. `tests/unit/store/test_expansion.py`
#: compares the two.
OLDEST_PROGRAM = "0007"

#: The same where seals vouch for rows and their history, which older versions go on without.
OLDEST_WITH_CHAINS = "0019"

#: And where jobs come sealed: older versions do not know to which key such a row is bound.
OLDEST_WITH_SEALED_JOBS = "0017"

#: And where a control was set, which older versions do not ask.
OLDEST_WITH_CONTROLS = "0020"

#: Where Alembic records it.
_TABLE = sa.table("alembic_version", sa.column("version_num", sa.String))

_OLDEST = sa.select(sa.column("oldest_program", sa.String)).select_from(sa.table("installation"))


@translated()
def current(engine: sa.Engine) -> str | None:
    """
    The revision that the database has; None for one without tables.
    """
    with read_only(engine).begin() as conn:
        if not sa.inspect(conn).has_table(_TABLE.name):
            return None
        return conn.scalars(sa.select(_TABLE.c.version_num)).one_or_none()


@translated()
def is_usable(engine: sa.Engine) -> bool:
    """
    Whether this version may work on the tables: they are its own, or newer ones that say so.
    """
    found = current(engine)
    if found is None or found <= EXPECTED:
        return found == EXPECTED
    with read_only(engine).begin() as conn:
        oldest = conn.scalar(_OLDEST)
    return oldest is not None and oldest <= EXPECTED
