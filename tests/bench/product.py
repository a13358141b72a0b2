"""
All that the benchmarks know of the product's inside; whoever renames something changes it here.
"""

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypedDict

import sqlalchemy as sa
from pydantic import SecretStr

from worker import bootstrap
from worker.demo import audit
from worker.embedded.broker import Broker, free_port
from worker.embedded.children import Child
from worker.embedded.postgres import Postgres
from worker.in_flight import BATCH
from worker.jdpay import canonical, envelope, request
from worker.jdpay.certificates import load_jd, load_merchant
from worker.jdpay.signature import SHA_256, SignKey
from worker.jdpay.transport import Transport
from worker.payouts.acceptance import Entry
from worker.payouts.claim import Asker, Claimant
from worker.payouts.endpoint import Endpoint, EndpointKind
from worker.payouts.event import Event, EventType
from worker.payouts.model import AttemptOutcome, Order, Payee, Terms
from worker.payouts.news import Ending, of_reply
from worker.payouts.pace import Pace
from worker.processes import MOST_IN_FLIGHT
from worker.sandbox import debts
from worker.settings import Settings, StoreSettings
from worker.store.bulk import BulkUpdate
from worker.store.history import read_history
from worker.store.keyring import Keyring
from worker.store.keys import SEALED, with_its_payout
from worker.store.ledger import SqlLedger
from worker.store.seals import Seals
from worker.store.tables import payouts
from worker.webhooks.client import WebhookCourier

__all__ = ["BATCH", "MOST_IN_FLIGHT", "Broker", "Child", "Postgres", "free_port"]

#: The entry message, as every producer knows it.
ENTRY_TASK, ENTRY_QUEUE = "payouts.enqueue", "payouts.entry"

#: Payee accounts of the sandbox: paid in the reply; and accepted, then paid and notified.
PAID_AT_ONCE, PAID_LATER = "620000000000000001", "620000000000000002"

#: The column that is set once a payout has its final status, newest name first.
_FINAL = ("finalized_at", "settled_at")

#: What a row that waits to be sent becomes, in SQL, to be taken for a paid one by the sweep.
PAID_ROW = {"status": "'paid'", "reason": "'paid'", "exposed": "TRUE", "next_send_at": "NULL"}

#: The tables with a payout's story, parents first, and their texts that hold its number.
STORY = {
    "obligations": ("name",),
    "payouts": ("out_trade_no", "obligation"),
    "attempts": (),
    "evidence": ("out_trade_no", "number"),
    "transitions": (),
}

_HAS = "EXISTS (SELECT 1 FROM evidence e WHERE e.payout_id = payouts.id AND"

#: So many copies are sealed at once.
_AT_ONCE = 5_000

_LEASE = timedelta(minutes=5)
_WEBHOOK_KEY = "whsec_YWxsIG91ciBldmVudHM="
_AMOUNT_FEN = 12_345
_MERCHANT, _FAST = "360080000000000001", Pace(1_000_000)
_CLAIMANT = Claimant(lambda _: "nothing", _LEASE, "bench", _MERCHANT, _FAST, timedelta(seconds=30))
_ASKER = Asker(_MERCHANT, _FAST, lambda _: _LEASE)
_TERMS = Terms("sandbox", _MERCHANT, "https://127.0.0.1:9", "http://127.0.0.1:9/notify")


def new_key() -> str:
    """
    A key for the keyring.
    """
    return Keyring.generate_key()


def final_count(connection: sa.Connection) -> int:
    """
    How many payouts have their final status.
    """
    return _count(connection, f"{_final_column(connection)} IS NOT NULL")


def confirmed_count(connection: sa.Connection) -> int:
    """
    How many of those were notified and then confirmed by a query, with all evidence weighed.
    """
    return _count(
        connection,
        f"{_final_column(connection)} IS NOT NULL AND {_HAS} e.source = 'notification')"
        f" AND {_HAS} e.source = 'query') AND NOT {_HAS} e.applied_at IS NULL)",
    )


