"""
The Django example on both databases: its outbox beside a broker that is down, and its webhook.
"""

import base64
import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import redis
from sqlalchemy import make_url

from tests.examples.rules import AMOUNT_FEN, EACH_RULE, Event, Rule, Seen, an_event
from tests.examples.signing import EACH_FORGERY, KEY, Headers, posted
from tests.servers import Databases
from tests.unit.producer.opening import SHARED, open_shared, write_key
from tests.waiting import until
from worker.embedded.broker import Broker
from worker.producer import Unusable
from worker.webhooks.signature import new_key

OPENING_FEN = 50_000
PAYEE = {
    "payee_account_no": "620000000000000002",
    "payee_account_name": "张三",
    "payee_bank_code": "CMB",
}
PATIENCE = 60.0


@pytest.fixture(scope="module", autouse=True)
def _django(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """
    Django, set up once in a process; everything else keeps its time zone.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PAYOUTS_BROKER_URL", "redis://127.0.0.1:1/0")
        patch.setenv("WEBHOOK_KEY", KEY)
        patch.setenv("PRODUCER_KEY", write_key(tmp_path_factory.mktemp("key") / "shop.key", SHARED))
        patch.setenv("SHOP_DATABASE", "{}")
        patch.setenv("DJANGO_SETTINGS_MODULE", "tests.examples.django_settings")
        patch.setenv("TZ", os.environ.get("TZ", ""))
        import django  # noqa: PLC0415

        django.setup()
        yield
    time.tzset()


def described(url: str) -> dict[str, Any]:
    """
    A database as Django's settings describe one.
    """
    found = make_url(url)
    if found.get_backend_name() == "sqlite":
        from worker.examples.django_shop.settings import DATABASES  # noqa: PLC0415

        return {**DATABASES["default"], "NAME": found.database}
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": found.database,
        "USER": found.username,
        "PASSWORD": found.password or "",
        "HOST": found.query.get("host", found.host),
        "PORT": found.query.get("port", found.port) or "",
    }


class DjangoShop:
    """
    The app over a database of its own, with one withdrawal.
    """

    def __init__(self, database: dict[str, Any]) -> None:
        from django.test import Client  # noqa: PLC0415

        from worker.examples.django_shop import models, withdrawals  # noqa: PLC0415

        self.database = database
        self.models = models
        self.withdrawals = withdrawals
        self.client = Client(raise_request_exception=False)
        self.account = models.Account.objects.create(balance_fen=OPENING_FEN)
        self.number = withdrawals.withdraw(self.account.pk, AMOUNT_FEN, PAYEE).number

    def post(self, body: bytes, headers: Headers) -> int:
        """
        The status with which a webhook's request is answered.
        """
        answer = self.client.post(
            "/payouts", body, content_type=headers["Content-Type"], headers=headers
        )
        return answer.status_code

    def hear(self, event: Event) -> None:
        """
        Be told of an event as the relay tells it.
        """
        assert self.post(*posted(event)) == 204

    def seen(self) -> Seen:
        """
        What its users see of the withdrawal.
        """
        answer = self.client.get(f"/accounts/{self.account.pk}/withdrawals").json()
        (found,) = answer["withdrawals"]
        back = found["account__balance_fen"] - OPENING_FEN + AMOUNT_FEN
        assert found["is_given_back"] is (back > 0)
        return Seen(found["status"], back)

    @contextlib.contextmanager
    def relaying(self, broker_url: str, log: Path) -> Iterator[subprocess.Popen[bytes]]:
        """
        The command that sends the outbox's jobs, as a process of its own.
        """
        environment = {
            **os.environ,
            "PAYOUTS_BROKER_URL": broker_url,
            "SHOP_DATABASE": json.dumps(self.database),
        }
        command = [sys.executable, "-m", "django", "relay_jobs"]
        with (
            log.open("wb") as output,
            subprocess.Popen(command, env=environment, stderr=output) as process,
        ):
            try:
                yield process
            finally:
                process.kill()


@pytest.fixture
def shop(databases: Databases) -> Iterator[DjangoShop]:
    """
    The app on either database.
    """
    from django.core.management import call_command  # noqa: PLC0415
    from django.db import connections  # noqa: PLC0415

    database = described(databases.fresh())
    connections.settings = connections.configure_settings({"default": {**database}})
    del connections["default"]
    call_command("migrate", run_syncdb=True, verbosity=0)
    yield DjangoShop(database)
    connections.close_all()


def job_in(sealed: str) -> Any:
    """
    What a worker finds under the seal.
    """
    return open_shared(sealed)[-1]["job"]


def waiting(broker_url: str) -> list[str]:
    """
    The sealed jobs on the queue, the first that was sent first.
    """
    with contextlib.closing(redis.Redis.from_url(broker_url)) as client:
        found: Any = client.lrange("payouts.entry", 0, -1)
    messages = [json.loads(one) for one in reversed(found)]
    return [json.loads(base64.b64decode(one["body"]))[1]["job"] for one in messages]


@EACH_RULE
def test_it_keeps_the_rules(shop: DjangoShop, rule: Rule) -> None:
    """
    Those that every application keeps.
    """
    rule(shop)


@EACH_FORGERY
def test_what_is_not_signed_is_not_believed(
    shop: DjangoShop, forge: Callable[[Event], tuple[bytes, Headers]]
) -> None:
    """
    401, and nothing is stored: the true event is taken afterwards.
    """
    freed = an_event(shop.number, "obligation.freed", 4)

    assert shop.post(*forge(freed)) == 401
    assert shop.seen() == Seen("asked for")
    shop.hear(freed)
    assert shop.seen() == Seen("failed", AMOUNT_FEN)


def test_during_a_rotation_either_key_will_do(shop: DjangoShop) -> None:
    """
    The new key signs beside the one that the application still has.
    """
    body, headers = posted(an_event(shop.number, "payout.paid", 3), new_key(), KEY)

    assert shop.post(body, headers) == 204


def test_a_fault_leaves_nothing_and_is_no_yes(shop: DjangoShop) -> None:
    """
    The id is stored with the work or not at all: told again, the event still counts.
    """
    from django.db import connection  # noqa: PLC0415

    account = shop.models.Account._meta.db_table
    freed = an_event(shop.number, "obligation.freed", 4)
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE {account} RENAME TO away")
        failed = shop.post(*posted(freed))
        cursor.execute(f"ALTER TABLE away RENAME TO {account}")

    assert failed == 500
    assert shop.seen() == Seen("asked for")
    shop.hear(freed)
    assert shop.seen() == Seen("failed", AMOUNT_FEN)


def test_told_many_times_at_once_it_gives_back_once(shop: DjangoShop) -> None:
    """
    As by two relays, or by hand: one event in eight requests, and two that free in turn.
    """
    from django.db import connections  # noqa: PLC0415

    freed = [an_event(shop.number, "obligation.freed", version) for version in (4, 5)]

    def tell(place: int) -> int:
        try:
            return shop.post(*posted(freed[place % 2]))
        finally:
            connections.close_all()

    with ThreadPoolExecutor(8) as pool:
        answers = set(pool.map(tell, range(16)))

    assert answers == {204}
    assert shop.seen() == Seen("failed", AMOUNT_FEN)


def test_the_job_is_part_of_the_applications_transaction(shop: DjangoShop) -> None:
    """
    Rolled back, there is neither a withdrawal nor a job; and nobody withdraws what is not there.
    """
    from django.db import transaction  # noqa: PLC0415

    with contextlib.suppress(ZeroDivisionError), transaction.atomic():
        shop.withdrawals.withdraw(shop.account.pk, 1, PAYEE)
        raise ZeroDivisionError
    with pytest.raises(Unusable):
        shop.withdrawals.withdraw(shop.account.pk, 1, {"payee_account_name": object()})
    with pytest.raises(shop.withdrawals.NotEnough):
        shop.withdrawals.withdraw(shop.account.pk, OPENING_FEN, PAYEE)
    shop.account.refresh_from_db()

    assert shop.account.balance_fen == OPENING_FEN - AMOUNT_FEN
    assert [one.pk for one in shop.models.OutboxJob.objects.all()] == [shop.number]


def test_a_broker_that_is_down_loses_nothing(
    shop: DjangoShop, tmp_path: Path, free_port: int
) -> None:
    """
    Transactions commit without it, at first and after it was there; once it is up it has the jobs.
    """
    log = tmp_path / "relay.log"

    def downs() -> int:
        return log.read_text().count("the broker is down")

    with shop.relaying(f"redis://127.0.0.1:{free_port}/0", log):
        until(downs, PATIENCE)
        (entry,) = shop.models.OutboxJob.objects.all()
        with Broker(tmp_path / "broker", free_port) as broker:
            until(lambda: waiting(broker.url), PATIENCE)
            (job,) = waiting(broker.url)
        before = downs()
        later = shop.withdrawals.withdraw(shop.account.pk, 1, PAYEE)
        until(lambda: downs() > before, PATIENCE)
        with Broker(tmp_path / "another broker", free_port) as broker:
            until(lambda: waiting(broker.url), PATIENCE)
            (second,) = waiting(broker.url)

    assert entry.sent_at is None
    assert job == entry.job
    assert job_in(job) == {
        "out_trade_no": shop.number,
        "amount_fen": AMOUNT_FEN,
        "payee_account_type": "P",
        "subject": "withdrawal",
        **PAYEE,
    }
    assert job_in(second)["out_trade_no"] == later.number


def test_killed_before_it_could_mark_a_job_it_sends_it_again(
    shop: DjangoShop, tmp_path: Path, empty_broker_url: str
) -> None:
    """
    The very same job under the same number; and what is marked waits for its confirmation.
    """
    from django.db import connection, transaction  # noqa: PLC0415

    log = tmp_path / "relay.log"
    with transaction.atomic():
        # Whoever wants to mark it waits for this transaction.
        shop.models.OutboxJob.objects.update(sent_at=None)
        with shop.relaying(empty_broker_url, log) as process:
            until(lambda: waiting(empty_broker_url), PATIENCE)
            process.kill()
            process.wait()
        if connection.vendor == "postgresql":
            # The server does not notice at once that nobody waits for the statement any more.
            with connection.cursor() as cursor:
                cursor.execute(
                    "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity"
                    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
                )
    with shop.relaying(empty_broker_url, log):
        until(lambda: shop.models.OutboxJob.objects.get().sent_at, PATIENCE)
    before, after = waiting(empty_broker_url)

    assert before == after
    assert shop.withdrawals.relay(pytest.fail) == 0


def test_a_job_that_the_broker_lost_is_sent_again(shop: DjangoShop) -> None:
    """
    Nothing was heard of it for two minutes; once something was, its payee is forgotten here.
    """
    from django.utils import timezone  # noqa: PLC0415

    jobs = shop.models.OutboxJob.objects
    jobs.update(sent_at=timezone.now() - shop.withdrawals.AGAIN_AFTER)
    sent: list[str] = []

    assert shop.withdrawals.relay(sent.append) == 1
    assert [job_in(job)["out_trade_no"] for job in sent] == [shop.number]
    shop.hear(an_event(shop.number, "payout.accepted", 1))
    assert jobs.count() == 0


@pytest.mark.parametrize("asked", [{"amount_fen": "0"}, {"amount_fen": "50001"}, {}])
def test_what_cannot_be_withdrawn_is_refused(shop: DjangoShop, asked: dict[str, str]) -> None:
    """
    Nothing, more than the balance, or no amount at all.
    """
    answer = shop.client.post(f"/accounts/{shop.account.pk}/withdrawals", {**PAYEE, **asked})

    assert answer.status_code == 422
    assert "amount_fen" in answer.json()
