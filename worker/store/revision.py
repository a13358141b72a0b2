"""
Which revision a database's tables have, and which one this version of the program expects.

Every process asks that when it starts; Alembic, which takes long to load, is not needed for it.
"""

import sqlalchemy as sa

from worker.store.engine import read_only
from worker.store.faults import translated

#: That of `worker/store/tables.py`: the newest in `worker/store/migrations/versions/`.
EXPECTED = "0008"

#: Where Alembic records it.
_TABLE = sa.table("alembic_version", sa.column("version_num", sa.String))


@translated()
def current(engine: sa.Engine) -> str | None:
    """
    The revision that the database has; None for one without tables.
    """
    with read_only(engine).begin() as conn:
        if not sa.inspect(conn).has_table(_TABLE.name):
            return None
        return conn.scalars(sa.select(_TABLE.c.version_num)).one_or_none()
