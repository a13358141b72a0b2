"""
A broker's user that may do what the documents list, and no more: every process works under it.
"""

import contextlib
import tempfile
from pathlib import Path

import redis

from tests.acceptance.conftest import PATIENCE, open_ledger
from tests.waiting import until
from worker.cli.doctor.rights import RULES
from worker.demo.stack import HURRIED, running
from worker.demo.story import cast, enqueue
from worker.embedded.broker import Broker
from worker.payouts.endpoint import EndpointKind
from worker.payouts.status import PayoutStatus


def test_a_payout_is_made_and_nothing_is_refused() -> None:
    """
    From the job to its end and the events on a queue, with every process and Flower.

    The server's own log of what it refused stays empty.
    """
    with (
        tempfile.TemporaryDirectory(prefix="payouts-user-") as folder,
        Broker(Path(folder) / "own") as broker,
        redis.Redis.from_url(broker.url) as server,
    ):
        words = [
            "ACL",
            "SETUSER",
            "app",
            "reset",
            "on",
            ">hunter2",
            *RULES.split(),
            "~shop.events*",
        ]
        server.execute_command(*words)
        url = broker.url.replace("redis://", "redis://app:hunter2@")
        settings = {**HURRIED, "PAYOUTS_BROKER_URL": url}
        (paid,) = [actor for actor in cast() if actor.scenario.name == "paid_later"]
        with (
            running(Path(folder) / "stack", settings=settings, flower=True) as stack,
            contextlib.closing(open_ledger(stack)) as ledger,
        ):
            ledger.add_endpoint("unsealed", EndpointKind.QUEUE, "shop.events", ())
            enqueue(url, [paid])
            until(
                lambda: [p.status for p in ledger.payouts(None, 2)] == [PayoutStatus.PAID],
                PATIENCE,
            )
            until(lambda: server.llen("shop.events") >= 3, PATIENCE)
            users = {client.get("user") for client in server.client_list()}

        assert "app" in users
        refused = {(entry["reason"], entry["object"]) for entry in server.acl_log()}
        assert refused == set()
