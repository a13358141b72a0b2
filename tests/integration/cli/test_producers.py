"""
`payouts producers` and `payouts tokens`: who may use the HTTP API, as an operator says.
"""

import json

from tests.integration.cli.conftest import Run
from worker.payouts.producers import Scope
from worker.store.ledger import SqlLedger
from worker.usecases.producers import identify


def test_a_producer_gets_a_token_that_is_shown_once(run: Run, ledger: SqlLedger) -> None:
    """
    Standard output is the secret alone, as a script takes it, and no list holds it.
    """
    assert run("producers", "add", "shop").exit_code == 0
    secret = run("tokens", "issue", "shop", "--scope", "read", "--name", "dashboard").stdout.strip()

    assert identify(ledger, secret, Scope.READ) == "shop"
    for told in (run("tokens", "list").stdout, run("tokens", "list", "--json").stdout):
        assert "dashboard" in told
        assert secret not in told


def test_a_token_says_who_issued_it_and_until_when(run: Run, ledger: SqlLedger) -> None:
    """
    The list tells whose it is, its scope, and the moment it ends.
    """
    run("producers", "add", "shop")
    made = json.loads(
        run("tokens", "issue", "shop", "--scope", "accept", "--expires-in", "2d", "--json").stdout
    )
    (listed,) = json.loads(run("tokens", "list", "--json").stdout)["tokens"]

    assert {**listed, "token": made["token"]} == made
    (kept,) = ledger.tokens()
    assert kept.expires_at is not None
    assert (kept.expires_at - kept.issued_at).total_seconds() == 2 * 86_400
    assert (listed["producer"], listed["scope"], listed["revoked_at"]) == ("shop", "accept", None)


def test_a_revoked_token_says_why(run: Run, ledger: SqlLedger) -> None:
    """
    With a reason for the record, which the list shows; a second time is refused.
    """
    run("producers", "add", "shop")
    made = json.loads(run("tokens", "issue", "shop", "--scope", "read", "--json").stdout)

    assert run("tokens", "revoke", str(made["id"])).exit_code == 2
    assert run("tokens", "revoke", str(made["id"]), "--why", "leaked").exit_code == 0
    assert "leaked" in run("tokens", "list", "--producer", "shop").stdout
    assert run("tokens", "list", "--producer", "unsealed").stdout == "none\n"
    again = run("tokens", "revoke", str(made["id"]), "--why", "leaked")
    assert (again.exit_code, again.stderr) == (
        1,
        f"Error: token {made['id']} is revoked already\n",
    )


def test_a_disabled_producer_stays_on_the_list(run: Run, ledger: SqlLedger) -> None:
    """
    With the reason, and gets no token any more.
    """
    run("producers", "add", "shop")
    assert run("producers", "disable", "shop", "--why", "sold").exit_code == 0

    assert "sold" in run("producers", "list").stdout
    refused = run("tokens", "issue", "shop", "--scope", "read")
    assert (refused.exit_code, refused.stderr) == (1, "Error: producer shop is disabled\n")


def test_whoever_disables_a_producer_is_told_who_still_hears(run: Run, ledger: SqlLedger) -> None:
    """
    Its payouts go on, so its endpoints do; each is named with the command that ends it.
    """
    for name in ("shop", "payroll"):
        run("producers", "add", name)
        run("endpoints", "add", f"{name}.old", "--queue", "--producer", name)
        run("endpoints", "add", f"{name}.events", "--queue", "--producer", name)
    run("endpoints", "disable", "1")
    told = run("producers", "disable", "shop", "--why", "sold").stdout

    assert told.splitlines()[1:] == [
        "shop.events is still told of its payouts: `payouts endpoints disable 2` ends that"
    ]
    refused = run("endpoints", "add", "shop.new", "--queue", "--producer", "shop")
    assert (refused.exit_code, "no active producer shop" in refused.stderr) == (1, True)


def test_what_cannot_be_says_what_to_do(run: Run, ledger: SqlLedger) -> None:
    """
    An unknown producer, a name that is none, a lifetime that is none.
    """
    unknown = run("tokens", "issue", "shop", "--scope", "read")
    assert (unknown.exit_code, "`payouts producers list`" in unknown.stderr) == (1, True)
    assert run("producers", "add", "My Shop").exit_code == 1
    for lasting in ("soon", "0s", "36501d", "99999999999d"):
        refused = run("tokens", "issue", "unsealed", "--scope", "read", "--expires-in", lasting)
        assert refused.exit_code == 2, lasting
