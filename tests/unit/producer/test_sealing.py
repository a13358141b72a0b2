"""
What a producer seals, opened without the library that sealed it.
"""

import re
from datetime import UTC, datetime, timedelta, timezone

import pytest
from cryptography.exceptions import InvalidTag

from tests.unit.producer.conftest import WriteKey
from tests.unit.producer.opening import (
    MERCHANT,
    SHARED,
    SIGNED,
    base64url,
    octets,
    open_shared,
    open_signed,
)
from worker.producer import Producer, Unusable

JOB = {"out_trade_no": "WITHDRAW0001", "amount_fen": 12345, "payee_account_name": "张三"}
NOON = datetime(2026, 11, 28, 12, tzinfo=UTC)
CLAIMS = {
    "purpose": "pay",
    "merchant": MERCHANT,
    "profile": "sandbox",
    "issued": "2026-11-28T12:00:00+00:00",
    "expires": "2026-11-29T12:00:00+00:00",
    "job": JOB,
}


@pytest.fixture
def sharing(written: WriteKey) -> Producer:
    """
    One who shares a key with the worker, at noon.
    """
    return Producer.load(written(SHARED), lambda: NOON)


@pytest.fixture
def signing(written: WriteKey) -> Producer:
    """
    One who signs with a key of its own, at noon.
    """
    return Producer.load(written(SIGNED), lambda: NOON)


def test_a_shared_key_seals_what_it_says(sharing: Producer) -> None:
    """
    Header and claims are these, and no others.
    """
    assert open_shared(sharing.seal(JOB)) == (
        {"alg": "dir", "enc": "A256GCM", "kid": "shop.1", "typ": "payout+jwe"},
        CLAIMS,
    )


def test_a_signing_key_seals_what_it_says(signing: Producer) -> None:
    """
    Signed by the producer, and to be opened by the installation alone.
    """
    outer, inner, claims = open_signed(signing.seal(JOB))
    epk = outer.pop("epk")

    assert outer == {
        "alg": "ECDH-ES",
        "enc": "A256GCM",
        "kid": "installation.1",
        "typ": "payout+jwe",
    }
    assert {name: epk[name] for name in epk if name != "x"} == {"kty": "OKP", "crv": "X25519"}
    assert inner == {"alg": "Ed25519", "kid": "shop.2", "typ": "payout+jws"}
    assert claims == CLAIMS


def test_a_cancellation_says_so(sharing: Producer, signing: Producer) -> None:
    """
    Its purpose is another one, and it holds a number and a reason.
    """
    wanted = {
        **CLAIMS,
        "purpose": "cancel",
        "expires": "2026-11-28T13:00:00+00:00",
        "job": {"out_trade_no": "WITHDRAW0001", "why": "ordered twice"},
    }

    assert open_shared(sharing.seal_cancel("WITHDRAW0001", "ordered twice"))[-1] == wanted
    assert open_signed(signing.seal_cancel("WITHDRAW0001", "ordered twice"))[-1] == wanted


def test_no_two_seals_are_alike(sharing: Producer, signing: Producer) -> None:
    """
    A number that is used once is used once.
    """
    shared = {sharing.seal(JOB).split(".")[2] for _ in range(100)}
    agreed = {open_signed(signing.seal(JOB))[0]["epk"]["x"] for _ in range(100)}

    assert len(shared) == len(agreed) == 100


def test_a_header_belongs_to_what_it_is_before(sharing: Producer) -> None:
    """
    Whoever writes another name into it has a text that does not open.
    """
    header, rest = sharing.seal(JOB).split(".", 1)
    other = base64url(octets(header).replace(b"shop.1", b"shop.3"))
    with pytest.raises(InvalidTag):
        open_shared(f"{other}.{rest}")


@pytest.mark.parametrize(
    ("lasting", "expires"),
    [
        (timedelta(seconds=1), "2026-11-28T12:00:01+00:00"),
        (timedelta(days=31), "2026-12-29T12:00:00+00:00"),
    ],
    ids=str,
)
def test_it_lasts_as_long_as_is_said(sharing: Producer, lasting: timedelta, expires: str) -> None:
    """
    Up to 31 days.
    """
    assert open_shared(sharing.seal(JOB, lasting))[-1]["expires"] == expires


@pytest.mark.parametrize("lasting", [timedelta(), timedelta(-1), timedelta(31, 1)], ids=str)
def test_it_lasts_neither_never_nor_for_ever(sharing: Producer, lasting: timedelta) -> None:
    """
    Such a seal would be refused.
    """
    with pytest.raises(Unusable, match="31 days"):
        sharing.seal(JOB, lasting)


def test_a_clock_of_another_zone_will_do(written: WriteKey) -> None:
    """
    As long as it names its zone.
    """
    shanghai = NOON.astimezone(timezone(timedelta(hours=8)))
    _, claims = open_shared(Producer.load(written(SHARED), lambda: shanghai).seal(JOB))

    assert claims["issued"] == "2026-11-28T20:00:00+08:00"
    assert datetime.fromisoformat(claims["expires"]) == NOON + timedelta(days=1)


def test_its_own_clock_is_in_utc(written: WriteKey) -> None:
    """
    And says what time it is.
    """
    before = datetime.now(UTC)
    _, claims = open_shared(Producer.load(written(SHARED)).seal(JOB))

    assert before <= datetime.fromisoformat(claims["issued"]) <= datetime.now(UTC)
    assert claims["issued"].endswith("+00:00")


@pytest.mark.parametrize(
    "value",
    [float("nan"), float("inf"), {1, 2}, b"1", "\ud800"],
    ids=["nan", "inf", "set", "bytes", "half"],
)
def test_what_json_cannot_say_is_not_sealed(sharing: Producer, value: object) -> None:
    """
    And is not quoted.
    """
    with pytest.raises(Unusable, match=r"^a job is an object of JSON$"):
        sharing.seal({**JOB, "metadata": value})


def test_a_job_has_64_kib_at_most(sharing: Producer) -> None:
    """
    As it goes over the wire.
    """
    room = 65_536 - len(sharing.seal({**JOB, "subject": ""}))
    largest = sharing.seal({**JOB, "subject": "x" * (room * 3 // 4)})

    assert 65_530 < len(largest) <= 65_536
    with pytest.raises(Unusable, match="64 KiB"):
        sharing.seal({**JOB, "subject": "x" * (room * 3 // 4 + 8)})


def test_no_key_is_shown(sharing: Producer, signing: Producer) -> None:
    """
    What is printed of a producer names it, and that is all.
    """
    for producer, kid in ((sharing, "shop.1"), (signing, "shop.2")):
        assert re.fullmatch(
            rf"Producer\(kid='{kid}', merchant='{MERCHANT}', profile='sandbox'\)", repr(producer)
        )
