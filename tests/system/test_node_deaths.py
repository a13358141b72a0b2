"""
The Node example, killed at each of its effects while a relay tells it what became of payouts.
"""

import itertools
import json
import os
from collections.abc import Mapping
from pathlib import Path

import requests

from tests.contract.samples import keyed
from tests.examples.consumers import PATIENCE, Web
from tests.examples.rules import AMOUNT_FEN, Seen
from tests.examples.test_deaths import died_everywhere, hears_in_order, knows_all, walked
from tests.servers import SqliteDatabases
from tests.system import servers
from tests.waiting import until

EFFECTS = ("the line", "half a line", "after the line", "after fsync")


class Node(Web):
    """
    Its server, which asks for nothing and knows what it has heard.
    """

    def __init__(self, installed: Path, folder: Path) -> None:
        path = f"{servers.programs('node', 'nodejs')}:{os.environ['PATH']}"
        settings = {"PATH": path, "FOLDER": str(folder), "SCRIPT": str(installed / "webhook.js")}
        super().__init__("node", folder, "sqlite://", **settings)
        self._numbers = itertools.count(1)
        self._events = folder / "events.jsonl"

    def ask(self) -> str:
        """
        Another program does.
        """
        return f"WITHDRAWAL{next(self._numbers):04}"

    def heard(self) -> list[str]:
        """
        As its whole lines say.
        """
        text = self._events.read_text() if self._events.exists() else ""
        return [json.loads(line)["id"] for line in text.splitlines(True) if line.endswith("\n")]

    def seen(self) -> Mapping[str, Seen]:
        """
        What it shows.
        """
        until(self.is_ready, PATIENCE)
        told = requests.get(self.address, timeout=PATIENCE).json()
        return {
            number: Seen(one["status"], AMOUNT_FEN * one["may_be_paid_again"])
            for number, one in told.items()
        }


def test_a_webhook_that_dies_at_each_effect_hears_all_in_order(
    installed: Path, tmp_path: Path, sqlite_databases: SqliteDatabases, broker_url: str
) -> None:
    """
    Before its line is written, in the middle of it and after it, and around fsync and answer.
    """
    node = Node(installed, tmp_path)
    with walked([node], sqlite_databases.prepared(keyed), broker_url) as ledger:
        knows_all(node, ledger)
        hears_in_order(node, ledger)
        died_everywhere(node, *EFFECTS, "the answer", "after the answer")
