"""
What someone who steals the database learns of a payee: nothing but the mask.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from tests.contract.samples import (
    KEY,
    KEYRING,
    PAYEE,
    TERMS,
    a_verified_answer,
    an_order,
    applied,
    migrated,
    record,
)
from tests.factories import a_claimant
from tests.servers import Databases
from worker.payouts.acceptance import Entry
from worker.payouts.errors import WrongKey
from worker.payouts.evidence import Source
from worker.payouts.status import PayoutStatus
from worker.store.engine import create_engine
from worker.store.keyring import Keyring
from worker.store.ledger import SqlLedger
from worker.store.metadata import metadata

SECRETS = [
    PAYEE.account_no,
    PAYEE.account_name,
    str(PAYEE.mobile),
    str(PAYEE.id_no),
    "给老母亲的钱",
    "退回说明",
    "家庭备注",
]


@pytest.fixture
def engine(databases: Databases) -> Iterator[sa.Engine]:
    """
    A database in which a payout has been through everything, each message full of secrets.
    """
    engine = create_engine(databases.prepared(migrated))
    ledger = SqlLedger(engine, KEYRING)
    everything = "|".join(SECRETS)
    order = an_order(
        subject="给老母亲的钱", return_params="退回说明", metadata={"note": "家庭备注"}
    )
    (payout_id,) = ledger.accept([Entry(order)], TERMS)
    assert payout_id is not None
    ledger.claim([payout_id], a_claimant(everything))
    payout = ledger.dossier(payout_id).payout
    for source in Source:
        answer = a_verified_answer(raw=everything.encode())
        record(ledger, payout, source, answer)
    applied(ledger, payout_id, status=PayoutStatus.PAID)
    yield engine
    engine.dispose()


def test_no_column_shows_a_payee(engine: sa.Engine) -> None:
    """
    No value of any row, text or bytes, holds a word of the payee's.
    """
    with engine.begin() as conn:
        values = [
            value
            for table in metadata.sorted_tables
            for row in conn.execute(sa.select(table))
            for value in row
        ]

    texts = [value for value in values if isinstance(value, str)]
    blobs = [value for value in values if isinstance(value, bytes)]
    assert PAYEE.masked in texts
    assert len(blobs) == 9
    for secret in SECRETS:
        assert not any(secret in text for text in texts)
        assert not any(secret.encode() in blob for blob in blobs)


@pytest.mark.parametrize("databases", ["sqlite"], indirect=True)
def test_no_file_shows_a_payee(engine: sa.Engine) -> None:
    """
    Neither SQLite's file nor its write-ahead log holds a word of the payee's in clear.
    """
    path = Path(str(engine.url.database))
    files = sorted(path.parent.glob(f"{path.name}*"))
    content = b"".join(file.read_bytes() for file in files)

    assert [file.name.removeprefix(path.name) for file in files] == ["", "-shm", "-wal"]
    assert PAYEE.masked.encode() in content
    assert [secret for secret in SECRETS if secret.encode() in content] == []


def test_another_key_cannot_read(engine: sa.Engine) -> None:
    """
    A worker with the wrong key says so, instead of paying someone else.
    """
    stranger = SqlLedger(engine, Keyring([Keyring.generate_key()]))

    with pytest.raises(WrongKey):
        stranger.order(1)


def test_a_rotated_key_can_read(engine: sa.Engine) -> None:
    """
    A keyring with the old key behind a new one reads what was there before.
    """
    rotated = SqlLedger(engine, Keyring([Keyring.generate_key(), KEY]))

    assert rotated.order(1).payee == PAYEE
