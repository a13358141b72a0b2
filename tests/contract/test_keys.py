"""
Keys are begun, everything is sealed anew with the newest, and old ones are retired.
"""

from collections.abc import Iterator
from datetime import timedelta

import pytest
import sqlalchemy as sa
from cryptography.fernet import Fernet

from tests.contract.samples import VirtualClock, accepted, an_order, migrated
from tests.contract.test_seals import COLUMNS, fill, rows_of
from tests.servers import Databases
from worker.payouts.errors import BrokenSeal, NotAllowed, WrongKey
from worker.store.engine import create_engine
from worker.store.key_tables import sealing_keys
from worker.store.keyring import Form, Keyring, form_of, key_of
from worker.store.keys import ensure_keyring
from worker.store.ledger import SqlLedger
from worker.store.migrate import upgrade
from worker.store.seals import LOOK_AGAIN_S, Seals
from worker.store.tables import installation, payouts
from worker.usecases.keys import rotate

OLD, NEW = Keyring.generate_key(), Keyring.generate_key()
OLD_ID, NEW_ID = (Keyring([key]).ids[0] for key in (OLD, NEW))
BOTH = Keyring([NEW, OLD])
#: What there is once a key for jobs is registered: older versions know neither.
OF_SEALED_JOBS = {"job_keys.seal", "payouts.sealed_job"}
OF_CONTROLS = {"control_changes.sealed_payee", "producer_days.seal"}
A_MINUTE = timedelta(minutes=1)

#: All that is sealed, but for the sample.
CONTENTS = [column for column in COLUMNS if column.table is not installation]


@pytest.fixture
def engine(databases: Databases) -> Iterator[sa.Engine]:
    """
    A migrated database of either kind that nothing is sealed in.
    """
    engine = create_engine(databases.prepared(migrated))
    yield engine
    engine.dispose()


def made_by_the_version_before(engine: sa.Engine) -> None:
    """
    What it leaves when it starts: a sample that names no key.
    """
    with engine.begin() as conn:
        sample = Fernet(OLD).encrypt(b"payouts")
        conn.execute(sa.update(installation).values(sealed_sample=sample))


def oldest_program(engine: sa.Engine) -> str:
    """
    By its revision.
    """
    (row,) = rows_of(engine, installation)
    return str(row["oldest_program"])


def all_sealed(engine: sa.Engine) -> dict[str, list[bytes]]:
    """
    What each sealed column holds.
    """
    return {
        str(column): [row[column.name] for row in rows_of(engine, column.table) if row[column.name]]
        for column in CONTENTS
    }


def opened(engine: sa.Engine, keyring: Keyring) -> dict[str, list[bytes]]:
    """
    What each sealed column says.
    """
    seals = SqlLedger(engine, keyring).seals
    return {
        str(column): [seals.open(column, row) for row in rows_of(engine, column.table)]
        for column in CONTENTS
        if column.name != "seal"
    }


def rotated(ledger: SqlLedger) -> list[tuple[int, int]]:
    """
    What is told while everything is sealed anew.
    """
    told: list[tuple[int, int]] = []
    rotate(ledger, "mei", lambda *so_far: told.append(so_far))
    return told


def test_a_fresh_database_is_sealed_as_this_version_does(engine: sa.Engine) -> None:
    """
    From the first start on, so that no older version may work on it.
    """
    ensure_keyring(engine, Keyring([OLD]))

    (row,) = rows_of(engine, installation)
    assert key_of(row["sealed_sample"]) == OLD_ID
    assert [one["id"] for one in rows_of(engine, sealing_keys)] == [OLD_ID]
    assert oldest_program(engine) == "0019"


def test_until_the_keys_are_rotated_the_version_before_reads_everything(
    engine: sa.Engine, clock: VirtualClock
) -> None:
    """
    Its processes may work beside ours: all that ours seal is Fernet's, with a key that they have.
    """
    made_by_the_version_before(engine)
    ensure_keyring(engine, BOTH)
    fill(engine, clock, BOTH, with_keys=False)

    for column, sealed in all_sealed(engine).items():
        assert bool(sealed) is not (
            column.endswith(".seal") or column in OF_SEALED_JOBS | OF_CONTROLS
        ), column
        assert all(Fernet(OLD).decrypt(one) is not None for one in sealed)
    assert oldest_program(engine) == "0007"
    assert rows_of(engine, sealing_keys) == []


