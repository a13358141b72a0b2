"""
Examples as processes that may die at each of their effects, seen from the outside alone.
"""

import contextlib
import os
import signal
import socket
import subprocess
import sys
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import requests
import sqlalchemy as sa

from tests.examples.rules import AMOUNT_FEN, Seen
from tests.examples.signing import KEY
from tests.waiting import until
from worker.embedded.broker import free_port
from worker.payouts.endpoint import EndpointKind
from worker.store.ledger import SqlLedger

PATIENCE = 30.0

#: An application's tables of accounts, and of the ids that it has heard.
_TABLES = {
    "flask": ("accounts", "heard_events"),
    "django": ("django_shop_account", "django_shop_heardevent"),
    "node": ("", ""),
}
OPENING_FEN = 50_000


class Consumer(ABC):
    """
    An application that hears events, in a process that is started again whenever it was killed.
    """

    #: Where it is told.
    address: str

    def __init__(self, program: str, folder: Path, database: str, **settings: str) -> None:
        self.port = free_port()
        #: What it is to the ledger, so that it hears of its own payouts alone.
        self.producer = folder.name
        self._folder = folder
        self._command = (sys.executable, "-m", "tests.examples.dying", program, folder, self.port)
        self.environment = {**os.environ, **settings}
        self._engine = sa.create_engine(database, poolclass=sa.NullPool)

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        """
        From here to the end of the block.
        """
        with (
            (self._folder / "log").open("wb") as log,
            subprocess.Popen(
                [str(word) for word in self._command],
                env=self.environment,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            ) as process,
        ):
            try:
                until(self.is_ready, PATIENCE)
                yield
            finally:
                # And the process that it has started.
                os.killpg(process.pid, signal.SIGKILL)

    def arm(self, *only: str) -> None:
        """
        From now on it dies at each effect, or `only` at these.
        """
        (self._folder / "arming").write_text("\n".join(only))
        (self._folder / "arming").rename(self._folder / "armed")

    def noted(self, name: str) -> list[str]:
        """
        The effects that it `lived` through, or at which it `died`.

        Or its `kills`, as its parent saw them.
        """
        notes = self._folder / name
        return notes.read_text().splitlines() if notes.exists() else []

    def rows(self, query: str) -> list[tuple[object, ...]]:
        """
        What is in its database.
        """
        with self._engine.connect() as conn:
            return [tuple(row) for row in conn.execute(sa.text(query))]

    @abstractmethod
    def is_ready(self) -> bool:
        """
        Whether it can be asked.
        """

    @abstractmethod
    def join(self, ledger: SqlLedger) -> None:
        """
        Have it told.
        """

    @abstractmethod
    def ask(self) -> str:
        """
        Ask for a payout of `AMOUNT_FEN`; its number.
        """

    def has_heard(self, ledger: SqlLedger) -> bool:
        """
        Whether it has worked off everything, and nothing waits.
        """
        told = {event.uid for event in ledger.events(1000, producer=self.producer)}
        return not self.waiting(ledger) and told == set(self.heard())

    def waiting(self, ledger: SqlLedger) -> int:
        """
        How many events it was not told yet.
        """
        return next(one.waiting for one in ledger.backlogs() if one.address == self.address)

    @abstractmethod
    def tell_again(self, ledger: SqlLedger) -> None:
        """
        Have it told now what would be told again in a while, after it died.
        """

    @abstractmethod
    def heard(self) -> list[str]:
        """
        The ids of the events that it has worked off, in that order.
        """

    @abstractmethod
    def seen(self) -> Mapping[str, Seen]:
        """
        What it shows of each payout.
        """


class Web(Consumer):
    """
    One with a webhook, and a user who withdraws from a balance.
    """

    def __init__(self, program: str, folder: Path, database: str, **settings: str) -> None:
        super().__init__(program, folder, database, WEBHOOK_KEY=KEY, **settings)
        self._accounts, self._heard = _TABLES[program]
        self._site = f"http://127.0.0.1:{self.port}"
        self.address = f"{self._site}/payouts"

    def is_ready(self) -> bool:
        """
        Whether it listens.
        """
        try:
            socket.create_connection(("127.0.0.1", self.port)).close()
        except ConnectionRefusedError:
            return False
        return True

    def join(self, ledger: SqlLedger) -> None:
        """
        By `payouts endpoints add`.
        """
        told = (EndpointKind.WEBHOOK, self.address, ())
        ledger.add_endpoint(self.producer, *told, is_private=True, key=KEY)

    def ask(self) -> str:
        """
        As its user does.
        """
        asked = {
            "amount_fen": AMOUNT_FEN,
            "payee_account_no": "620000000000000002",
            "payee_account_name": "张三",
            "payee_bank_code": "CMB",
        }
        answer = requests.post(f"{self._site}/accounts/1/withdrawals", asked, timeout=PATIENCE)
        return str(answer.json()["number"])

    def tell_again(self, ledger: SqlLedger) -> None:
        """
        By `payouts endpoints retry`, as soon as the relay knows that nobody answered.
        """
        until(lambda: not self._is_being_told(ledger), PATIENCE)
        until(self.is_ready, PATIENCE)
        (own,) = (one.id for one in ledger.endpoints() if one.address == self.address)
        ledger.retry_endpoint(own)

    def _is_being_told(self, ledger: SqlLedger) -> bool:
        """
        Whether the relay waits for an answer: its lease of two minutes outlasts the first pauses.
        """
        soon = datetime.now(UTC) + timedelta(minutes=1)
        events = ledger.events(1000, producer=self.producer)
        made = [one for event in events for _, one, _ in ledger.deliveries(event)]
        return any(one.next_at is not None and one.next_at > soon for one in made)

    def heard(self) -> list[str]:
        """
        As its table of them says.
        """
        place = {"sqlite": "rowid", "postgresql": "ctid"}[self._engine.name]
        found = self.rows(f"SELECT id FROM {self._heard} ORDER BY {place}")
        return [str(uid) for (uid,) in found]

    def seen(self) -> Mapping[str, Seen]:
        """
        As its user sees it.
        """
        until(self.is_ready, PATIENCE)
        told = requests.get(f"{self._site}/accounts/1/withdrawals", timeout=PATIENCE).json()
        return {
            one["number"]: Seen(one["status"], AMOUNT_FEN * one["is_given_back"])
            for one in told["withdrawals"]
        }

    def balance_fen(self) -> object:
        """
        What its user has again.
        """
        ((balance_fen,),) = self.rows(f"SELECT balance_fen FROM {self._accounts}")
        return balance_fen
