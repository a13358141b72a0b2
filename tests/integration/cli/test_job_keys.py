"""
`payouts producers keys`, and jobs that are sealed with what it makes.
"""

import json
from pathlib import Path

import pytest

from tests import sealing
from tests.integration.cli.conftest import Run
from tests.integration.cli.samples import NUMBER, a_job
from worker.store.ledger import SqlLedger

pytestmark = pytest.mark.usefixtures("merchant_settings")


@pytest.fixture
def shop(run: Run, ledger: SqlLedger) -> None:
    """
    A producer without a key.
    """
    assert run("producers", "add", "shop").exit_code == 0


@pytest.mark.usefixtures("shop")
def test_a_key_is_a_file_that_nobody_else_may_read(run: Run, tmp_path: Path) -> None:
    """
    It says whose it is and whom it is for; no list and no answer holds its secret.
    """
    path = tmp_path / "shop.key"

    made = run("producers", "keys", "add", "shop", "--to", str(path), "--json")

    assert path.stat().st_mode & 0o777 == 0o600
    found = json.loads(path.read_text())
    assert (found["kid"], found["kty"], found["profile"]) == ("shop.1", "oct", "sandbox")
    listed = run("producers", "keys", "list").stdout
    assert "shop.1" in listed
    for told in (made.output, listed, run("producers", "keys", "list", "--json").stdout):
        assert found["k"] not in told


@pytest.mark.usefixtures("shop")
def test_no_file_is_written_over(run: Run, tmp_path: Path, ledger: SqlLedger) -> None:
    """
    And no file is left of a key that could not be made.
    """
    path, other = tmp_path / "shop.key", tmp_path / "nobody.key"
    path.write_text("something else")

    assert run("producers", "keys", "add", "shop", "--to", str(path)).exit_code == 2
    assert run("producers", "keys", "add", "nobody", "--to", str(other)).exit_code == 1

    assert path.read_text() == "something else"
    assert not other.exists()
    assert ledger.job_keys() == []


@pytest.mark.usefixtures("shop")
def test_a_producer_brings_a_public_key(run: Run, tmp_path: Path, ledger: SqlLedger) -> None:
    """
    The file that it gets holds nothing that is secret; a secret half is refused.
    """
    public = {
        "kty": "OKP",
        "crv": "Ed25519",
        "x": sealing.encoded(sealing.public_ed25519(b"s" * 32)),
    }
    brought, path = tmp_path / "public.jwk", tmp_path / "shop.key"
    brought.write_text(json.dumps({**public, "d": sealing.encoded(b"s" * 32)}))
    add = ("producers", "keys", "add", "shop", "--public", str(brought), "--to", str(path))

    refused = run(*add)
    assert refused.exit_code == 1
    assert "secret half" in refused.output
    brought.write_text(json.dumps(public))
    assert run(*add).exit_code == 0

    own = next(key for key in ledger.job_keys() if key.producer is None)
    found = json.loads(path.read_text())
    assert found["recipient"]["x"] == sealing.encoded(sealing.public_x25519(own.material))
    assert (found["kid"], found["recipient"]["kid"]) == ("shop.1", "OWN.1")
    assert "d" not in found


@pytest.mark.parametrize("form", [(), ("--signing",)])
@pytest.mark.usefixtures("shop", "worker_takes")
def test_what_is_sealed_with_it_is_accepted(
    run: Run, tmp_path: Path, ledger: SqlLedger, form: tuple[str, ...]
) -> None:
    """
    As the producer's; and no more once the key is retired.
    """
    path, job = tmp_path / "shop.key", tmp_path / "job.json"
    assert run("producers", "keys", "add", "shop", "--to", str(path), *form).exit_code == 0
    job.write_text(json.dumps(a_job()))
    enqueue = ("enqueue", "--key", str(path), "--wait", "10")

    done = run(*enqueue, str(job))
    assert done.exit_code == 0, done.output

    (payout,) = ledger.payouts(None, 9)
    assert (payout.out_trade_no, payout.producer, payout.job_key) == (NUMBER, "shop", "shop.1")
    assert run("producers", "keys", "retire", "shop.1", "--why", "lost").exit_code == 0
    job.write_text(json.dumps(a_job("WITHDRAW0009")))
    late = run(*enqueue, str(job))
    assert late.exit_code == 1
    assert "shop.1 was retired" in late.output


@pytest.mark.usefixtures("shop", "broker")
def test_a_key_file_that_others_may_read_is_not_used(run: Run, tmp_path: Path) -> None:
    """
    With what to do about it.
    """
    path = tmp_path / "shop.key"
    run("producers", "keys", "add", "shop", "--to", str(path))
    path.chmod(0o644)

    told = run("enqueue", "--key", str(path), "-", text=json.dumps(a_job()))

    assert told.exit_code == 2
    assert "chmod 600" in told.output


@pytest.mark.usefixtures("shop")
def test_who_may_say_that_a_key_counts(run: Run, tmp_path: Path) -> None:
    """
    Nobody has to in the sandbox, where it does at once.
    """
    run("producers", "keys", "add", "shop", "--to", str(tmp_path / "shop.key"))

    told = run("producers", "keys", "approve", "shop.1")

    assert told.exit_code == 1
    assert "waits for nobody" in told.output
