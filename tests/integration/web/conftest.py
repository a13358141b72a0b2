"""
The receiver over the real ledger on either database, with a clock that only the test moves.
"""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.contract.samples import close_attempt
from tests.doubles.clock import telling
from tests.factories import a_claimant
from tests.integration.web.notifications import AMOUNT_FEN, KEY, MERCHANT, NUMBER
from tests.servers import Databases
from worker.jdpay.signature import SignKey
from worker.payouts.acceptance import Entry
from worker.payouts.limits import Limits
from worker.payouts.model import AttemptOutcome, Order, Payee, Payout, Terms
from worker.store.engine import create_engine
from worker.store.installation import ensure_profile
from worker.store.keyring import Keyring
from worker.store.ledger import SqlLedger
from worker.store.migrate import upgrade
from worker.usecases.evidence import EvidenceHandler
from worker.web.app import build

Send = Callable[[bytes], TestResponse]

_KEYRING = Keyring([Keyring.generate_key()])
_PAYEE = Payee("6200000000000000001", "张三", "CMB", "P", "DE")
_TERMS = Terms("sandbox", MERCHANT, "https://127.0.0.1:9000/npp10", "http://127.0.0.1:9001/notify")


class Clock:
    """
    A database's clock that stands still until a test moves it.
    """

    def __init__(self) -> None:
        self.now = datetime(2024, 1, 5, 1, 30, tzinfo=UTC)

    def __call__(self) -> datetime:
        """
        What the ledger takes for the database's time.
        """
        return self.now

    def advance(self, by: timedelta) -> datetime:
        """
        Let time pass.
        """
        self.now += by
        return self.now


def migrated(url: str) -> None:
    """
    Prepare a database, leaving no connection behind.
    """
    engine = create_engine(url)
    upgrade(engine)
    ensure_profile(engine, "sandbox")
    engine.dispose()


@pytest.fixture
def clock() -> Clock:
    """
    The morning of the worked example.
    """
    return Clock()


@pytest.fixture
def engine(databases: Databases) -> Iterator[sa.Engine]:
    """
    A migrated database of either kind.
    """
    engine = create_engine(databases.prepared(migrated))
    yield engine
    engine.dispose()


@pytest.fixture
def ledger(engine: sa.Engine, clock: Clock) -> SqlLedger:
    """
    What the receiver writes to.
    """
    return SqlLedger(engine, _KEYRING, telling(clock))


@pytest.fixture
def handler(ledger: SqlLedger) -> EvidenceHandler:
    """
    What judges the evidence, by the default rules.
    """
    return EvidenceHandler(ledger, MERCHANT, Limits(), "receiver")


@pytest.fixture
def client(handler: EvidenceHandler) -> FlaskClient:
    """
    The receiver.
    """
    return build(handler, SignKey(KEY)).test_client()


@pytest.fixture
def send(client: FlaskClient) -> Send:
    """
    Post a notification as JD does.
    """

    def post(body: bytes) -> TestResponse:
        return client.post(
            "/jdpay/notify", data=body, content_type="application/x-www-form-urlencoded"
        )

    return post


@pytest.fixture
def payout(ledger: SqlLedger, handler: EvidenceHandler) -> Payout:
    """
    The payout of the worked example, sent and never answered.
    """
    order = Order(NUMBER, AMOUNT_FEN, "测试代付 A+B", _PAYEE, obligation=NUMBER)
    (payout_id,) = ledger.accept([Entry(order)], _TERMS)
    assert payout_id is not None
    (claim,) = ledger.claim([payout_id], a_claimant()).claims
    close_attempt(ledger, claim.attempt, AttemptOutcome.NO_ANSWER, "read_timeout")
    handler.apply(payout_id)
    return ledger.dossier(payout_id).payout
