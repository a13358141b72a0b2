"""
`payouts trigger` where it must not, or cannot, make anything happen.
"""

import json

import pytest
import redis

from tests.integration.cli.conftest import Run


def waiting(broker_url: str) -> int:
    """
    How many jobs are on the queue of a broker that others use as well.
    """
    with redis.Redis.from_url(broker_url) as client:
        return int(client.llen("payouts.entry"))


def test_nothing_is_made_up_outside_the_sandbox(
    run: Run, merchant_settings: str, broker_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    With the live profile it says so, and no job is on the queue.
    """
    monkeypatch.setenv("PAYOUTS_BROKER_URL", broker_url)
    monkeypatch.setenv("PAYOUTS_PROFILE", "live")
    before = waiting(broker_url)

    result = run("trigger", "paid", "--wait", "0.1")

    assert result.exit_code == 1
    assert "PAYOUTS_PROFILE: events are made up with the sandbox only" in result.stderr
    assert waiting(broker_url) == before


def test_without_a_worker_the_job_still_waits(
    run: Run, merchant_settings: str, broker_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    What is on the queue may still be paid: nothing else is claimed.
    """
    monkeypatch.setenv("PAYOUTS_BROKER_URL", broker_url)
    before = waiting(broker_url)

    result = run("trigger", "paid", "--wait", "0.1", "--json")
    told = json.loads(result.stdout)

    assert result.exit_code == 1
    assert told["events"] == []
    assert "no worker has taken its job yet, and one still may" in told["error"]
    assert waiting(broker_url) == before + 1


def test_a_broker_that_is_away_is_named(
    run: Run, merchant_settings: str, free_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    By its address, without its password.
    """
    monkeypatch.setenv("PAYOUTS_BROKER_URL", f"redis://:hunter2@127.0.0.1:{free_port}/0")

    result = run("trigger", "paid")

    assert result.exit_code == 1
    assert f"the broker redis://127.0.0.1:{free_port} cannot be reached" in result.stderr
    assert "hunter2" not in result.output