def unrested_count(connection: sa.Connection) -> int:
    """
    How many have no final status, or were not notified yet, or have evidence to be weighed.
    """
    return _count(
        connection,
        f"{_final_column(connection)} IS NULL OR NOT {_HAS} e.source = 'notification')"
        f" OR {_HAS} e.applied_at IS NULL)",
    )


def _count(connection: sa.Connection, condition: str) -> int:
    found = connection.execute(sa.text(f"SELECT count(*) FROM payouts WHERE {condition}"))
    return int(found.scalar_one())


def _final_column(connection: sa.Connection) -> str:
    columns = {column["name"] for column in sa.inspect(connection).get_columns("payouts")}
    return next(name for name in _FINAL if name in columns)


class Wire:
    """
    What pays a number at the gateway, as the product writes it: rendered, signed and sealed.
    """

    def __init__(self) -> None:
        settings = Settings.load()
        self._terms = settings.terms
        self._key = SignKey(settings.sign_key.get_secret_value())
        password = settings.pfx_password.get_secret_value()
        self._merchant = load_merchant(settings.pfx_file.read_bytes(), password)
        self._jd = load_jd(settings.jd_cert_file.read_bytes())
        self.url = f"{self._terms.gateway_url}/defray_pay"
        self.ca_file = str(settings.ca_file)

    def form(self, out_trade_no: str) -> dict[str, str]:
        """
        The form fields to be posted to `url`.
        """
        now = datetime.now(UTC)
        text = canonical.write(request.defray_pay(_order(out_trade_no), self._terms, now))
        return {
            "customer_no": self._terms.customer_no,
            "sign_type": SHA_256,
            "sign_data": self._key.sign(text),
            "encrypt_type": "RSA",
            "encrypt_data": envelope.seal(canonical.encode(text), self._merchant, self._jd, now),
        }


def new_connection(url: str, ca_file: Path) -> Callable[[], object]:
    """
    A function that posts over a connection of its own, as the product does.
    """
    transport = Transport(ca_file=str(ca_file))
    return lambda: transport.post(url, {"customer_no": "1"}, lambda: None)


def kept_connection(url: str, ca_file: Path) -> Callable[[], object]:
    """
    A function that asks over the connection of the question before, as the product does.
    """
    transport = Transport(ca_file=str(ca_file))
    return lambda: transport.ask(url, {"customer_no": "1"})


def telling(url: str) -> Callable[[], object]:
    """
    A function that tells one event to a webhook on this machine, as the relay does.
    """
    now = datetime.now(UTC)
    kind, keys = EndpointKind.WEBHOOK, (_WEBHOOK_KEY,)
    endpoint = Endpoint(1, "unsealed", kind, url, frozenset(), True, now, keys=keys)
    event = Event("ab" * 16, EventType.ACCEPTED, now, "unsealed", _MERCHANT, "EVENT1", 1)
    courier = WebhookCourier()
    return lambda: courier.tell(endpoint, event)


