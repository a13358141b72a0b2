"""
What all tables are made of: how constraints are named, and indexes over a part of the rows.
"""

import sqlalchemy as sa
from sqlalchemy import Index

metadata = sa.MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    }
)


def partial(name: str, *columns: str, where: sa.TextClause | str, unique: bool = False) -> Index:
    """
    An index over the rows for which a condition holds.
    """
    condition = sa.text(where) if isinstance(where, str) else where
    return Index(name, *columns, unique=unique, sqlite_where=condition, postgresql_where=condition)
