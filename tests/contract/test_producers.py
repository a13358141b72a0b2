"""
Producers and their tokens: over every ledger, each step one transaction.
"""

from datetime import timedelta

import pytest

from tests.contract.samples import NOON, VirtualClock, accepted
from worker.payouts.errors import NoSuchProducer, NoSuchToken, NotAllowed
from worker.payouts.producers import Producer, Scope, Token
from worker.usecases.ports import Ledger

#: SHA-256 of "secret", by coreutils' sha256sum.
DIGEST = "2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b"


def a_token(ledger: Ledger, digest: str = DIGEST, lasting: timedelta | None = None) -> Token:
    """
    A token of the shop's to accept by.
    """
    return ledger.issue_token("shop", Scope.ACCEPT, digest, "checkout", "mei", lasting)


def test_there_is_one_producer_from_the_beginning(ledger: Ledger) -> None:
    """
    The one whose all jobs are that bring neither seal nor token, by the name that they carry.
    """
    assert [producer.name for producer in ledger.producers()] == ["unsealed"]


def test_a_producer_is_registered_once(ledger: Ledger) -> None:
    """
    With who did it and when, and its name is nobody else's ever after.
    """
    ledger.add_producer("shop", "mei")

    assert ledger.producers()[0] == Producer("shop", "mei", NOON)
    with pytest.raises(NotAllowed, match="shop already"):
        ledger.add_producer("shop", "wu")
    ledger.disable_producer("shop", "wu", "sold")
    with pytest.raises(NotAllowed, match="shop already"):
        ledger.add_producer("shop", "wu")


def test_a_token_is_found_by_its_digest(ledger: Ledger) -> None:
    """
    It says whose it is and what for; another digest finds nothing.
    """
    ledger.add_producer("shop", "mei")
    made = a_token(ledger)

    assert made == Token(made.id, "shop", Scope.ACCEPT, "checkout", "mei", NOON)
    assert ledger.token(DIGEST) == made
    assert ledger.token(DIGEST.upper()) is None
    assert ledger.token("") is None


def test_a_token_ends_at_its_moment(ledger: Ledger, clock: VirtualClock) -> None:
    """
    By the database's clock: good a microsecond before, good for nothing at the moment itself.
    """
    ledger.add_producer("shop", "mei")
    made = a_token(ledger, lasting=timedelta(hours=1))
    assert made.expires_at == NOON + timedelta(hours=1)

    clock.advance(hours=1, microseconds=-1)
    assert ledger.token(DIGEST) == made
    clock.advance(microseconds=1)
    assert ledger.token(DIGEST) is None


def test_a_revoked_token_is_good_for_nothing(ledger: Ledger, clock: VirtualClock) -> None:
    """
    From that moment on and for good, beside others of the same producer, and stays on record.
    """
    ledger.add_producer("shop", "mei")
    first, second = a_token(ledger), a_token(ledger, "b" * 64)
    clock.advance(minutes=5)

    ended = ledger.revoke_token(first.id, "wu", "leaked")

    assert (ended.revoked_by, ended.revoked_why) == ("wu", "leaked")
    assert ended.revoked_at == NOON + timedelta(minutes=5)
    assert ledger.token(DIGEST) is None
    assert ledger.token("b" * 64) == second
    assert ledger.tokens() == [ended, second]
    with pytest.raises(NotAllowed, match="revoked already"):
        ledger.revoke_token(first.id, "wu", "again")
    with pytest.raises(NoSuchToken):
        ledger.revoke_token(second.id + 1, "wu", "none")


def test_a_disabled_producers_tokens_are_good_for_nothing(
    ledger: Ledger, clock: VirtualClock
) -> None:
    """
    None of those that it has, and it gets no other; another producer's go on.
    """
    for name, digest in (("shop", DIGEST), ("payroll", "b" * 64)):
        ledger.add_producer(name, "mei")
        ledger.issue_token(name, Scope.READ, digest, "", "mei")
    clock.advance(minutes=5)

    ledger.disable_producer("shop", "wu", "sold")

    disabled = Producer("shop", "mei", NOON, "wu", "sold", NOON + timedelta(minutes=5))
    assert disabled in ledger.producers()
    assert ledger.token(DIGEST) is None
    assert ledger.token("b" * 64) is not None
    with pytest.raises(NotAllowed, match="disabled"):
        a_token(ledger, "c" * 64)
    with pytest.raises(NotAllowed, match="disabled already"):
        ledger.disable_producer("shop", "wu", "again")


def test_only_a_producer_gets_tokens(ledger: Ledger) -> None:
    """
    A name that nobody registered has none, and cannot be disabled.
    """
    with pytest.raises(NoSuchProducer):
        a_token(ledger)
    with pytest.raises(NoSuchProducer):
        ledger.disable_producer("shop", "mei", "never was")
    assert ledger.tokens() == []


def test_a_secret_is_one_tokens(ledger: Ledger) -> None:
    """
    Should chance ever draw one twice, the second is refused, not taken for the first.
    """
    for name in ("shop", "payroll"):
        ledger.add_producer(name, "mei")
    made = a_token(ledger)

    with pytest.raises(NotAllowed):
        ledger.issue_token("payroll", Scope.ACCEPT, DIGEST, "", "mei")
    assert ledger.token(DIGEST) == made


def test_tokens_are_listed_by_producer(ledger: Ledger) -> None:
    """
    All of them, or one producer's, oldest first.
    """
    for name in ("shop", "payroll"):
        ledger.add_producer(name, "mei")
    made = [
        ledger.issue_token(name, scope, digest * 64, "", "mei")
        for name, scope, digest in [
            ("shop", Scope.READ, "a"),
            ("payroll", Scope.READ, "b"),
            ("shop", Scope.ACCEPT, "c"),
        ]
    ]

    assert ledger.tokens() == made
    assert ledger.tokens("shop") == [made[0], made[2]]
    assert ledger.tokens("nobody") == []


def test_whose_payouts_pay_a_debt(ledger: Ledger) -> None:
    """
    Each producer once, whatever form of the name its job gave; none for a debt that nobody named.
    """
    for number, producer in (("P-1", "shop"), ("P-2", "shop"), ("P-3", "payroll")):
        accepted(
            ledger,
            number,
            producer=producer,
            obligation="ｉ-7" if number == "P-3" else "i-7",
            amount_fen=1,
            owed_fen=100,
        )
    accepted(ledger, "P-4", obligation="i-8")

    assert ledger.producers_of("i-7") == {"shop", "payroll"}
    assert ledger.producers_of("i-8") == {"shop"}
    assert ledger.producers_of("i-9") == set()