class Ledger:
    """
    The ledger's own methods, as a worker and a sweep call them.
    """

    def __init__(self, ledger: SqlLedger) -> None:
        self._ledger = ledger

    def accept(self, out_trade_no: str) -> int:
        """
        Accept a payout that is due at once; return its id.
        """
        (accepted,) = self._ledger.accept([Entry(_order(out_trade_no))], _TERMS)
        assert accepted is not None
        return accepted

    def listen(self, url: str) -> None:
        """
        Have every event told to a webhook on this machine.
        """
        self._ledger.add_endpoint(
            *("unsealed", EndpointKind.WEBHOOK, url, ()), is_private=True, key=_WEBHOOK_KEY
        )

    def work(self, batch: int) -> int:
        """
        Take up to so many due payouts; claim each, do nothing, and record how that ended.
        """
        claims = self._ledger.claim_due_sends(batch, _CLAIMANT).claims
        endings = (Ending(claim.attempt, AttemptOutcome.ANSWERED, "0000") for claim in claims)
        self._ledger.take_in([of_reply(ending, None) for ending in endings])
        return len(claims)

    def audit(self, books: Mapping[str, Any], jobs: Sequence["Job"]) -> tuple[int, int]:
        """
        Hold the ledger against the gateway's books and the producer's jobs.

        Returns how many numbers or debts were paid twice, and about how many others something else
        is wrong.
        """
        now = self._ledger.now()
        asked = [
            debts.Job(job["out_trade_no"], job["amount_fen"], job["out_trade_no"], now)
            for job in jobs
        ]
        found = audit.audit(books, asked, self._ledger)
        return found.duplicates, found.missing

    def seal_copies(self, stride: int) -> None:
        """
        Seal what rows copied of others hold, so that it opens there: ids lie `stride` apart.
        """
        with self._ledger._transaction() as conn:
            for table, columns in SEALED.items():
                if table.name in STORY:
                    _seal_copies(conn, self._ledger.seals, table, columns, stride)

    def sweep(self, limit: int) -> Mapping[str, Callable[[], object]]:
        """
        The queries of a sweep, by what they look for.
        """
        ledger = self._ledger
        return {
            "due sends": lambda: ledger.find_due_sends(_MERCHANT, limit),
            "due queries": lambda: ledger.claim_due_queries(limit, _ASKER),
            "expired leases": lambda: ledger.expire_leases(limit),
            "waiting evidence": lambda: ledger.find_unapplied(limit),
            "unsent for a day": lambda: ledger.find_stale(limit, timedelta(days=1)),
            "overdue": lambda: ledger.mark_overdue(limit, timedelta(hours=2)),
            "tally of the breaker": lambda: ledger.tally(_TERMS.customer_no, timedelta(minutes=5)),
        }


@contextlib.contextmanager
def open_ledger(database_url: str, key: str) -> Iterator[Ledger]:
    """
    The ledger on a migrated database.
    """
    settings = StoreSettings(database_url=SecretStr(database_url), keyring=SecretStr(key))
    with contextlib.closing(bootstrap.open_ledger(settings)) as ledger:
        yield Ledger(ledger)


def _seal_copies(
    conn: sa.Connection,
    seals: Seals,
    table: sa.Table,
    columns: Sequence[sa.Column[Any]],
    stride: int,
) -> None:
    update, last = BulkUpdate(table, {"row": table.c.id}), 0
    contents: dict[tuple[int, str], bytes] = {}
    following = with_its_payout(table).order_by(table.c.id).limit(_AT_ONCE)
    while found := conn.execute(following.where(table.c.id > last)).mappings().all():
        copies: list[dict[str, object]] = []
        for one in found:
            last = one["id"]
            copy: dict[str, object] = {"row": last}
            if table is payouts:
                copy["history"] = str(read_history(conn, last))
            row = {**one, **copy}
            for column in columns:
                place = ((last - 1) % stride, column.name)
                if last <= stride and row[column.name] is not None:
                    contents[place] = seals.open(column, row)
                content = contents.get(place)
                copy[column.name] = None if content is None else seals.seal(column, row, content)
            if last > stride:
                copies.append(copy)
        if copies:
            update.execute(conn, copies)


def _order(out_trade_no: str) -> Order:
    return Order(
        out_trade_no=out_trade_no,
        amount_fen=_AMOUNT_FEN,
        subject="bench",
        payee=Payee(PAID_AT_ONCE, "张三", "CMB", account_type="P", card_type="DE"),
        obligation=out_trade_no,
    )


class Job(TypedDict):
    """
    What a producer asks for, as its message has it.
    """

    out_trade_no: str
    amount_fen: int
    payee_account_no: str
    payee_account_name: str
    payee_bank_code: str
    payee_account_type: str
    payee_card_type: str
    subject: str


def job(out_trade_no: str, account_no: str) -> Job:
    """
    The job that a producer sends.
    """
    return {
        "out_trade_no": out_trade_no,
        "amount_fen": _AMOUNT_FEN,
        "payee_account_no": account_no,
        "payee_account_name": "张三",
        "payee_bank_code": "CMB",
        "payee_account_type": "P",
        "payee_card_type": "DE",
        "subject": "bench",
    }
