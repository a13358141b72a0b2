r"""
A Flask app whose users withdraw their balance over the HTTP API, whose yes is durable: copy it.

With it goes `producer.py`, which seals and sends. Beside `payouts dev`, with ``pip install flask
joserfc "celery[redis]" standardwebhooks``::

    . ~/.local/state/payouts-dev/dev.env
    payouts api --accept &
    payouts producers add flask-shop
    payouts producers keys add flask-shop --to flask-shop.key
    export PRODUCER_KEY=flask-shop.key
    export WEBHOOK_KEY=$(payouts endpoints add http://127.0.0.1:5000/payouts --private \
      --producer flask-shop | grep -o 'whsec_.*')
    flask --app worker.examples.flask_shop open-account 50000
    flask --app worker.examples.flask_shop run

Then, in another terminal::

    curl http://127.0.0.1:5000/accounts/1/withdrawals -d amount_fen=12345 -d payee_bank_code=CMB \
      -d payee_account_no=620000000000000002 -d payee_account_name=张三
    curl http://127.0.0.1:5000/accounts/1/withdrawals

``flask --app worker.examples.flask_shop hand-over`` is for cron: it repeats what got no answer.
"""

import json
import os
import secrets
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from typing import Any

import click
from flask import Flask, request
from standardwebhooks import Webhook, WebhookVerificationError

from worker.producer import OverHttp, Producer, Refused, Undecided, Unusable

API = os.environ.get("PAYOUTS_API", "http://127.0.0.1:8001")

app = Flask(__name__)

_TABLES = """
CREATE TABLE IF NOT EXISTS accounts (id INTEGER PRIMARY KEY, balance_fen INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS withdrawals (
  number TEXT PRIMARY KEY, account INTEGER NOT NULL, amount_fen INTEGER NOT NULL,
  job TEXT,  -- until the payout worker has said yes or no to it
  status TEXT NOT NULL DEFAULT 'asked for',
  epoch INTEGER NOT NULL DEFAULT 0, version INTEGER NOT NULL DEFAULT 0,
  is_given_back INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE IF NOT EXISTS heard_events (id TEXT PRIMARY KEY);
"""


@contextmanager
def transaction() -> Iterator[sqlite3.Connection]:
    """
    All of it or nothing; whoever writes waits for its turn.
    """
    path = os.environ.get("SHOP_DATABASE", "shop.sqlite")
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.row_factory = sqlite3.Row
        db.executescript(_TABLES)
        db.execute("BEGIN IMMEDIATE")
        with db:
            yield db


@app.cli.command("open-account")
@click.argument("balance_fen", type=int)
def open_account(balance_fen: int) -> None:
    """
    Open an account with a balance, in fen.
    """
    with transaction() as db:
        db.execute("INSERT INTO accounts (balance_fen) VALUES (?)", [balance_fen])


@app.post("/accounts/<int:account>/withdrawals")
def withdraw(account: int) -> tuple[dict[str, Any], int]:
    """
    Take the amount from the balance, and commit that; then hand the job over.
    """
    number = f"W{secrets.token_hex(12).upper()}"
    job = {
        "out_trade_no": number,
        "amount_fen": request.form.get("amount_fen", 0, type=int),
        "payee_account_no": request.form.get("payee_account_no", ""),
        "payee_account_name": request.form.get("payee_account_name", ""),
        "payee_bank_code": request.form.get("payee_bank_code", ""),
        "payee_account_type": "P",
        "subject": "withdrawal",
    }
    with transaction() as db:
        lowered = db.execute(
            "UPDATE accounts SET balance_fen = balance_fen - :amount_fen"
            " WHERE id = :account AND balance_fen >= :amount_fen AND :amount_fen > 0",
            {**job, "account": account},
        )
        if lowered.rowcount == 0:
            return {"amount_fen": "more than the balance, or nothing"}, 422
        db.execute(
            "INSERT INTO withdrawals (number, account, amount_fen, job) VALUES (?, ?, ?, ?)",
            [number, account, job["amount_fen"], json.dumps(job)],
        )
    hand_over()
    return {"number": number}, 202


@app.cli.command("hand-over")
def hand_over_command() -> None:
    """
    Hand over what has had no answer so far.
    """
    hand_over()


def hand_over() -> None:
    """
    Post each job that has had neither a yes nor a no, again and again under the same number.

    A number is the key of its request: however often it is posted, it is one payout.
    """
    # In no order, so that one without an answer holds up no other for good.
    kept = "SELECT number, job FROM withdrawals WHERE job IS NOT NULL ORDER BY random()"
    with transaction() as db:
        jobs = db.execute(kept).fetchall()
    producer, worker = Producer.load(os.environ["PRODUCER_KEY"]), OverHttp(API)
    for number, job in jobs:
        try:
            worker.pay(producer.seal(json.loads(job)))
        except (Refused, Unusable) as refusal:
            app.logger.warning("%s is left to people: %s", number, refusal)
            with transaction() as db:
                _reject(db, number)
        except Undecided as fault:
            app.logger.warning("%s is tried again: %s", number, fault)
            return
        else:
            with transaction() as db:
                db.execute("UPDATE withdrawals SET job = NULL WHERE number = ?", [number])


@app.get("/accounts/<int:account>/withdrawals")
def withdrawals(account: int) -> dict[str, Any]:
    """
    What became of an account's withdrawals.
    """
    wanted = "SELECT number, amount_fen, status, is_given_back FROM withdrawals WHERE account = ?"
    with transaction() as db:
        return {"withdrawals": [dict(row) for row in db.execute(wanted, [account])]}


@app.post("/payouts")
def events() -> tuple[str, int]:
    """
    Take an event in: the answer is a yes once it is committed, and only then.
    """
    try:
        verifier = Webhook(os.environ["WEBHOOK_KEY"])
        event = verifier.verify(request.get_data(), dict(request.headers))
    except (WebhookVerificationError, ValueError):
        return "", 401
    hear(event)
    return "", 204


def hear(event: Mapping[str, Any]) -> None:
    """
    Work off an event, once however often it is told: its id is stored with what it changes.
    """
    data = event["data"]
    with transaction() as db:
        is_new = db.execute("INSERT OR IGNORE INTO heard_events VALUES (?)", [event["id"]]).rowcount
        found = db.execute(
            "SELECT * FROM withdrawals WHERE number = ?", [data.get("out_trade_no")]
        ).fetchone()
        if not is_new or found is None:
            return
        if event["type"] == "job.rejected":
            _reject(db, found["number"])
            return
        if (data["epoch"], data["version"]) < (found["epoch"], found["version"]):
            return
        db.execute(
            "UPDATE withdrawals SET job = NULL, status = :status, epoch = :epoch,"
            " version = :version WHERE number = :out_trade_no",
            data,
        )
        # Neither `failed` nor `returned` says that it may be paid again. This alone does.
        if event["type"] == "obligation.freed" and not found["is_given_back"]:
            db.execute(
                "UPDATE withdrawals SET is_given_back = 1 WHERE number = ?", [found["number"]]
            )
            db.execute(
                "UPDATE accounts SET balance_fen = balance_fen + ? WHERE id = ?",
                [found["amount_fen"], found["account"]],
            )


def _reject(db: sqlite3.Connection, number: str) -> None:
    """
    Leave to people what was not accepted: `payouts rejections` tells them why.
    """
    db.execute(
        "UPDATE withdrawals SET job = NULL, status = 'rejected'"
        " WHERE number = ? AND job IS NOT NULL",
        [number],
    )
