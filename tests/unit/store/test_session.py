"""
Whatever the server, the role or the URL says, a session is one that the store can count on.
"""

from datetime import UTC, datetime
from urllib.parse import quote

import psycopg
import pytest
import sqlalchemy as sa

from tests.servers import PostgresDatabases
from worker.embedded.broker import free_port
from worker.store.engine import create_engine
from worker.store.session import parse_options
from worker.store.types import UtcDateTime

LAST = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)


def shown(url: str, setting: str) -> str:
    """
    A setting as a transaction of the store's sees it.
    """
    engine = create_engine(url, "payouts test")
    with engine.begin() as conn:
        value: str = conn.execute(sa.text(f"SHOW {setting}")).scalar_one()
    engine.dispose()
    return value


def make_default(url: str, setting: str, value: str) -> None:
    """
    Make a setting the database's own default, as an administrator does.
    """
    database = sa.make_url(url).database
    conninfo = sa.make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(conninfo, autocommit=True) as connection:
        connection.execute(f"ALTER DATABASE {database} SET {setting} = '{value}'")


def with_options(url: str, options: str, **more: str) -> str:
    """
    A URL with options for the server, and other parameters.
    """
    return "&".join([f"{url}&options={quote(options)}", *(f"{n}={v}" for n, v in more.items())])


@pytest.mark.parametrize(
    ("setting", "default", "value"),
    [
        ("timezone", "Asia/Shanghai", "UTC"),
        ("datestyle", "German, DMY", "ISO, MDY"),
        ("client_encoding", "GBK", "UTF8"),
        ("synchronous_commit", "off", "on"),
        ("synchronous_commit", "local", "local"),
        ("statement_timeout", "0", "15s"),
        ("lock_timeout", "1h", "5s"),
        ("default_transaction_isolation", "serializable", "serializable"),
        ("transaction_isolation", "", "read committed"),
    ],
)
def test_defaults_do_not_count(postgres_url: str, setting: str, default: str, value: str) -> None:
    """
    A database tuned for something else cannot change what the store means.
    """
    if default:
        make_default(postgres_url, setting, default)

    assert shown(postgres_url, setting) == value


@pytest.mark.parametrize("zone", ["Asia/Shanghai", "America/New_York"])
def test_the_last_moment_comes_back(postgres_url: str, zone: str) -> None:
    """
    What is stored can be read, wherever the server believes to be.
    """
    make_default(postgres_url, "timezone", zone)
    engine = create_engine(postgres_url)
    moments = sa.Table("moments", sa.MetaData(), sa.Column("at", UtcDateTime))

    with engine.begin() as conn:
        moments.create(conn)
        conn.execute(sa.insert(moments).values(at=LAST))
        assert conn.execute(sa.select(moments.c.at)).scalar_one() == LAST
    engine.dispose()


@pytest.mark.parametrize(
    ("options", "setting", "value"),
    [
        ("-c statement_timeout=2s", "statement_timeout", "2s"),
        ("-c statement_timeout=2s", "lock_timeout", "5s"),
        ("-clock-timeout=250", "lock_timeout", "250ms"),
        ("--search_path=payouts -c geqo=off", "search_path", "payouts"),
        ("-c search_path=a,\\ b", "search_path", "a, b"),
        # what nothing may override
        ("-c statement_timeout=0", "statement_timeout", "15s"),
        (
            "-c idle_in_transaction_session_timeout=0ms",
            "idle_in_transaction_session_timeout",
            "30s",
        ),
        ("-c timezone=Asia/Shanghai", "timezone", "UTC"),
        ("-c synchronous_commit=off", "synchronous_commit", "on"),
    ],
)
def test_options_in_the_url_count(
    postgres_url: str, options: str, setting: str, value: str
) -> None:
    """
    They override our limits and add to them, except where the store would not be safe.
    """
    assert shown(with_options(postgres_url, options), setting) == value


def test_a_url_may_name_its_sessions(postgres_url: str) -> None:
    """
    An administrator finds the sessions under the name that the URL gives them, else under ours.
    """
    assert shown(postgres_url, "application_name") == "payouts test"
    assert shown(f"{postgres_url}&application_name=till%207", "application_name") == "till 7"


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", {"connect_timeout": "10", "tcp_user_timeout": "30000", "keepalives_idle": "30"}),
        ("?connect_timeout=3&sslmode=disable", {"connect_timeout": "3", "sslmode": "disable"}),
        ("?connect_timeout=0", {"connect_timeout": "10"}),
        ("?target_session_attrs=any", {"target_session_attrs": "any"}),
        ("?client_encoding=gbk", {"client_encoding": "utf8"}),
    ],
)
def test_connect_parameters_count(query: str, expected: dict[str, str]) -> None:
    """
    What a URL says of the connection is passed on, and a connection attempt always has an end.
    """
    engine = create_engine(f"postgresql://payouts@127.0.0.1:{free_port()}/payouts{query}")
    passed = {}

    @sa.event.listens_for(engine, "do_connect")
    def _look(_dialect: object, _entry: object, _args: object, parameters: dict[str, str]) -> None:
        passed.update(parameters)

    with pytest.raises(sa.exc.OperationalError):
        engine.connect()
    assert passed.items() >= expected.items()


def test_statements_are_prepared_where_a_session_is_ours(postgres_url: str) -> None:
    """
    On a direct connection the server keeps a statement that comes again and again.
    """
    engine = create_engine(postgres_url)

    with engine.begin() as conn:
        for number in range(9):
            conn.execute(sa.select(sa.literal(number)))
        prepared = sa.text("SELECT count(*) FROM pg_prepared_statements")
        assert conn.execute(prepared).scalar_one() > 0
    engine.dispose()


def test_a_default_is_put_right_on_each_new_connection(
    postgres_databases: PostgresDatabases,
) -> None:
    """
    It is not remembered from the first: a connection that is made later is set up as well.
    """
    url = postgres_databases.fresh()
    engine = create_engine(url)
    with engine.begin() as first:
        make_default(url, "timezone", "Asia/Shanghai")
        with engine.begin() as second:
            zones = [
                conn.execute(sa.text("SHOW timezone")).scalar_one() for conn in (first, second)
            ]
    engine.dispose()

    assert zones == ["UTC", "UTC"]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ("", {}),
        ("-c a=1 -cb=2 --c=3", {"a": "1", "b": "2", "c": "3"}),
        ("--Work-Mem=4MB", {"work_mem": "4MB"}),
        (r"-c a=x\ y\\z", {"a": r"x y\z"}),
        ("-c a=1 -c a=2", {"a": "2"}),
        ("endpoint=ep-cool-7 -e -c", {}),
    ],
)
def test_options_are_taken_apart_as_the_server_does(options: str, expected: dict[str, str]) -> None:
    """
    By PostgreSQL's manual, "options" under the connection parameters, and its pg_split_opts.
    """
    assert parse_options(options) == expected
