"""
The database's address: taken apart here, and told without its password.
"""

import re

import sqlalchemy as sa
from psycopg import pq
from sqlalchemy import exc

_KINDS = {"sqlite": "sqlite", "postgresql": "postgresql", "postgres": "postgresql"}

_PLACES = {"host", "port"}

_EXPECTED = (
    "this is not a database URL; expected postgresql://USER:PASSWORD@HOST:PORT/NAME or"
    " sqlite:////PATH"
)
_ENCODE = "what is special in a password is written as in any URL: @ is %40, / is %2F, : is %3A"

#: What PostgreSQL's client takes beside user, password, host, port and database.
_PARAMETERS = frozenset(option.keyword.decode() for option in pq.Conninfo.get_defaults())


def parse(url: str | sa.URL) -> sa.URL:
    """
    Take a database URL apart. Raises `ValueError`, which quotes no part that may be a password.

    ``postgres://`` is ``postgresql://``, and spaces around it do not count. A password in the query
    is moved to where it is hidden.
    """
    text = url if isinstance(url, str) else url.render_as_string(hide_password=False)
    kind, _, rest = text.strip().partition("://")
    name, plus, driver = kind.partition("+")
    if not rest or not re.fullmatch(r"[a-z_]+", name):
        raise ValueError(_EXPECTED)
    if name not in _KINDS:
        raise ValueError(f"the store runs on sqlite or postgresql, not on {name}")
    try:
        parsed = sa.make_url(f"{_KINDS[name]}{plus}{driver}://{rest}")
    except (exc.ArgumentError, ValueError):
        # What was taken for a port is no number: it may be a password whose host is missing.
        raise ValueError(f"{_EXPECTED}; {_ENCODE}") from None
    if _KINDS[name] == "sqlite":
        return parsed
    if rest.count("@") > 1 or "@" in f"{parsed.host}{parsed.database}":
        raise ValueError(f"an @ in this database URL is not between password and host; {_ENCODE}")
    return _checked(parsed)


def place(url: str | sa.URL) -> str:
    """
    A database URL, shortened to kind, host and name. Raises `ValueError` if it is none.
    """
    parsed = parse(url)
    host = parsed.host or ""
    port = f":{parsed.port}" if parsed.port else ""
    return f"{parsed.get_backend_name()}://{host}{port}/{parsed.database or ''}"


def parameters(url: sa.URL) -> dict[str, str]:
    """
    What a PostgreSQL URL's query says beside hosts and ports; `options` may be given repeatedly.
    """
    given = {name: value for name, value in url.normalized_query.items() if name not in _PLACES}
    return {name: " ".join(v) if name == "options" else v[-1] for name, v in given.items()}


def _checked(url: sa.URL) -> sa.URL:
    unknown = sorted(set(url.query) - _PARAMETERS)
    if unknown:
        named = ", ".join(name for name in unknown if re.fullmatch(r"[a-z_]{1,40}", name))
        raise ValueError(
            f"the database URL's query has what PostgreSQL's client does not know: {named or '...'}"
        )
    passwords = url.normalized_query.get("password")
    if passwords:
        url = url.difference_update_query(["password"]).set(password=passwords[-1])
    return url