def test_everything_is_sealed_anew(engine: sa.Engine, clock: VirtualClock) -> None:
    """
    Whatever the version before sealed is bound, says the same, and takes the new key alone.
    """
    made_by_the_version_before(engine)
    fill(engine, clock, BOTH)
    before = opened(engine, BOTH)

    told = rotated(SqlLedger(engine, BOTH, clock.told))

    assert opened(engine, Keyring([NEW])) == before
    assert {key_of(one) for some in all_sealed(engine).values() for one in some} == {NEW_ID}
    assert told[0] == (0, 14)
    assert told[-1] == (14, 14)
    assert oldest_program(engine) == "0020"
    for table in {column.table for column in CONTENTS if "uid" in column.table.c}:
        uids = [row["uid"] for row in rows_of(engine, table)]
        assert len({*uids} - {None}) == len(uids) == 2


def test_migrating_again_lets_no_older_version_start(
    engine: sa.Engine, clock: VirtualClock
) -> None:
    """
    What was raised stays so, whatever the migrations themselves allow.
    """
    ensure_keyring(engine, Keyring([OLD]), clock.told)

    upgrade(engine)

    assert oldest_program(engine) == "0019"


def test_a_second_rotation_needs_no_older_version(engine: sa.Engine, clock: VirtualClock) -> None:
    """
    From a bound seal to the next; of a row changes what is sealed, and by what its payee is found.
    """
    fill(engine, clock, Keyring([OLD]))
    before = opened(engine, Keyring([OLD]))
    rows = rows_of(engine, payouts)

    rotated(SqlLedger(engine, BOTH, clock.told))

    assert opened(engine, Keyring([NEW])) == before
    sealed = {column.name for column in CONTENTS} | {"payee_digest"}
    for was, now in zip(rows, rows_of(engine, payouts), strict=True):
        assert {name for name in was if was[name] != now[name]} <= sealed


def test_a_key_that_sealed_unbound_may_not_go_on(engine: sa.Engine, clock: VirtualClock) -> None:
    """
    What it sealed once opens in any row: only without that key is it worth nothing.
    """
    made_by_the_version_before(engine)
    ledger = SqlLedger(engine, Keyring([OLD]), clock.told)

    with pytest.raises(NotAllowed, match="a new key in front"):
        ledger.begin_key("mei")

    assert oldest_program(engine) == "0007"


def test_what_no_key_opens_is_passed_over(engine: sa.Engine, clock: VirtualClock) -> None:
    """
    And counted: everything else is sealed anew.
    """
    ensure_keyring(engine, Keyring([OLD]), clock.told)
    lost = SqlLedger(engine, Keyring([Keyring.generate_key()]), clock.told)
    accepted(lost, "P-0")
    fill(engine, clock, Keyring([OLD]))
    ledger = SqlLedger(engine, BOTH, clock.told)

    done = rotate(ledger, "mei", lambda *_: None)

    assert (done.key_id, done.rows, done.left) == (NEW_ID, 22, 2)
    counts = {one.id: one.seals for one in ledger.sealing_keys()}
    assert counts.pop(NEW_ID) == 32
    assert counts.pop(OLD_ID) == 0
    assert [*counts.values()] == [4]


@pytest.mark.parametrize("databases", ["postgres"], indirect=True)
def test_a_row_that_is_being_worked_on_is_not_waited_for(
    engine: sa.Engine, clock: VirtualClock
) -> None:
    """
    It is passed over, and found the next time.
    """
    fill(engine, clock, Keyring([OLD]))
    ledger = SqlLedger(engine, BOTH, clock.told)
    with engine.begin() as conn:
        conn.execute(sa.select(payouts).where(payouts.c.id == 1).with_for_update())
        held = rotate(ledger, "mei", lambda *_: None)
    free = rotate(ledger, "mei", lambda *_: None)

    assert (held.rows, held.left) == (21, 1)
    assert (free.rows, free.left) == (1, 0)


def test_a_key_is_retired_once_nothing_needs_it(engine: sa.Engine, clock: VirtualClock) -> None:
    """
    Not while it seals, not while a row needs it, not while a process may just be sealing with it.
    """
    fill(engine, clock, Keyring([OLD]))
    ledger = SqlLedger(engine, BOTH, clock.told)
    with pytest.raises(NotAllowed, match="seals what is new"):
        ledger.retire_key(OLD_ID, "mei")
    ledger.begin_key("mei")
    with pytest.raises(NotAllowed, match="32 seals need it"):
        ledger.retire_key(OLD_ID, "mei")
    rotated(ledger)
    with pytest.raises(NotAllowed, match="just be sealing") as caught:
        ledger.retire_key(OLD_ID, "mei")
    with pytest.raises(NotAllowed, match="ever sealed"):
        ledger.retire_key("00000000", "mei")
    assert caught.value.possible_from == clock.now + A_MINUTE
    with pytest.raises(WrongKey, match=OLD_ID):
        ensure_keyring(engine, Keyring([NEW]))

    clock.advance(minutes=1)
    ledger.retire_key(OLD_ID, "mei")

    ensure_keyring(engine, Keyring([NEW]))
    retired = {one.id: one.retired_by for one in ledger.sealing_keys()}
    assert retired == {NEW_ID: None, OLD_ID: "mei"}


