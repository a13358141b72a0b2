"""
The key file: who may read it, and what is in it.
"""

import json
from pathlib import Path

import pytest

from tests.unit.producer.conftest import WriteKey
from tests.unit.producer.opening import SHARED, SIGNED, Found
from worker.producer import Producer, Unusable

BOTH = pytest.mark.parametrize("content", [SHARED, SIGNED], ids=["shared", "signed"])


@BOTH
@pytest.mark.parametrize("mode", [0o600, 0o400], ids=oct)
def test_it_is_for_its_owner(written: WriteKey, content: Found, mode: int) -> None:
    """
    Then it says who the producer is.
    """
    path = written(content)
    Path(path).chmod(mode)
    found = Producer.load(path)

    assert found.kid == content["kid"]
    assert (found.merchant, found.profile) == ("360080000000000001", "sandbox")


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o602, 0o644, 0o610, 0o601], ids=oct)
def test_it_is_for_nobody_else(written: WriteKey, mode: int) -> None:
    """
    What others may read, write or run is no secret.
    """
    path = written(SHARED)
    Path(path).chmod(mode)
    with pytest.raises(Unusable, match=r"others may use .*chmod 600"):
        Producer.load(path)


@BOTH
def test_each_field_is_needed(written: WriteKey, content: Found) -> None:
    """
    Whichever is left out.
    """
    for name in content:
        rest = {k: v for k, v in content.items() if k != name}
        with pytest.raises(Unusable, match="no key file"):
            Producer.load(written(rest))


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        "1",
        '"x"',
        "\x00",
        {**SHARED, "kty": "RSA"},
        {**SHARED, "kty": ["oct"]},
        {**SHARED, "k": "AAAA"},
        {**SHARED, "k": SHARED["k"] + "AAAA"},
        {**SHARED, "k": 1},
        {**SHARED, "k": "é"},
        {**SIGNED, "d": "AAAA"},
        {**SIGNED, "d": SIGNED["d"] + "AAAA"},
        {**SIGNED, "crv": "X25519"},
        {**SIGNED, "crv": "Ed448"},
        {**SIGNED, "recipient": {**SIGNED["recipient"], "crv": "Ed25519"}},
        {**SIGNED, "recipient": {**SIGNED["recipient"], "x": ""}},
        {**SIGNED, "recipient": {k: v for k, v in SIGNED["recipient"].items() if k != "kid"}},
        {**SIGNED, "recipient": SHARED},
        {**SIGNED, "recipient": None},
    ],
)
def test_nothing_else_is_one(written: WriteKey, content: object) -> None:
    """
    And what is in it is not quoted.
    """
    with pytest.raises(Unusable) as raised:
        Producer.load(written(content))

    assert str(raised.value).endswith("shop.key cannot be read, or is no key file")
    assert raised.value.__cause__ is None


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    """
    Is told of by its name.
    """
    with pytest.raises(Unusable, match=r"absent\.key cannot be read"):
        Producer.load(str(tmp_path / "absent.key"))


def test_fields_of_later_versions_do_no_harm(written: WriteKey) -> None:
    """
    A copy of the file lives long.
    """
    assert Producer.load(written(json.dumps({**SHARED, "made": "2027-01-01"}))).kid == "shop.1"
