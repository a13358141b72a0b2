"""
Keys for jobs: over every ledger, each step one transaction; and whoever changes one ends it.
"""

from collections.abc import Callable

import pytest
import sqlalchemy as sa

from tests.contract.samples import NOON, VirtualClock
from tests.contract.test_seals import rows_of
from tests.doubles.owner import take_fences_away
from worker.payouts.errors import NoSuchProducer, NotAllowed
from worker.payouts.job_keys import JobKey, KeyKind, name_key, producer_of
from worker.payouts.person import Person
from worker.store.producer_tables import job_keys
from worker.store.tables import installation
from worker.usecases.job_keys import KeyRegistrar
from worker.usecases.ports import Ledger

SECRET = bytes(range(32))
MEI, WU, ROOT = Person(1001, "mei"), Person(1002, "wu"), Person(0, "root")


def added(ledger: Ledger, producer: str = "shop") -> JobKey:
    """
    A key of the shop's.
    """
    return ledger.add_job_key(producer, KeyKind.SHARED, SECRET, MEI)


def test_a_key_is_named_after_its_producer() -> None:
    """
    And which of theirs it is; our own are nobody else's.
    """
    assert name_key("shop", 2) == "shop.2"
    assert name_key(None, 1) == "OWN.1"
    assert producer_of("shop-2.11") == "shop-2"
    for other in ("OWN.1", "shop", "shop.", "shop.0", "shop.01", "shop.x", "Shop.1", ".1", ""):
        assert producer_of(other) is None


def test_a_key_is_kept_for_its_producer(ledger: Ledger, clock: VirtualClock) -> None:
    """
    In the sandbox it counts at once; the next one takes the next number.
    """
    ledger.add_producer("shop", "mei")
    ledger.add_producer("mall", "mei")

    first = added(ledger)
    clock.advance(hours=1)
    second, others = added(ledger), added(ledger, "mall")

    whole = JobKey("shop.1", KeyKind.SHARED, "shop", SECRET, MEI, NOON, MEI, NOON)
    assert first == ledger.job_key("shop.1") == whole
    assert first.is_good
    assert (second.name, others.name) == ("shop.2", "mall.1")
    assert [key.name for key in ledger.job_keys()] == ["shop.1", "shop.2", "mall.1"]
    assert ledger.job_keys("mall") == [others]
    assert ledger.job_key("shop.3") is None
    assert SECRET.hex() not in repr(first)


def test_a_key_is_some_producers(ledger: Ledger) -> None:
    """
    One that is registered, and not disabled.
    """
    with pytest.raises(NoSuchProducer):
        added(ledger)
    ledger.add_producer("shop", "mei")
    ledger.disable_producer("shop", "mei", "sold")
    with pytest.raises(NotAllowed, match="disabled"):
        added(ledger)


def test_a_retired_key_is_remembered(ledger: Ledger, clock: VirtualClock) -> None:
    """
    Since when, by whom and why; it does not come back.
    """
    ledger.add_producer("shop", "mei")
    added(ledger)

    retired = ledger.retire_job_key("shop.1", "wu", "lost")

    assert not retired.is_good
    assert (retired.retired_by, retired.retired_why, retired.retired_at) == ("wu", "lost", NOON)
    assert ledger.job_key("shop.1") == retired
    for name in ("shop.1", "shop.9"):
        with pytest.raises(NotAllowed):
            ledger.retire_job_key(name, "wu", "again")
    with pytest.raises(NotAllowed):
        ledger.approve_job_key("shop.1", WU)


def test_our_own_key_is_made_once(ledger: Ledger) -> None:
    """
    And anew where the one before is retired.
    """
    person = KeyRegistrar(ledger, MEI, lambda length: b"w" * length)

    first = person.own()

    assert (first.name, first.kind, first.producer) == ("OWN.1", KeyKind.OWN, None)
    assert first.is_good
    assert person.own() == first
    person.retire("OWN.1", "lost")
    assert person.own().name == "OWN.2"


