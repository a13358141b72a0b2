"""
Who a producer is: what a token proves, and what it does not.
"""

import base64
import hashlib
from datetime import timedelta

import pytest

from tests.doubles.world import Clock
from worker.payouts.errors import BadToken, NotAllowed, WrongScope
from worker.payouts.producers import Scope
from worker.store.ledger import SqlLedger
from worker.usecases.producers import Registrar, identify


@pytest.fixture
def registrar(ledger: SqlLedger) -> Registrar:
    """
    Mei, who registered the shop.
    """
    registrar = Registrar(ledger, "cli:mei")
    registrar.add("shop")
    return registrar


def test_a_secret_shows_whose_it_is(registrar: Registrar, ledger: SqlLedger) -> None:
    """
    The producer and nobody else.
    """
    registrar.add("payroll")
    _, of_shop = registrar.issue("shop", Scope.READ, "")
    _, of_payroll = registrar.issue("payroll", Scope.READ, "")

    assert identify(ledger, of_shop, Scope.READ) == "shop"
    assert identify(ledger, of_payroll, Scope.READ) == "payroll"


def test_a_secret_has_256_random_bits(registrar: Registrar) -> None:
    """
    Behind its prefix, 32 bytes in base64; never the same twice.
    """
    drawn = {registrar.issue("shop", Scope.ACCEPT, "")[1] for _ in range(50)}

    assert len(drawn) == 50
    for secret in drawn:
        prefix, text = secret.rsplit("accept_", 1)
        assert (prefix, len(base64.urlsafe_b64decode(f"{text}="))) == ("payouts_", 32)


def test_the_database_does_not_tell_the_secret(registrar: Registrar, ledger: SqlLedger) -> None:
    """
    It holds the SHA-256 alone, which names the token.
    """
    token, secret = registrar.issue("shop", Scope.READ, "dashboard")

    assert ledger.token(hashlib.sha256(secret.encode()).hexdigest()) == token
    with ledger._engine.begin() as conn:
        held = conn.exec_driver_sql("SELECT * FROM tokens").all()
    assert secret not in str(held)
    assert secret.rsplit("_", 1)[1] not in str(held)


@pytest.mark.parametrize("scope", list(Scope))
def test_a_token_is_good_for_one_thing(
    registrar: Registrar, ledger: SqlLedger, scope: Scope
) -> None:
    """
    Whoever reads cannot hand over, and the reverse.
    """
    _, secret = registrar.issue("shop", scope, "")
    (other,) = {*Scope} - {scope}

    with pytest.raises(WrongScope):
        identify(ledger, secret, other)


@pytest.mark.parametrize(
    "shown", ["", "payouts_read_", "payouts_read_" + "A" * 43, "x" * 1_000_000, "密码", "\udce4"]
)
def test_what_is_no_secret_proves_nothing(
    registrar: Registrar, ledger: SqlLedger, shown: str
) -> None:
    """
    Whatever it is, it is refused as an unknown token, and not quoted.
    """
    registrar.issue("shop", Scope.READ, "")

    with pytest.raises(BadToken) as refused:
        identify(ledger, shown, Scope.READ)
    assert not shown or shown not in str(refused.value)


def test_what_ended_proves_nothing(registrar: Registrar, ledger: SqlLedger, clock: Clock) -> None:
    """
    Neither an expired nor a revoked token, nor any of a disabled producer's.
    """
    registrar.add("payroll")
    _, expired = registrar.issue("shop", Scope.READ, "", timedelta(days=1))
    token, revoked = registrar.issue("shop", Scope.READ, "")
    _, disabled = registrar.issue("payroll", Scope.READ, "")
    clock.advance(days=1)
    registrar.revoke(token.id, "leaked")
    registrar.disable("payroll", "sold")

    for secret in (expired, revoked, disabled):
        with pytest.raises(BadToken, match="not known, has expired, or was revoked"):
            identify(ledger, secret, Scope.READ)


@pytest.mark.parametrize(
    "name", ["", "Shop", "7shop", "-shop", "shop_1", "sh op", "shop\n", "店", "s" * 33]
)
def test_a_name_is_plain(ledger: SqlLedger, name: str) -> None:
    """
    It stands in addresses, logs and records, and no two may look alike.
    """
    with pytest.raises(NotAllowed, match="small letters"):
        Registrar(ledger, "cli:mei").add(name)


@pytest.mark.parametrize("name", ["s", "shop-2", "s" * 32])
def test_a_plain_name_will_do(ledger: SqlLedger, name: str) -> None:
    """
    The shortest, the longest, and one with all kinds of letters.
    """
    Registrar(ledger, "cli:mei").add(name)

    assert name in {producer.name for producer in ledger.producers()}


def test_the_default_producer_is_not_disabled(registrar: Registrar, ledger: SqlLedger) -> None:
    """
    That would end its tokens alone, while its jobs went on coming over the broker.
    """
    _, secret = registrar.issue("unsealed", Scope.READ, "")

    with pytest.raises(NotAllowed, match="over the broker"):
        registrar.disable("unsealed", "stop")
    assert identify(ledger, secret, Scope.READ) == "unsealed"
