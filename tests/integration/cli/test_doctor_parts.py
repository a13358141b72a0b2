"""
What the doctor says of the parts: from real rows, a real queue and a receiver that really answers.
"""

import contextlib
import http.server
import threading
import time
from collections.abc import Iterator

import pytest
import redis
import sqlalchemy as sa
from werkzeug.serving import make_server

from tests.integration.cli.diagnosis import Examine
from tests.integration.cli.samples import MERCHANT, handler, queued
from worker.broker.names import QueueName
from worker.jdpay.signature import SignKey
from worker.store.engine import create_engine
from worker.store.ledger import SqlLedger
from worker.web.app import build


@contextlib.contextmanager
def serving(server: http.server.HTTPServer) -> Iterator[int]:
    """
    A server at work in a thread; its port.
    """
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def receiver(
    healthy: None, ledger: SqlLedger, monkeypatch: pytest.MonkeyPatch
) -> Iterator[SqlLedger]:
    """
    The receiver, where JD is to send its notifications; and a sweep has just ended.
    """
    with serving(make_server("127.0.0.1", 0, build(handler(ledger), SignKey("test")))) as port:
        monkeypatch.setenv("PAYOUTS_NOTIFY_URL", f"http://127.0.0.1:{port}/jdpay/notify")
        ledger.end_sweep(MERCHANT)
        yield ledger


def minutes_ago(url: str, statement: str) -> None:
    """
    Write into the database from outside; `:then` is ten minutes ago.
    """
    engine = create_engine(url)
    then = time.strftime("%Y-%m-%d %H:%M:%S.000000", time.gmtime(time.time() - 600))
    with engine.begin() as conn:
        assert conn.execute(sa.text(statement), {"then": then}).rowcount > 0
    engine.dispose()


def test_nothing_was_started_yet(healthy: None, examine: Examine) -> None:
    """
    That is no fault: the doctor is asked before the parts are started, too.
    """
    diagnosis = examine()

    assert diagnosis.exit_code == 0
    assert "nothing was ever started on this database | start beat" in diagnosis.told("parts", "ok")


def test_all_parts_get_on(receiver: SqlLedger, examine: Examine) -> None:
    """
    Each is told by what it does.
    """
    diagnosis = examine()

    told = diagnosis.told("parts", "ok")
    assert "beat and worker: the last sweep ended well" in told
    assert "sender: no payout that may be sent is late" in told
    assert "querier: no question is late" in told
    assert "/health says that it works" in told
    assert diagnosis.exit_code == 0


def test_sweeps_have_ended(receiver: SqlLedger, examine: Examine, store_settings: str) -> None:
    """
    Beat or worker is gone.
    """
    minutes_ago(store_settings, "UPDATE sweeps SET ended_at = :then")

    diagnosis = examine()
    assert "beat or worker is missing" in diagnosis.told("parts", "fault")
    assert diagnosis.exit_code == 1


@pytest.mark.parametrize(
    ("statement", "part"),
    [
        ("UPDATE payouts SET next_send_at = :then", "the sender is missing"),
        (
            "UPDATE payouts SET status = 'processing', next_send_at = NULL, next_query_at = :then",
            "the querier is missing",
        ),
    ],
)
def test_what_is_due_is_not_done(
    receiver: SqlLedger, examine: Examine, store_settings: str, statement: str, part: str
) -> None:
    """
    For ten minutes nobody has claimed it.
    """
    queued(receiver)
    minutes_ago(store_settings, statement)

    assert part in examine().told("parts", "fault")


@pytest.mark.parametrize(
    ("queue", "part"),
    [
        (QueueName.ENTRY, "no worker"),
        (QueueName.SWEEP, "no worker"),
        (QueueName.SEND, "no sender"),
        (QueueName.QUERY, "no querier"),
    ],
)
def test_nobody_takes_messages(
    receiver: SqlLedger, examine: Examine, broker_url: str, queue: QueueName, part: str
) -> None:
    """
    The message whose turn it is has been that for ten minutes, as was remembered at the last look.
    """
    with contextlib.closing(redis.Redis.from_url(broker_url)) as client:
        client.flushdb()
        client.lpush(queue, "a message")
        assert examine().told("parts", "fault") == ""
        known = client.hget("payouts:next", queue)
        assert isinstance(known, bytes)
        digest, since = known.decode().split()
        client.hset("payouts:next", queue, f"{digest} {int(since) - 600}")
        told = examine().told("parts", "fault")
        client.flushdb()

    assert f"nobody takes messages from {queue}: 1 wait, the first for 60" in told
    assert part in told


def test_nobody_receives(
    receiver: SqlLedger, examine: Examine, monkeypatch: pytest.MonkeyPatch, free_port: int
) -> None:
    """
    Notifications are lost then, payouts are not: a warning.
    """
    monkeypatch.setenv("PAYOUTS_NOTIFY_URL", f"http://127.0.0.1:{free_port}/jdpay/notify")

    diagnosis = examine()
    told = diagnosis.told("parts", "warning")
    assert f"no receiver answers this host at http://127.0.0.1:{free_port}/health" in told
    assert diagnosis.exit_code == 0


@pytest.mark.parametrize(
    ("code", "level", "told"),
    [
        (503, "fault", "cannot work: fail"),
        (404, "ok", "shows no /health (404)"),
    ],
)
def test_something_else_answers(
    receiver: SqlLedger,
    examine: Examine,
    monkeypatch: pytest.MonkeyPatch,
    code: int,
    level: str,
    told: str,
) -> None:
    """
    A receiver whose database is away says 503; what stands before it may hide the address.
    """

    class Answers(http.server.BaseHTTPRequestHandler):
        """
        One answer to every question.
        """

        def do_GET(self) -> None:
            """
            Give it.
            """
            self.send_response(code)
            self.end_headers()
            self.wfile.write(b"fail")

        def log_message(self, *_args: object) -> None:
            """
            Not to standard error.
            """

    with serving(http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answers)) as port:
        monkeypatch.setenv("PAYOUTS_NOTIFY_URL", f"http://127.0.0.1:{port}/jdpay/notify")

        assert told in examine().told("parts", level)
