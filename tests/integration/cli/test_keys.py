"""
`payouts keys`: one key takes the place of another, and a process that is killed amid it hurts not.
"""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Sequence

import pytest
import sqlalchemy as sa

from tests.factories import TERMS, an_order
from tests.integration.cli.conftest import Run
from worker import bootstrap
from worker.payouts.acceptance import Entry
from worker.store.keyring import Keyring, key_of
from worker.store.ledger import SqlLedger
from worker.store.tables import payouts

#: Rotates, and is killed amid one of its transactions.
KILLED = """
import os, signal
from sqlalchemy import event
from worker import bootstrap
from worker.usecases.keys import rotate

ledger, commits = bootstrap.ledger(), []

def commit(_conn):
    commits.append(1)
    if len(commits) == 12:
        os.kill(os.getpid(), signal.SIGKILL)

event.listen(ledger._engine, "commit", commit)
rotate(ledger, "mei", lambda *_: None)
"""


def sealed_payees(ledger: SqlLedger) -> Sequence[sa.Row[tuple[bytes]]]:
    """
    What each payout's row holds of its payee.
    """
    with ledger._snapshot() as conn:
        return conn.execute(sa.select(payouts.c.sealed_payee)).all()


@pytest.fixture
def keys(monkeypatch: pytest.MonkeyPatch, store_settings: str) -> tuple[str, str]:
    """
    A database that a key has sealed, and a keyring with a new one in front; their ids, new first.
    """
    old, new = os.environ["PAYOUTS_KEYRING"], Keyring.generate_key()
    before = bootstrap.ledger()
    before.accept([Entry(an_order(f"P-{place}")) for place in range(3)], TERMS)
    before.close()
    bootstrap.ledger.cache_clear()
    monkeypatch.setenv("PAYOUTS_KEYRING", f"{new},{old}")
    found = Keyring([new, old]).ids
    return found[0], found[1]


def test_a_key_takes_the_place_of_another(run: Run, keys: tuple[str, str]) -> None:
    """
    Listed before and after, with what each seals; no secret is told.
    """
    new, old = keys

    before = json.loads(run("keys", "list", "--json").stdout)["keys"]
    done = run("keys", "rotate")
    after = json.loads(run("keys", "list", "--json").stdout)["keys"]
    shown = run("keys", "list").stdout

    assert [(one["key"], one["seals"], one["current"]) for one in before] == [
        (new, 0, False),
        (old, 12, True),
    ]
    assert done.stdout == f"6 rows sealed anew; the key {new} seals from now on\n"
    assert [(one["key"], one["seals"], one["current"]) for one in after] == [
        (new, 12, True),
        (old, 0, False),
    ]
    assert new in shown
    assert not any(secret in shown for secret in os.environ["PAYOUTS_KEYRING"].split(","))


def test_a_key_that_is_needed_is_not_retired(run: Run, keys: tuple[str, str]) -> None:
    """
    It says what to do first; and just after, from when on it can be.
    """
    new, old = keys
    refused = run("keys", "retire", old)
    run("keys", "rotate")
    too_soon = run("keys", "retire", old)

    assert (refused.exit_code, "`payouts keys rotate`" in refused.stderr) == (1, True)
    assert (too_soon.exit_code, "possible from" in too_soon.stderr) == (1, True)
    assert run("keys", "retire", new).exit_code == 1


def test_a_key_in_use_that_is_missing_is_named_at_the_start(
    run: Run, keys: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    By its public id, before anything is opened: the operator knows which to look for.
    """
    new, old = keys
    monkeypatch.setenv("PAYOUTS_KEYRING", os.environ["PAYOUTS_KEYRING"].split(",")[0])

    told = run("list")

    assert told.exit_code == 1
    assert old in told.stderr
    assert new not in told.stderr


def test_who_is_killed_amid_it_can_begin_anew(
    run: Run, keys: tuple[str, str], ledger: SqlLedger
) -> None:
    """
    All opens, what is done is done, and the next one does the rest.
    """
    new, old = keys
    many = [Entry(an_order(f"M-{place:04}")) for place in range(2000)]
    ledger.accept(many, TERMS)
    killed = subprocess.run([sys.executable, "-c", KILLED], check=False)
    renewed = [key_of(row.sealed_payee) == new for row in sealed_payees(ledger)]
    done = sum(renewed)

    assert killed.returncode == -signal.SIGKILL
    assert 0 < done < 2003
    assert [ledger.order(place).out_trade_no for place in (1, 2003)] == ["P-0", "M-1999"]
    again = json.loads(run("keys", "rotate", "--json").stdout)
    assert again == {"key": new, "rows": 2 * 2003 - done, "left": 0}
    counts = {
        one["key"]: one["seals"] for one in json.loads(run("keys", "list", "--json").stdout)["keys"]
    }
    assert counts == {new: 4 * 2003, old: 0}