def test_what_names_no_key_keeps_all_of_them(engine: sa.Engine, clock: VirtualClock) -> None:
    """
    Nobody can tell which of them it needs.
    """
    made_by_the_version_before(engine)
    fill(engine, clock, BOTH)
    ledger = SqlLedger(engine, BOTH, clock.told)
    ledger.begin_key("mei")
    clock.advance(minutes=1)

    with pytest.raises(NotAllowed, match="22 seals need it"):
        ledger.retire_key(OLD_ID, "mei")


def test_a_retired_key_does_not_come_back(engine: sa.Engine, clock: VirtualClock) -> None:
    """
    It may have been thrown away elsewhere already.
    """
    fill(engine, clock, Keyring([OLD]))
    rotated(SqlLedger(engine, BOTH, clock.told))
    clock.advance(minutes=1)
    SqlLedger(engine, BOTH, clock.told).retire_key(OLD_ID, "mei")

    with pytest.raises(NotAllowed, match="retired"):
        SqlLedger(engine, Keyring([OLD, NEW]), clock.told).begin_key("mei")


def test_a_running_process_takes_up_the_next_key(engine: sa.Engine, clock: VirtualClock) -> None:
    """
    Within ten seconds, without a restart; before that what it seals stays readable.
    """
    ensure_keyring(engine, Keyring([OLD]), clock.told)
    now = [0.0]
    running = SqlLedger(engine, BOTH, clock.told)
    running._seals = Seals(BOTH, lambda: now[0])
    SqlLedger(engine, BOTH, clock.told)
    accepted(running, "P-1")
    SqlLedger(engine, BOTH, clock.told).begin_key("mei")
    now[0] = LOOK_AGAIN_S - 0.1
    accepted(running, "P-2")
    now[0] = LOOK_AGAIN_S
    accepted(running, "P-3")

    named = [key_of(row["sealed_payee"]) for row in rows_of(engine, payouts)]
    assert named == [OLD_ID, OLD_ID, NEW_ID]


def test_a_process_without_the_next_key_goes_on_with_its_own(
    engine: sa.Engine, clock: VirtualClock
) -> None:
    """
    What JD tells it must be stored; others can read it.
    """
    ensure_keyring(engine, Keyring([OLD]), clock.told)
    SqlLedger(engine, BOTH, clock.told).begin_key("mei")
    accepted(SqlLedger(engine, Keyring([OLD]), clock.told), "P-1")

    payout = SqlLedger(engine, BOTH, clock.told).order(1)

    assert payout == an_order("P-1")


def test_an_old_sample_that_is_put_back_stops_who_starts(
    engine: sa.Engine, clock: VirtualClock
) -> None:
    """
    Once its key is gone: nobody can have things sealed unbound again.
    """
    made_by_the_version_before(engine)
    (before,) = rows_of(engine, installation)
    rotated(SqlLedger(engine, BOTH, clock.told))
    clock.advance(minutes=1)
    SqlLedger(engine, BOTH, clock.told).retire_key(OLD_ID, "mei")
    with engine.begin() as conn:
        conn.execute(sa.update(installation).values(sealed_sample=before["sealed_sample"]))

    with pytest.raises(WrongKey):
        ensure_keyring(engine, Keyring([NEW]))


def test_a_sample_of_another_installation_stops_who_starts(engine: sa.Engine) -> None:
    """
    Under the same keyring: somebody moved it, or gave this database another's name.
    """
    ensure_keyring(engine, Keyring([OLD]))
    with engine.begin() as conn:
        conn.execute(sa.update(installation).values(seals_uid="another"))

    with pytest.raises(BrokenSeal):
        ensure_keyring(engine, Keyring([OLD]))


def test_all_columns_are_looked_at() -> None:
    """
    These tests fill every sealed column there is.
    """
    assert {str(column) for column in CONTENTS} == {
        *("payouts.sealed_payee", "payouts.sealed_order", "payouts.sealed_request"),
        *("evidence.sealed_raw", "former_requests.sealed_request"),
        *("endpoints.sealed_key", "endpoints.sealed_key_before"),
        *("obligations.seal", "payouts.seal", "attempts.seal", "proposals.seal"),
        "checkpoints.seal",
        *OF_SEALED_JOBS,
        *OF_CONTROLS,
    }
    assert form_of(Fernet(OLD).encrypt(b"")) is Form.UNBOUND
