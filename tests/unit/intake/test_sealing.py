"""
Sealed jobs are opened in two forms, and nothing else is: each is made by hand, without joserfc.
"""

import json
import zlib
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from tests import sealing
from tests.factories import MERCHANT, NOON, PAYEE, a_job
from tests.sealing import Json, agreed, claims, encoded, jwe, jws, shared, signed
from worker.intake.sealing import SealedJobs, number_in
from worker.payouts.errors import InvalidJob, UnusableSeal
from worker.payouts.job_keys import JobKey, KeyKind
from worker.payouts.model import Order
from worker.payouts.person import Person
from worker.payouts.sealed_job import Cancellation, Opened, Proof, Purpose

SECRET, OTHERS, SIGNS, OWN = bytes(range(32)), b"o" * 32, b"s" * 32, b"w" * 32
FOR_US = sealing.public_x25519(OWN)
MEI = Person(1001, "mei")


def a_key(name: str, kind: KeyKind, material: bytes) -> JobKey:
    """
    A key that counts.
    """
    producer = None if kind is KeyKind.OWN else name.partition(".")[0]
    return JobKey(name, kind, producer, material, MEI, NOON, MEI, NOON)


KEYS = {
    key.name: key
    for key in (
        a_key("shop.1", KeyKind.SHARED, SECRET),
        a_key("other.1", KeyKind.SHARED, OTHERS),
        a_key("shop.2", KeyKind.SIGNING, sealing.public_ed25519(SIGNS)),
        a_key("OWN.1", KeyKind.OWN, OWN),
    )
}
JOBS = SealedJobs()


def opened(sealed: str) -> Opened:
    """
    What is in it, by the keys that there are.
    """
    return JOBS.open(sealed, KEYS.get)


def by_shared(content: Json) -> str:
    """
    Sealed with the key that the producer shares.
    """
    return shared("shop.1", SECRET, content)


def by_signing(content: Json) -> str:
    """
    Signed by the producer, and encrypted for us.
    """
    return signed("shop.2", SIGNS, "OWN.1", FOR_US, content)


either = pytest.mark.parametrize("seal", [by_shared, by_signing])


@either
def test_a_job_of_either_form_is_its_producers(seal: Callable[[Json], str]) -> None:
    """
    It says whose it is, for whom, until when, and what to pay.
    """
    found = opened(seal(claims(a_job(obligation="debt-1"))))
    read = JOBS.read(found)

    assert found.producer == "shop"
    assert isinstance(read.wanted, Order)
    assert read.wanted.payee.account_no == PAYEE.account_no
    assert (read.wanted.producer, read.wanted.obligation) == ("shop", "debt-1")
    assert (read.merchant, read.profile, read.purpose) == (MERCHANT, "sandbox", Purpose.PAY)
    assert read.expires == datetime(2026, 3, 3, 11, tzinfo=UTC)


@either
def test_what_a_row_keeps_opens_once_more(seal: Callable[[Json], str]) -> None:
    """
    With the same key, and with no other; of the second form it takes no key of ours.
    """
    proof = opened(seal(claims(a_job()))).proof
    other = a_key(proof.key.name, proof.key.kind, sealing.public_ed25519(OTHERS))

    assert JOBS.read(JOBS.reopen(proof)).wanted == JOBS.read(opened(seal(claims(a_job())))).wanted
    with pytest.raises(UnusableSeal):
        JOBS.reopen(Proof(proof.text, other))


@either
def test_a_seal_can_ask_for_a_payout_to_be_withdrawn(seal: Callable[[Json], str]) -> None:
    """
    By its number, with a reason.
    """
    job = {"out_trade_no": "WITHDRAW1", "why": "asked twice"}

    read = JOBS.read(opened(seal(claims(job, purpose="cancel"))))

    assert read.wanted == Cancellation("WITHDRAW1", "asked twice")
    assert read.purpose is Purpose.CANCEL


def everywhere(text: str) -> list[str]:
    """
    A text with one letter changed, in each of its places.
    """
    return [
        text[:at] + ("A" if letter != "A" else "B") + text[at + 1 :]
        for at, letter in enumerate(text)
    ]


