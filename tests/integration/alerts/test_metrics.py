"""
`payouts metrics`: the same facts for Prometheus, and the rules that alert on them.
"""

import json
import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from importlib import resources
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from tests.contract.samples import KEY, MERCHANT, accepted
from tests.integration.alerts.conftest import PATIENCE, Place
from tests.integration.alerts.faults import FAULTS
from tests.waiting import until
from worker.embedded.broker import free_port
from worker.payouts.policy.alerts import RULES
from worker.web import metrics

RULE_FILE = resources.files("worker.web") / "alert_rules.yml"


def figures(page: str) -> dict[tuple[str, ...], float]:
    """
    Each sample of a page, by its name and the values of its labels.
    """
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(page)
        for sample in family.samples
    }


def rules() -> dict[str, dict[str, Any]]:
    """
    The rules of the file, by the condition that each alerts on.
    """
    (group,) = yaml.safe_load(RULE_FILE.read_text(encoding="utf-8"))["groups"]
    return {rule["expr"]: rule for rule in group["rules"]}


def scraped(place: Place) -> dict[tuple[str, ...], float]:
    """
    What a scrape of the place tells.
    """
    return figures(metrics.page(place.monitor.look()).decode())


@dataclass
class Server:
    """
    A running `payouts metrics`.
    """

    process: subprocess.Popen[bytes]
    port: int
    log: Path

    def get(self, path: str = "/metrics") -> tuple[int, str]:
        """
        Status and body; 0 while nobody listens.
        """
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=20) as reply:
                return reply.status, reply.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, ""
        except OSError:
            return 0, ""

    def lines(self) -> list[dict[str, Any]]:
        """
        What it has logged.
        """
        return [json.loads(line) for line in self.log.read_text().splitlines()]


@pytest.fixture
def server(place: Place, tmp_path: Path) -> Iterator[Server]:
    """
    The process over the place's database and broker.
    """
    port, log = free_port(), tmp_path / "log"
    environment = {
        "PAYOUTS_DATABASE_URL": place.engine.url.render_as_string(hide_password=False),
        "PAYOUTS_KEYRING": KEY,
        "PAYOUTS_BROKER_URL": place.broker.url,
        "PAYOUTS_CUSTOMER_NO": MERCHANT,
        "PAYOUTS_SIGN_KEY": "test",
    }
    with (
        log.open("wb") as told,
        subprocess.Popen(
            [sys.executable, "-m", "worker", "metrics", "--port", str(port)],
            env={**os.environ, **environment},
            stderr=told,
        ) as process,
    ):
        found = Server(process, port, log)
        until(lambda: found.get()[0] == 200, PATIENCE)
        yield found
        process.kill()


@pytest.mark.parametrize("name", ["paused", "astray_misspelt", "nothing_sent", "clock_wrong"])
def test_a_fault_is_in_the_metrics_until_it_is_mended(place: Place, name: str) -> None:
    """
    Each alert is there, as 0 or 1, with its severity.
    """
    fault, kinds = FAULTS[name]
    alerts = {("payouts_alert", rule.kind.value, rule.severity.value) for rule in RULES}

    def firing() -> set[str]:
        found = scraped(place)
        assert alerts == {key for key in found if key[0] == "payouts_alert"}
        return {key[1] for key in alerts if found[key]}

    with fault(place):
        until(lambda: firing() == kinds, PATIENCE)
    until(lambda: firing() == set(), PATIENCE)


def test_the_figures_are_the_facts(place: Place) -> None:
    """
    Counts, ages and moments, of the database and of the broker.
    """
    accepted(place.ledger, "P-1")
    accepted(place.ledger, "P-2")
    place.app.send_task("payouts.sweep", queue="payouts.sweep")
    place.ledger.pause(MERCHANT, "drill", "mei")
    place.ledger.note_checkpoint(timedelta(0))
    swept_at = place.ledger.health(MERCHANT).swept_at
    found = scraped(place)

    assert swept_at is not None
    assert found["payouts_last_sweep_timestamp_seconds",] == swept_at.timestamp()
    noted = place.ledger.checkpoint(1)
    assert noted is not None
    assert found["payouts_checkpoint_number",] == 1
    assert found["payouts_checkpoint_timestamp_seconds",] == noted.at.timestamp()
    assert f"{int(found['payouts_checkpoint_digest',]):012x}" == noted.digest[:12]
    assert found["payouts_sends_due",] == 2
    assert found["payouts_paused",] == 1
    assert found["payouts_queue_messages", "payouts.sweep"] == 1
    assert found["payouts_queue_messages", "payouts.entry"] == 0
    assert abs(found["payouts_database_clock_seconds",]) < 1
    assert abs(found["payouts_broker_clock_seconds",]) < 2


def test_it_serves_and_tells_and_ends(server: Server, place: Place) -> None:
    """
    Whoever scrapes brings the lines about; a database that is away is a scrape that fails.
    """
    place.ledger.pause(MERCHANT, "kill switch", "mei")
    status, page = server.get()
    elsewhere, _ = server.get("/other")
    place.ledger.resume(MERCHANT, "mended", "mei")
    _, after = server.get()
    server.process.send_signal(signal.SIGTERM)

    assert (status, elsewhere) == (200, 404)
    assert figures(page)["payouts_alert", "paused", "page"] == 1
    assert figures(after)["payouts_alert", "paused", "page"] == 0
    assert server.process.wait(PATIENCE) == 0
    told = [(line["level"], line["message"], line["alert"]) for line in server.lines()]
    assert told == [("error", "alert begins", "paused"), ("info", "alert ends", "paused")]


def test_what_cannot_be_asked_is_no_figure(server: Server, place: Place) -> None:
    """
    The scrape fails, so that an alert on missing figures comes; then all is well again.
    """
    place.execute("ALTER TABLE sweeps RENAME TO sweeps_away")
    away, _ = server.get()
    place.execute("ALTER TABLE sweeps_away RENAME TO sweeps")
    back, _ = server.get()

    assert (away, back) == (503, 200)


def test_each_alert_has_a_rule_with_its_severity_and_command() -> None:
    """
    The file says what the table says; one rule more is for figures that do not come.
    """
    found = rules()
    expected = {f'payouts_alert{{kind="{rule.kind}"}} == 1': rule for rule in RULES}

    assert found.keys() == {*expected, "absent(payouts_alert)"}
    for condition, rule in expected.items():
        told = found[condition]
        assert told["labels"] == {"severity": rule.severity}
        assert told["annotations"].keys() == {"summary", "command"}
        assert told["annotations"]["command"] == rule.command
        name = "".join(word.title() for word in rule.kind.split("_"))
        assert told["alert"] == f"Payouts{name}"
    assert found["absent(payouts_alert)"]["labels"] == {"severity": "page"}


def test_the_rules_are_printed() -> None:
    """
    Whoever installed a wheel needs no path into it.
    """
    command = [sys.executable, "-m", "worker", "metrics", "--rules"]
    printed = subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True).stdout

    assert printed == RULE_FILE.read_text(encoding="utf-8")