def test_where_money_moves_another_person_lets_a_key_count(
    ledger: Ledger, engine: sa.Engine
) -> None:
    """
    One who is registered: not root, and not whoever made it.
    """
    ledger.add_producer("shop", "mei")
    with engine.begin() as conn:
        conn.execute(sa.update(installation).values(profile="live"))
    ledger.add_person(MEI.uid, "mei", "cli:root", "finance")

    assert not added(ledger).is_good
    for nobody in (MEI, WU, ROOT):
        with pytest.raises(NotAllowed, match="approve"):
            ledger.approve_job_key("shop.1", nobody)
    ledger.add_person(WU.uid, "wu", "cli:root", "finance")
    ledger.approve_job_key("shop.1", WU)

    found = ledger.job_key("shop.1")
    assert found is not None
    assert found.is_good
    assert found.approved_by == WU
    with pytest.raises(NotAllowed, match="waits for nobody"):
        ledger.approve_job_key("shop.1", WU)


def test_no_older_version_works_beside_sealed_jobs(ledger: Ledger, engine: sa.Engine) -> None:
    """
    It would take a row that names a key for one that was changed.
    """
    (before,) = rows_of(engine, installation)
    ledger.add_producer("shop", "mei")
    added(ledger)

    (after,) = rows_of(engine, installation)
    assert before["oldest_program"] < "0017" == after["oldest_program"]


#: Another value for each column of a key that is bound.
CHANGED: dict[str, object] = {
    "name": "mall.1",
    "kind": "signing",
    "producer": "mall",
    "added_uid": 7,
    "added_login_uid": 7,
    "added_name": "wu",
    "added_at": NOON.replace(year=2025),
    "approved_uid": 7,
    "approved_login_uid": 7,
    "approved_name": "wu",
    "approved_at": NOON.replace(year=2025),
    "retired_by": "wu",
    "retired_why": "sold",
    "retired_at": NOON,
}


@pytest.mark.parametrize("column", [c for c in job_keys.c if c.name != "id"], ids=str)
def test_a_key_that_somebody_changed_opens_nothing(
    ledger: Ledger, engine: sa.Engine, column: sa.Column[object]
) -> None:
    """
    Whichever column of it, by whoever writes to the database and holds no key.
    """
    ledger.add_producer("shop", "mei")
    ledger.add_producer("mall", "mei")
    added(ledger)
    value = CHANGED.get(column.name, rows_of(engine, job_keys)[0]["seal"][:-1] + b"x")
    changes = {column.name: value}
    if column.name in {"retired_by", "retired_at"}:
        changes |= {"retired_by": "wu", "retired_at": NOON}
    with engine.begin() as conn:
        take_fences_away(conn)
        conn.execute(sa.update(job_keys).values(changes))

    for name in ("shop.1", "mall.1"):
        assert ledger.job_key(name) is None
    (told,) = ledger.job_keys()
    assert not told.is_intact
    assert not told.is_good
    with pytest.raises(NotAllowed, match="not what was registered"):
        ledger.retire_job_key(told.name, "wu", "strange")


WAYS: dict[str, Callable[[sa.Connection], object]] = {
    "a retired key comes back": lambda conn: conn.execute(
        sa.update(job_keys).values(retired_by=None, retired_why=None, retired_at=None)
    ),
    "its secret is another's": lambda conn: conn.execute(
        sa.update(job_keys)
        .where(job_keys.c.name == "shop.1")
        .values(
            seal=sa.select(job_keys.c.seal).where(job_keys.c.name == "mall.1").scalar_subquery()
        )
    ),
    "it is a copy under another name": lambda conn: conn.execute(
        sa.update(job_keys).where(job_keys.c.name == "mall.1").values(name="shop.2")
    ),
}


@pytest.mark.parametrize("way", WAYS)
def test_no_key_is_made_of_others(ledger: Ledger, engine: sa.Engine, way: str) -> None:
    """
    Nothing that lies in the table makes a key that was not registered so.
    """
    ledger.add_producer("shop", "mei")
    ledger.add_producer("mall", "mei")
    added(ledger)
    ledger.add_job_key("mall", KeyKind.SHARED, b"m" * 32, MEI)
    ledger.retire_job_key("shop.1", "wu", "lost")

    with engine.begin() as conn:
        take_fences_away(conn)
        WAYS[way](conn)

    for name in ("shop.1", "shop.2"):
        found = ledger.job_key(name)
        assert found is None or not found.is_good