@either
def test_no_letter_of_a_seal_can_be_changed(seal: Callable[[Json], str]) -> None:
    """
    Whatever still opens says the same: the last bits of base64 may stand for nothing.
    """
    sealed = seal(claims(a_job()))
    content = opened(sealed).content

    for changed in everywhere(sealed):
        try:
            found = opened(changed)
        except UnusableSeal:
            continue
        assert found.content == content


PLAIN = json.dumps(claims(a_job())).encode()
HEADER = {"alg": "dir", "enc": "A256GCM", "kid": "shop.1", "typ": "payout+jwe"}
SIGNED = {"alg": "Ed25519", "kid": "shop.2", "typ": "payout+jws"}


@pytest.mark.parametrize(
    "sealed",
    [
        "",
        "....",
        "text",
        "e30....",
        "ü.ä.ö.ü.ß",
        encoded(PLAIN),
        jwe(HEADER, SECRET, PLAIN).rpartition(".")[0],
        jwe(HEADER, SECRET, PLAIN) + ".more",
        # headers that say otherwise, or more
        jwe({**HEADER, "kid": "shop.9"}, SECRET, PLAIN),
        jwe({**HEADER, "kid": None}, SECRET, PLAIN),
        jwe({**HEADER, "kid": ["shop.1"]}, SECRET, PLAIN),
        jwe({**HEADER, "kid": "other.1"}, SECRET, PLAIN),
        jwe({**HEADER, "kid": "shop.2"}, SECRET, PLAIN),
        jwe({**HEADER, "kid": "OWN.1"}, OWN, PLAIN),
        jwe({**HEADER, "typ": "JWT"}, SECRET, PLAIN),
        jwe({**HEADER, "zip": "DEF"}, SECRET, PLAIN),
        jwe({**HEADER, "zip": "DEF"}, SECRET, zlib.compress(PLAIN)[2:-4]),
        jwe({**HEADER, "crit": ["exp"], "exp": 1}, SECRET, PLAIN),
        jwe({**HEADER, "jwk": {"kty": "oct", "k": encoded(SECRET)}}, SECRET, PLAIN),
        jwe({**HEADER, "alg": "none"}, SECRET, PLAIN),
        jwe({**HEADER, "alg": "A256KW"}, SECRET, PLAIN),
        jwe({**HEADER, "enc": "A128GCM"}, SECRET[:16], PLAIN),
        jwe(json.dumps(HEADER)[:-1] + ', "kid": "shop.1"}', SECRET, PLAIN),
        jwe(json.dumps(HEADER)[:-1] + ', "kid": "other.1"}', SECRET, PLAIN),
        # what is signed is not encrypted for us, or not signed as it must be
        jws(SIGNED, SIGNS, PLAIN),
        jwe(HEADER, SECRET, jws(SIGNED, SIGNS, PLAIN).encode())[:-3],
        agreed("OWN.1", FOR_US, PLAIN),
        agreed("OWN.1", FOR_US, jws({**SIGNED, "kid": "shop.1"}, SIGNS, PLAIN).encode()),
        agreed("OWN.1", FOR_US, jws({**SIGNED, "kid": "other.2"}, SIGNS, PLAIN).encode()),
        agreed("OWN.1", FOR_US, jws({**SIGNED, "alg": "EdDSA"}, SIGNS, PLAIN).encode()),
        agreed("OWN.1", FOR_US, jws({**SIGNED, "alg": "none"}, SIGNS, PLAIN).encode()),
        agreed("OWN.1", FOR_US, jws({**SIGNED, "b64": False}, SIGNS, PLAIN).encode()),
        agreed("OWN.1", FOR_US, jws(SIGNED, OTHERS, PLAIN).encode()),
        agreed("OWN.1", FOR_US, jws(SIGNED, SIGNS, PLAIN).rpartition(".")[0].encode() + b"."),
        agreed("OWN.2", FOR_US, jws(SIGNED, SIGNS, PLAIN).encode()),
        agreed("shop.1", FOR_US, jws(SIGNED, SIGNS, PLAIN).encode()),
        agreed("OWN.1", FOR_US, jws(SIGNED, SIGNS, PLAIN).encode(), apu="Bob"),
        agreed("OWN.1", FOR_US, jws(SIGNED, SIGNS, PLAIN).encode(), epk="none"),
        agreed("OWN.1", FOR_US, jws(SIGNED, SIGNS, PLAIN).encode(), epk={"kty": "OKP"}),
        agreed("OWN.1", sealing.public_x25519(OTHERS), jws(SIGNED, SIGNS, PLAIN).encode()),
        agreed("OWN.1", FOR_US, b"\xff\xfe"),
    ],
)
def test_whatever_no_key_of_ours_has_sealed_is_not_opened(sealed: str) -> None:
    """
    And whoever holds no key hears only that.
    """
    with pytest.raises(UnusableSeal) as fault:
        opened(sealed)

    assert fault.value.reason == "bad_seal"


