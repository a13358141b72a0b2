"""
A user of PostgreSQL's for each kind of process, with the rights of `payouts migrate --roles`.
"""

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator

import psycopg
import pytest
import requests
from sqlalchemy import URL, make_url

from tests.acceptance.conftest import PATIENCE, a_stack
from tests.contract.samples import migrated
from tests.database_roles import connected, prepare, refusals, start_by_role, user_of
from tests.integration.cli.samples import a_job
from tests.servers import running_postgres
from tests.waiting import until
from worker.demo.play import play
from worker.demo.stack import Stack
from worker.demo.story import cast
from worker.embedded.broker import free_port
from worker.store.metadata import metadata


def command(stack: Stack, database: URL, *words: str, said: str | None = None) -> str:
    """
    What an operator's command prints. It must succeed.
    """
    url = database.render_as_string(hide_password=False)
    done = subprocess.run(
        [sys.executable, "-m", "worker", *words],
        env={**os.environ, **stack.environment, "PAYOUTS_DATABASE_URL": url},
        cwd=stack.directory / "empty",
        input=said,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, (words, done.stderr)
    return done.stdout


def test_every_process_does_its_work_by_its_own_role() -> None:
    """
    All scenarios, the HTTP API and what operators do; the server refuses nothing on the way.
    """
    with a_stack(database="postgres") as (stack, ledger):
        owner = start_by_role(stack)
        people = user_of(owner, "operator")
        command(stack, people, "endpoints", "add", "shop.events", "--queue")
        outcome = play(stack, ledger, cast("normal"), lambda _: None, PATIENCE)
        command(stack, people, "resume", "--why", "topped up")

        with connected(owner) as looking:
            seen = "SELECT DISTINCT usename FROM pg_stat_activity WHERE usename LIKE 'test%'"
            users = {user for (user,) in looking.execute(seen).fetchall()}

        assert outcome.audit.faults == ()
        assert users >= {"test_web", "test_worker", "test_relay"}
        _ask_the_api(stack, owner, people)
        _operate(stack, people)
        command(stack, user_of(owner, "reader"), "metrics", "--once")
        assert refusals(stack) == []


def _ask_the_api(stack: Stack, owner: URL, people: URL) -> None:
    ports = {"accept": free_port(), "read": free_port()}
    tokens = {}
    for scope, role in {"accept": "accept", "read": "reader"}.items():
        url = user_of(owner, role).render_as_string(hide_password=False)
        options = (f"--{scope}", "--port", str(ports[scope]))
        stack.start(f"api-{scope}", "worker", "api", *options, own={"PAYOUTS_DATABASE_URL": url})
        issued = command(stack, people, "tokens", "issue", "unsealed", "--scope", scope)
        tokens[scope] = {"Authorization": f"Bearer {issued.split()[-1]}"}

    def ask(method: str, scope: str, path: str, **body: object) -> int:
        url = f"http://127.0.0.1:{ports[scope]}/v1/payouts{path}"
        with contextlib.suppress(requests.ConnectionError):
            given = {"json": body} if body else {}
            headers = tokens[scope]
            return requests.request(method, url, headers=headers, timeout=30, **given).status_code  # type: ignore[arg-type]
        return 0

    until(lambda: ask("GET", "read", "") == 200, PATIENCE)
    until(lambda: ask("GET", "accept", "/nothing") != 0, PATIENCE)
    command(stack, people, "pause", "--why", "a look")
    assert ask("POST", "accept", "", **a_job(out_trade_no="ROLES0001")) == 201
    assert ask("POST", "accept", "/ROLES0001/cancel", why="not wanted") == 200
    assert ask("POST", "accept", "", **a_job(out_trade_no="ROLES0002", amount_fen=-1)) == 422
    assert ask("GET", "read", "/ROLES0001") == 200
    command(stack, people, "resume", "--why", "looked")


def _operate(stack: Stack, people: URL) -> None:
    """
    One command of each kind that writes.
    """
    command(stack, people, "release", "ROLES0001", "--why", "never sent")
    command(stack, people, "producers", "add", "shop")
    command(stack, people, "producers", "disable", "shop", "--why", "closed")
    command(stack, people, "endpoints", "retry", "1")
    command(stack, people, "events", "resend", "--endpoint", "1", "--since", "1h")
    command(stack, people, "endpoints", "add", "https://shop.example/hook")
    command(stack, people, "endpoints", "rotate", "2")
    command(stack, people, "endpoints", "disable", "2")
    command(stack, people, "acknowledge")
    command(stack, people, "audit")
    command(stack, people, "keys", "list")
    command(
        stack,
        people,
        "restored",
        "--why",
        "a drill",
        "--journal",
        stack.environment["PAYOUTS_JOURNAL"],
    )
    command(stack, people, "list")


@pytest.fixture(scope="module")
def database() -> Iterator[URL]:
    """
    A migrated database with the roles, on a server of its own.
    """
    with running_postgres() as databases:
        url = make_url(databases.prepared(migrated))
        prepare(url)
        yield url


ROLE_NAMES = ("web", "worker", "relay", "accept", "reader", "operator")

#: What nobody but the owner may do: each is a way to another payee, another amount, or no trace.
NEVER = (
    "UPDATE payouts SET amount_fen = 1",
    "UPDATE payouts SET out_trade_no = 'x'",
    "UPDATE payouts SET customer_no = 'x'",
    "UPDATE payouts SET obligation_id = 1",
    "UPDATE transitions SET reason = 'x'",
    "UPDATE decisions SET who = 'x'",
    "UPDATE events SET type = 'x'",
    "UPDATE evidence SET verified = true",
    "UPDATE evidence SET trade_status = 'FINI'",
    "UPDATE attempts SET number = 2",
    "UPDATE cases SET payout_id = 1",
    "UPDATE alembic_version SET version_num = '0001'",
    "CREATE TABLE mine (id int)",
)

#: And what some may not, who could else undo what others decide or read what they need not.
NOT_ALL = {
    "web": (
        "INSERT INTO payouts DEFAULT VALUES",
        "INSERT INTO attempts DEFAULT VALUES",
        "INSERT INTO decisions DEFAULT VALUES",
        "INSERT INTO obligations DEFAULT VALUES",
        "UPDATE channels SET resumed_at = now()",
        "UPDATE payouts SET sealed_request = ''",
        "UPDATE payouts SET sealed_payee = ''",
        "UPDATE payouts SET released_at = now()",
        "UPDATE payouts SET gateway_url = ''",
        "SELECT digest FROM tokens",
        "SELECT sealed_key FROM endpoints",
    ),
    "worker": (
        "INSERT INTO proposals DEFAULT VALUES",
        "INSERT INTO people DEFAULT VALUES",
        "INSERT INTO producers DEFAULT VALUES",
        "INSERT INTO endpoints DEFAULT VALUES",
        "UPDATE channels SET resumed_at = now()",
        "UPDATE payouts SET sealed_payee = ''",
        "UPDATE payouts SET released_at = now()",
        "UPDATE payouts SET gateway_url = ''",
        "UPDATE cases SET closed_at = now()",
        "SELECT digest FROM tokens",
    ),
    "relay": (
        "SELECT sealed_payee FROM payouts",
        "SELECT sealed_raw FROM evidence",
        "INSERT INTO events DEFAULT VALUES",
        "UPDATE endpoints SET address = ''",
    ),
    "accept": (
        "INSERT INTO attempts DEFAULT VALUES",
        "INSERT INTO evidence DEFAULT VALUES",
        "UPDATE payouts SET sealed_request = ''",
        "UPDATE payouts SET lease_token = ''",
        "UPDATE tokens SET revoked_at = NULL",
        "INSERT INTO tokens DEFAULT VALUES",
        "SELECT sealed_key FROM endpoints",
    ),
    "reader": (
        "UPDATE payouts SET status = 'paid'",
        "INSERT INTO events DEFAULT VALUES",
        "INSERT INTO cases DEFAULT VALUES",
    ),
    "operator": (
        "UPDATE obligations SET name = 'x'",
        "UPDATE payouts SET payee_masked = ''",
    ),
}


@pytest.mark.parametrize("role", ROLE_NAMES)
def test_a_role_may_not_do_what_its_process_does_not(database: URL, role: str) -> None:
    """
    Each statement is refused for its rights, before anything else of it is looked at.
    """
    with connected(user_of(database, role)) as connection:
        for statement in (*NEVER, *NOT_ALL[role]):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(statement)


#: What is deleted at all, and by whom: marks of the moment, and nothing that was told or decided.
DELETED = {
    "worker": {"alerts", "certificates"},
    "reader": {"alerts"},
    "operator": {"certificates", "foreign_notifications"},
}


@pytest.mark.parametrize("role", ROLE_NAMES)
def test_nobody_deletes_what_was_written_down(database: URL, role: str) -> None:
    """
    No row of any table but the few of `DELETED`, and no table at once.
    """
    with connected(database) as owner:
        may = {
            table.name: owner.execute(
                "SELECT has_table_privilege(%s, %s, 'DELETE'),"
                " has_table_privilege(%s, %s, 'TRUNCATE')",
                [f"payouts_{role}", table.name] * 2,
            ).fetchone()
            for table in metadata.sorted_tables
        }

    assert {name for name, found in may.items() if found == (True, False)} == DELETED.get(
        role, set()
    )
    assert {found[1] for found in may.values() if found} == {False}
