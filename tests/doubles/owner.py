"""
The owner of the tables, whom no trigger holds back.
"""

import sqlalchemy as sa

_TRIGGERS = {
    "sqlite": "SELECT name, tbl_name FROM sqlite_master WHERE type = 'trigger'",
    "postgresql": ("SELECT tgname, tgrelid::regclass::text FROM pg_trigger WHERE NOT tgisinternal"),
}


def triggers(conn: sa.Connection) -> list[tuple[str, str]]:
    """
    The names of all triggers, each with its table's.
    """
    found = conn.execute(sa.text(_TRIGGERS[conn.dialect.name]))
    return sorted((name, table) for name, table in found)


def take_fences_away(conn: sa.Connection) -> None:
    """
    Drop all triggers: from then on everything may be changed.
    """
    for name, table in triggers(conn):
        on = "" if conn.dialect.name == "sqlite" else f" ON {table}"
        conn.execute(sa.text(f"DROP TRIGGER {name}{on}"))
