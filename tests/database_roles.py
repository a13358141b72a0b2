"""
A user of PostgreSQL's for each kind of process, with the rights of `payouts migrate --roles`.
"""

import re

import psycopg
from sqlalchemy import URL, make_url

from worker.cli.migrate import ROLES
from worker.demo.stack import Stack

#: The role of each process, by the beginning of its name.
_PROCESSES = {
    "receiver": "web",
    **dict.fromkeys(("worker", "sender", "querier"), "worker"),
    "relay": "relay",
}


def connected(url: URL) -> psycopg.Connection:
    """
    A connection of the given user's, each statement by itself.
    """
    conninfo = url.set(drivername="postgresql").render_as_string(hide_password=False)
    return psycopg.connect(conninfo, autocommit=True)


def user_of(url: URL, role: str) -> URL:
    """
    The database, as a user who has one role.
    """
    return url.set(username=f"test_{role}")


def prepare(url: URL) -> None:
    """
    Make the roles as the owner of the tables, and a user of each.
    """
    with connected(url) as owner:
        owner.execute(ROLES.read_text())
        for (role,) in owner.execute(
            "SELECT rolname FROM pg_roles WHERE rolname LIKE 'payouts\\_%'"
        ).fetchall():
            user = "test_" + role.removeprefix("payouts_")
            if not owner.execute("SELECT FROM pg_roles WHERE rolname = %s", [user]).rowcount:
                owner.execute(f"CREATE ROLE {user} LOGIN IN ROLE {role}")


def start_by_role(stack: Stack) -> URL:
    """
    Start each process of a stack on PostgreSQL anew, by its role; return the owner's database.
    """
    owner = make_url(stack.environment["PAYOUTS_DATABASE_URL"])
    prepare(owner)
    for process in [*stack.children]:
        if role := _PROCESSES.get(process.rstrip("2")):
            url = user_of(owner, role).render_as_string(hide_password=False)
            stack.kill(process)
            stack.start(process, own={"PAYOUTS_DATABASE_URL": url})
    return owner


def refusals(stack: Stack) -> list[str]:
    """
    What the server's log says that it did not permit.
    """
    log = (stack.directory / "postgres" / "postgres.log").read_text(errors="replace")
    return re.findall(r".*permission denied.*", log)
