"""
A script that pays out and hears what became of it with nothing but Celery: copy it.

With ``pip install "celery[redis]"``, in the folder of your copy, while `payouts dev` runs::

    . ~/.local/state/payouts-dev/dev.env
    payouts endpoints add shop.events --queue
    celery --app celery_alone worker --queues shop.events --pool solo &
    python celery_alone.py pay WITHDRAWAL0001 12345
    python celery_alone.py show

``python celery_alone.py again`` is for cron: it sends what nobody has confirmed so far.
"""

import argparse
import json
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

from celery import Celery

app = Celery("shop", broker=os.environ["PAYOUTS_BROKER_URL"])

_TABLES = """
CREATE TABLE IF NOT EXISTS payouts (
  number TEXT PRIMARY KEY,
  job TEXT,  -- until the payout worker has confirmed it
  status TEXT NOT NULL DEFAULT 'asked for',
  epoch INTEGER NOT NULL DEFAULT 0, version INTEGER NOT NULL DEFAULT 0,
  may_be_paid_again INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE IF NOT EXISTS heard_events (id TEXT PRIMARY KEY);
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
    for job in jobs:
        app.send_task(
            "payouts.enqueue", kwargs={"job": json.loads(job)}, queue="payouts.entry", retry=False
        )


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
    commands.add_parser("show")
    asked = parser.parse_args()
    match asked.command:
        case "pay":
            pay(asked.number, asked.amount_fen)
        case "again":
            again()
        case "show":
            show()
