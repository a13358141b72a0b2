"""
The databases and the broker that other tests are given.
"""

import contextlib

import redis
from sqlalchemy import create_engine, inspect, text

from tests.servers import Databases


def make_table(url: str) -> None:
    """
    Stands for a migration.
    """
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE made (number INTEGER)"))
    engine.dispose()


def tables(url: str) -> list[str]:
    """
    The names of a database's tables.
    """
    engine = create_engine(url)
    try:
        return inspect(engine).get_table_names()
    finally:
        engine.dispose()


def test_a_fresh_database_is_empty(database_url: str) -> None:
    """
    A fresh database has no tables.
    """
    assert tables(database_url) == []


def test_prepared_databases_are_copies(databases: Databases) -> None:
    """
    Two prepared databases are alike, and apart from each other.
    """
    one, other = databases.prepared(make_table), databases.prepared(make_table)

    assert one != other
    assert ["made"] == tables(one) == tables(other)


def test_the_empty_broker_is_empty(empty_broker_url: str) -> None:
    """
    The broker is there, and nothing is left in it.
    """
    with contextlib.closing(redis.Redis.from_url(empty_broker_url)) as client:
        assert client.dbsize() == 0
