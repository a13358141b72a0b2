"""
The plugin for pytest, used by an application's own tests, out of the wheel that is shipped.
"""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.acceptance.conftest import PATIENCE

ROOT = Path(__file__).parents[2]

CONFTEST = 'pytest_plugins = ["worker.testing.plugin"]\n'

#: An application's tests. The job that it enqueues itself is sent with nothing but Celery.
SUITE = """
from pathlib import Path

import pytest
from celery import Celery

import worker
from worker.testing.payouts import NotHappened

ENDS = ["paid", "failed", "returned", "partly_returned", "cancelled", "freed", "needs_attention"]


def test_it_comes_out_of_the_wheel():
    assert Path(worker.__file__).is_relative_to({wheel!r})


@pytest.mark.parametrize("name", ENDS)
def test_a_payout_ends_as_wanted(payouts, name):
    event = payouts.make(name, amount_fen=4711)
    assert event["type"].partition(".")[2] == name
    assert event["data"]["amount_fen"] == 4711
    number = event["data"]["out_trade_no"]
    assert payouts.events(number)[0]["type"] == "payout.accepted"


def test_a_rejection_says_why(payouts):
    assert payouts.make("rejected")["data"]["faults"][0] == "invalid"


def test_the_events_of_the_applications_own_job_are_awaited(payouts):
    job = dict(
        out_trade_no="OURS0001", amount_fen=100, payee_account_no="6225000000000000",
        payee_account_name="X", payee_bank_code="CMB", payee_account_type="P", subject="ours",
    )
    with Celery(broker=payouts.broker_url, set_as_current=False) as app:
        app.send_task("payouts.enqueue", kwargs={{"job": job}}, queue="payouts.entry")
    assert payouts.wait("paid", "OURS0001")["data"]["status"] == "paid"


def test_what_does_not_happen_is_told(payouts):
    with pytest.raises(NotHappened, match="no payout.paid of NOBODYS01 .*: nothing"):
        payouts.wait("paid", "NOBODYS01", timeout=0.1)
"""


@pytest.fixture
def wheel(tmp_path: Path) -> Path:
    """
    The wheel's content, as an installer would lay it down.
    """
    folder = tmp_path / "wheel"
    argv = [sys.executable, "-m", "hatchling", "build", "--target", "wheel"]
    subprocess.run([*argv, "--directory", folder], cwd=ROOT, check=True, capture_output=True)
    (path,) = folder.glob("*.whl")
    with zipfile.ZipFile(path) as archive:
        archive.extractall(folder / "installed")
    return folder / "installed"


def test_an_application_tests_against_a_stack(tmp_path: Path, wheel: Path) -> None:
    """
    One stack for the session: payouts end as wanted, and events are awaited.
    """
    suite = tmp_path / "suite"
    suite.mkdir()
    (suite / "conftest.py").write_text(CONFTEST)
    (suite / "test_shop.py").write_text(SUITE.format(wheel=str(wheel)))
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "--rootdir", suite, suite],
        cwd=suite,
        env={**os.environ, "PYTHONPATH": str(wheel), "PYTEST_ADDOPTS": ""},
        capture_output=True,
        text=True,
        timeout=2 * PATIENCE,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert "11 passed" in done.stdout
