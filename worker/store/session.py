"""
What a PostgreSQL session must be like, whatever the server, the role or a pooler makes of it.

On a direct connection it is set once, when the connection is new. Behind a pooler, which gives each
transaction another of the server's sessions, it is set at the start of each transaction instead,
for this transaction only, and no statement is prepared.
"""

import re
from collections.abc import Mapping

import psycopg
from psycopg import sql

from worker.payouts.errors import StoreUnavailable

#: No statement, lock or forgotten transaction lasts for ever. A URL's `options` may set others, but
#: not lift one.
LIMITS = {
    "statement_timeout": "15s",
    "lock_timeout": "5s",
    "idle_in_transaction_session_timeout": "30s",
}

#: What the store counts on. Nothing overrides it: a year 9999 that is east of Greenwich, or a date
#: in another order, could be stored and never be read again.
_REQUIRED = {"TimeZone": "UTC", "DateStyle": "ISO, MDY"}

#: A commit that is told must be on the disk; how many standbys have it too is the server's affair.
_DURABLE = (
    "set_config('synchronous_commit', CASE current_setting('synchronous_commit')"
    " WHEN 'off' THEN 'on' ELSE current_setting('synchronous_commit') END, {})"
)

#: A statement is prepared on the server when it comes for the fifth time, which is psycopg's own
#: default: it halves the time of a small one.
_PREPARE_THRESHOLD = 5


def wanted(options: str) -> dict[str, str]:
    """
    The settings that are ours to make: the limits, as a URL's `options` have them, and the rest.

    An option that lifts a limit is not followed.
    """
    given = parse_options(options)
    lifted = {name for name in LIMITS if re.fullmatch(r"0+\s*[a-z]*", given.get(name, ""))}
    own = {name: given[name] for name in LIMITS if name in given and name not in lifted}
    return {**LIMITS, **own, **_REQUIRED}


def parse_options(options: str) -> dict[str, str]:
    """
    The settings in a command line of the server's: ``-c name=value`` or ``--name=value``.

    As the server does, it splits at spaces, except behind a backslash, and takes a dash in a name
    for an underscore. What is no setting is passed over.
    """
    words = re.findall(r"(?:[^\s\\]|\\.)+", options, re.DOTALL)
    rest = iter([re.sub(r"\\(.)", r"\1", word) for word in words])
    found = {}
    for word in rest:
        text = next(rest, "") if word == "-c" else word[2:] if word[:2] in {"-c", "--"} else ""
        name, equals, value = text.partition("=")
        if equals:
            found[name.replace("-", "_").lower()] = value
    return found


class Sessions:
    """
    Brings the sessions of one engine into the wanted state.

    A server that takes no writes is no place to work, unless `may_only_read`.
    """

    def __init__(self, options: str, *, may_only_read: bool) -> None:
        self._may_only_read = may_only_read
        ours = wanted(options)
        known = {"synchronous_commit", *(name.lower() for name in ours)}
        others = {n: value for n, value in parse_options(options).items() if n not in known}
        self._per_session = _statement(ours, is_local=False)
        #: What a transaction begins with where the session is not ours to keep. The server has not
        #: seen the URL's options then: poolers refuse or drop them.
        self.per_transaction = _statement({**others, **ours}, is_local=True)

    def prepare(self, connection: psycopg.Connection) -> bool:
        """
        Set up a new connection; return whether a pooler is in between.

        Raises `StoreUnavailable` if the session cannot be made as wanted.
        """
        connection.autocommit = True
        asked = "SELECT pg_backend_pid(), current_setting('transaction_read_only')"
        process, reads_only = connection.execute(asked).fetchone() or (None, None)
        if reads_only == "on" and not self._may_only_read:
            raise StoreUnavailable(
                "its sessions are read-only: it is a standby, or database or role are set so"
            )
        # A pooler tells its clients a number of its own, since their sessions are many servers'.
        is_pooled: bool = process != connection.info.backend_pid
        if is_pooled:
            # Another client may have prepared another statement under the same name.
            connection.prepare_threshold = None
            with connection.transaction():
                connection.execute(self.per_transaction)
                self._verify(connection)
        else:
            connection.execute(self._per_session)
            self._verify(connection)
            connection.prepare_threshold = _PREPARE_THRESHOLD
        connection.autocommit = False
        return is_pooled

    def _verify(self, connection: psycopg.Connection) -> None:
        # Asked for by a statement of its own, and looked up where psycopg will look.
        row = connection.execute("SHOW TimeZone").fetchone()
        known = connection.pgconn.parameter_status(b"TimeZone")
        if row != ("UTC",) or known != b"UTC":
            raise StoreUnavailable(
                "the database's sessions do not keep the time zone UTC; a pooler in between must"
                " give a transaction one session, and pass on what the server reports of it"
            )


def _statement(settings: Mapping[str, str], *, is_local: bool) -> str:
    local = str(is_local).lower()
    calls = [
        f"set_config({sql.Literal(name).as_string()}, {sql.Literal(value).as_string()}, {local})"
        for name, value in settings.items()
    ]
    return f"SELECT {', '.join([*calls, _DURABLE.format(local)])}"
