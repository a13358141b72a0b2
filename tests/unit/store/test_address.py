"""
A database's address: understood in every usual form, and told without its password.
"""

import re

import pytest
import sqlalchemy as sa

from worker.payouts.errors import SettingsError
from worker.store.address import parse, place
from worker.store.database import Database
from worker.store.engine import create_engine

SECRET = ("hunter2", "hunter", "Secr", "et2")


@pytest.mark.parametrize(
    "url",
    [
        "postgres://worker:hunter2@db:5432/payouts",
        "postgresql://worker:hunter2@db:5432/payouts",
        "postgresql+psycopg://worker:hunter2@db:5432/payouts",
        " postgresql://worker:hunter2@db:5432/payouts\n",
        "postgresql://worker@db:5432/payouts?password=hunter2",
    ],
)
def test_every_usual_form_is_understood(url: str) -> None:
    """
    Heroku's `postgres://`, a driver's name, and a line end behind it, are all the same address.
    """
    parsed = parse(url)

    assert parsed.get_backend_name() == "postgresql"
    assert (parsed.username, parsed.password, parsed.host) == ("worker", "hunter2", "db")
    assert place(url) == "postgresql://db:5432/payouts"
    assert "hunter2" not in repr(create_engine(url))


@pytest.mark.parametrize("password", ["Secr/et2", "Secr et2", "Secr:et2", "Secr?et2", "Secr#et2"])
def test_a_password_may_hold_what_is_special_elsewhere(password: str) -> None:
    """
    Only @ and % have to be encoded in it; nothing of it shows.
    """
    url = f"postgresql://worker:{password}@127.0.0.1:1/payouts"
    engine = create_engine(url)

    assert engine.url.password == password
    with pytest.raises(sa.exc.OperationalError) as caught:
        engine.connect()
    told = str(caught.value) + repr(engine) + place(url)
    assert [part for part in SECRET if part in told] == []


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("postgresql://worker:Secr@et2@db/payouts", "is not between password and host"),
        ("postgresql://wor/ker:hunter2@db/payouts", "is not between password and host"),
        ("postgresql://worker:Secr@x?et2@db/payouts", "is not between password and host"),
        ("postgresql://worker:hunter2", "not a database URL"),
        ("postgresql://worker:hunter2/payouts", "not a database URL"),
        ("worker:hunter2@db/payouts", "not a database URL"),
        ("postgresql:/worker:hunter2@db/payouts", "not a database URL"),
        ("post gresql://worker:hunter2@db/payouts", "not a database URL"),
        ("hunter2", "not a database URL"),
        ("", "not a database URL"),
        ("postgresql://", "not a database URL"),
        ("mysql://worker:hunter2@db/payouts", "not on mysql"),
        ("postgresql://worker:hunter2@db/payouts?sslmod=require", "does not know: sslmod"),
        ("postgresql://worker@db/payouts?Hunter2=x", r"does not know: \.\.\."),
        ("postgresql://worker@db/payouts?row_factory=hunter2", "does not know: row_factory"),
    ],
)
def test_what_is_no_address_is_told_without_its_password(url: str, told: str) -> None:
    """
    A person reads what is wrong and how to write it; no part of the password shows.
    """
    with pytest.raises(SettingsError, match=f"PAYOUTS_DATABASE_URL: .*{told}") as caught:
        Database(url)
    shown = f"{caught.value}{caught.value.__cause__}"
    assert [part for part in SECRET if re.search(part, shown, re.IGNORECASE)] == []


def test_a_place_is_asked_for_an_address() -> None:
    """
    What cannot be shortened is refused, and not shown as it is.
    """
    with pytest.raises(ValueError, match="not a database URL"):
        place("hunter2")