@pytest.mark.parametrize(
    "epk",
    [
        {"kty": "OKP", "crv": "X25519", "x": encoded(bytes(32))},
        {"kty": "OKP", "crv": "X25519", "x": encoded(b"\x01" + bytes(31))},
        {"kty": "OKP", "crv": "X25519", "x": encoded(b"short")},
        {"kty": "OKP", "crv": "X25519", "x": 7},
        {"kty": "OKP", "crv": "X25519", "x": encoded(FOR_US), "d": encoded(OWN)},
        {"kty": "EC", "crv": "P-256", "x": encoded(FOR_US), "y": encoded(FOR_US)},
    ],
)
def test_no_strange_point_agrees_on_a_key(epk: Json) -> None:
    """
    Points of small order, of other curves, of wrong lengths: all are refused.
    """
    with pytest.raises(UnusableSeal):
        opened(agreed("OWN.1", FOR_US, jws(SIGNED, SIGNS, PLAIN).encode(), epk=epk))


def test_what_is_too_large_is_not_looked_at() -> None:
    """
    64 KiB and one letter.
    """
    with pytest.raises(UnusableSeal) as fault:
        opened("e" * (64 * 1024 + 1))

    assert fault.value.reason == "too_large"


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"purpose": "refund"}, "purpose"),
        ({"purpose": "cancel"}, "amount_fen"),
        ({"merchant": 7}, "merchant"),
        ({"expires": "2026-03-02T10:00:00+00:00"}, "expires"),
        ({"expires": "2026-03-02T11:00:00+00:00"}, "expires"),
        ({"expires": "2026-04-02T11:00:01+00:00"}, "expires"),
        ({"expires": 1772449200}, "expires"),
        ({"issued": "2026-03-02T11:00:00"}, "issued"),
        ({"job": "text"}, "job"),
        ({"job": a_job(amount_fen=0)}, "amount_fen"),
        ({"job": a_job(producer="other")}, "producer"),
        ({"kid": "other.1"}, "kid"),
        ({"profile": "live"}, "obligation"),
    ],
)
def test_what_is_sealed_must_be_right_as_well(changes: Json, field: str) -> None:
    """
    Each fault is told by its field; whose job it was is known by then.
    """
    found = opened(by_shared(claims(a_job()) | dict(changes)))

    with pytest.raises(InvalidJob) as fault:
        JOBS.read(found)

    assert any(told.startswith(f"{field}: ") for told in fault.value.faults)
    assert found.producer == "shop"


def test_a_key_that_is_there_twice_makes_a_job_unreadable() -> None:
    """
    Of two amounts nobody guesses which is meant; the number of such a job is not known.
    """
    twice = json.dumps(claims(a_job())).replace('"amount_fen"', '"amount_fen": 1, "amount_fen"')
    found = opened(jwe(HEADER, SECRET, twice.encode()))

    with pytest.raises(InvalidJob, match="same key twice"):
        JOBS.read(found)
    assert number_in(found) is None


def test_the_number_of_a_wrong_job_can_be_told() -> None:
    """
    So that its producer finds out which job was rejected.
    """
    assert number_in(opened(by_shared(claims(a_job(amount_fen=0))))) == a_job()["out_trade_no"]
