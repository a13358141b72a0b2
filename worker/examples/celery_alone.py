"""
A script that pays out and hears what became of it with Celery alone: copy it.

With it goes `producer.py`, which seals and sends. In the folder of your copy, while `payouts dev`
runs, with ``pip install "celery[redis]" joserfc``::

    . ~/.local/state/payouts-dev/dev.env
    payouts producers add script
    payouts producers keys add script --to script.key
    export PRODUCER_KEY=script.key
    payouts endpoints add shop.events --queue --producer script
    payouts api --read &
    export READ=$(payouts tokens issue script --scope read)
    celery --app celery_alone worker --queues shop.events --pool solo &
    python celery_alone.py pay WITHDRAWAL0001 12345
    python celery_alone.py show

Two more are for cron: ``python celery_alone.py again`` sends what nobody has confirmed so far, and
``python celery_alone.py catch-up`` hears what no message brought.
"""

import argparse
import json
import logging
import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.client import HTTPException
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from celery import Celery, bootsteps
from celery.worker.state import maybe_shutdown

from worker.producer import OverCelery, Producer

app = Celery("shop", broker=os.environ["PAYOUTS_BROKER_URL"])
log = logging.getLogger("shop")

_TABLES = """
CREATE TABLE IF NOT EXISTS payouts (
  number TEXT PRIMARY KEY,
  job TEXT,  -- until the payout worker has confirmed it
  status TEXT NOT NULL DEFAULT 'asked for',
  epoch INTEGER NOT NULL DEFAULT 0, version INTEGER NOT NULL DEFAULT 0,
  may_be_paid_again INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE IF NOT EXISTS heard_events (id TEXT PRIMARY KEY);
CREATE TABLE IF NOT EXISTS caught_up (
  only INTEGER PRIMARY KEY CHECK (only = 1), position INTEGER NOT NULL, last_id TEXT NOT NULL
);
"""


@contextmanager
def transaction() -> Iterator[sqlite3.Connection]:
    """
    All of it or nothing; whoever writes waits for its turn.
    """
    path = os.environ.get("SHOP_DATABASE", "payouts.sqlite")
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.row_factory = sqlite3.Row
        db.executescript(_TABLES)
        db.execute("BEGIN IMMEDIATE")
        with db:
            yield db


def pay(number: str, amount_fen: int) -> None:
    """
    Write down what is to be paid, then send it: whoever dies in between can send it again.
    """
    job = {
        "out_trade_no": number,
        "amount_fen": amount_fen,
        "payee_account_no": "620000000000000002",
        "payee_account_name": "张三",
        "payee_bank_code": "CMB",
        "payee_account_type": "P",
        "subject": "withdrawal",
    }
    with transaction() as db:
        db.execute("INSERT INTO payouts (number, job) VALUES (?, ?)", [number, json.dumps(job)])
    again()


def again() -> None:
    """
    Send each job that nobody has confirmed. Under the same number it stays one payout.
    """
    with transaction() as db:
        jobs = [row["job"] for row in db.execute("SELECT job FROM payouts WHERE job IS NOT NULL")]
    producer, sender = Producer.load(os.environ["PRODUCER_KEY"]), OverCelery(app)
    for job in jobs:
        sender.pay(producer.seal(json.loads(job)))


# Acknowledged late, and given back if a process of the pool is killed: whoever dies over an event
# is told it again.
@app.task(name="payouts.event", acks_late=True, reject_on_worker_lost=True, ignore_result=True)
def hear(event: dict[str, Any]) -> None:
    """
    Work off an event, once however often it is told: its id is stored with what it changes.
    """
    data = event["data"]
    with transaction() as db:
        is_new = db.execute("INSERT OR IGNORE INTO heard_events VALUES (?)", [event["id"]]).rowcount
        found = db.execute(
            "SELECT * FROM payouts WHERE number = ?", [data.get("out_trade_no")]
        ).fetchone()
        if not is_new or found is None:
            return
        if event["type"] == "job.rejected":
            db.execute(
                "UPDATE payouts SET job = NULL, status = 'rejected'"
                " WHERE number = ? AND job IS NOT NULL",
                [found["number"]],
            )
        # A queue keeps no order between workers: epoch and version do.
        elif (data["epoch"], data["version"]) >= (found["epoch"], found["version"]):
            # Neither `failed` nor `returned` says that it may be paid again. This type alone does.
            is_freed = event["type"] == "obligation.freed"
            db.execute(
                "UPDATE payouts SET job = NULL, status = :status, epoch = :epoch,"
                " version = :version, may_be_paid_again = may_be_paid_again OR :is_freed"
                " WHERE number = :out_trade_no",
                {**data, "is_freed": is_freed},
            )


def catch_up() -> None:
    """
    Hear all that happened since the last time, whatever became of its messages.
    """
    with transaction() as db:
        found = db.execute("SELECT position, last_id FROM caught_up").fetchone()
    position, last_id = found or (1, None)
    page = happened_after(position - 1)
    # What was read last comes first. If not, the database behind was put back and counts anew.
    if last_id not in [None, *(event["id"] for event in page["events"][:1])]:
        page = happened_after(0)
    while page["events"]:
        for event in page["events"]:
            hear(event)
        read = [page["next_after"], page["events"][-1]["id"]]
        with transaction() as db:
            db.execute("INSERT OR REPLACE INTO caught_up VALUES (1, ?, ?)", read)
        page = happened_after(page["next_after"])


def happened_after(position: int) -> dict[str, Any]:
    """
    A page of events by the HTTP API, which is waited for while it is away.
    """
    reads = os.environ.get("PAYOUTS_READ_URL", "http://127.0.0.1:8002")
    request = Request(f"{reads}/v1/events?after={position}&limit=100")
    # Not sent on to wherever an answer might point.
    request.add_unredirected_header("Authorization", f"Bearer {os.environ['READ']}")
    while True:
        try:
            with urlopen(request, timeout=15) as answer:
                page: dict[str, Any] = json.load(answer)
                return page
        except (OSError, HTTPException, ValueError) as fault:
            if isinstance(fault, HTTPError) and fault.code < 500:
                raise SystemExit(f"{reads} refuses to tell what happened: {fault}") from None
            log.warning("%s does not tell what happened, and is asked again: %s", reads, fault)
        time.sleep(1)
        maybe_shutdown()


class CatchUp(bootsteps.StartStopStep):
    """
    Has a worker catch up each time it has connected to the broker, before it takes a message.

    Celery takes a message off Redis, and only then notes that it has it: if it is killed or cut off
    in between, nobody has the message any more.
    """

    requires = ("celery.worker.consumer.connection:Connection",)

    def start(self, parent: Any) -> None:
        """
        Begin only when nothing is missed.
        """
        catch_up()


app.steps["consumer"].add(CatchUp)


def show() -> None:
    """
    Print what is known of each payout.
    """
    with transaction() as db:
        for row in db.execute("SELECT number, status, may_be_paid_again FROM payouts"):
            print(*row)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    commands = parser.add_subparsers(dest="command", required=True)
    paying = commands.add_parser("pay")
    paying.add_argument("number")
    paying.add_argument("amount_fen", type=int)
    commands.add_parser("again")
    commands.add_parser("catch-up")
    commands.add_parser("show")
    asked = parser.parse_args()
    match asked.command:
        case "pay":
            pay(asked.number, asked.amount_fen)
        case "again":
            again()
        case "catch-up":
            catch_up()
        case "show":
            show()
