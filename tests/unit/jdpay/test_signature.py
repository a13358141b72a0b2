import json
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.jdpay.conftest import SIGNATURES, VECTORS
from worker.jdpay import canonical
from worker.jdpay.errors import BadSignKey, UnsafeValue, UnsupportedDigest
from worker.jdpay.signature import SignKey


@pytest.mark.parametrize("vector", SIGNATURES, ids=lambda vector: vector["name"])
def test_canonical_vectors(vector: dict[str, Any]) -> None:
    """
    The canonical string of every vector is the published one.
    """
    assert canonical.write(vector["fields"]) == vector["canonical"]


@pytest.mark.parametrize("vector", SIGNATURES, ids=lambda vector: vector["name"])
def test_signature_vectors(vector: dict[str, Any], key: SignKey) -> None:
    """
    The signature of every vector is the published one.
    """
    assert key.sign(vector["canonical"], vector["sign_type"]) == vector["sign_data"]


@pytest.mark.parametrize("vector", SIGNATURES, ids=lambda vector: vector["name"])
def test_vectors_verify(vector: dict[str, Any], key: SignKey) -> None:
    """
    A message verifies in either case of its signature, and not with one field changed or added.
    """
    message = vector["fields"] | {k: vector[k] for k in ("sign_type", "sign_data")}

    assert key.verify(message)
    assert key.verify(message | {"sign_data": vector["sign_data"].lower()})
    assert not key.verify(message | {"added": "1"})
    assert not key.verify(message | {next(iter(vector["fields"].keys() - {"sign_type"})): "x"})


def test_closed_reply_verifies(key: SignKey) -> None:
    """
    Null merchants are outside the signature.
    """
    assert key.verify(json.loads((VECTORS / "closed_reply.json").read_text("utf-8")))


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"b": "2", "a": "1"}, "a=1&b=2"),  # sorted
        ({"a": None, "b": "", "c": " \t\r\n\0", "d": "4"}, "d=4"),  # blanks are out
        ({"a": " 1 "}, "a= 1 "),  # values are not trimmed
        ({"a": "　"}, "a=　"),  # Java trims ASCII alone
        ({"Sign_Type": "1", "SALT": "2", "encrypt_DATA": "3", "z": "4"}, "z=4"),
        ({"_": "1", "A": "2", "a": "3"}, "A=2&_=1&a=3"),  # code units, not letters
        ({"\uff5e": "1", "\U00010000": "2"}, "\U00010000=2&\uff5e=1"),  # of UTF-16, as in Java
        ({}, ""),
    ],
)
def test_canonical_rules(fields: dict[str, str | None], text: str) -> None:
    """
    Names are sorted by code unit, blanks and the protection's own fields are left out.
    """
    assert canonical.write(fields) == text


@pytest.mark.parametrize("character", ["&", "\r", "\n", "\0", "\ud800"])
def test_unsafe_values(character: str) -> None:
    """
    What would end a value inside the envelope is refused by the field's name, never its value.
    """
    with pytest.raises(UnsafeValue, match="payee_account_name") as caught:
        canonical.refuse_unsafe({"ok": "a=b+c", "payee_account_name": f"secret{character}"})

    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("sign_type", ["MD5", "sha-256", "SHA-512", ""])
def test_other_digests_are_refused(sign_type: str, key: SignKey) -> None:
    """
    MD5, and any spelling off the list, neither signs nor verifies.
    """
    with pytest.raises(UnsupportedDigest):
        key.sign("a=1", sign_type)

    md5 = "E9C31FC7CA2D09F3B8A95A5B0E5D9C0E"
    assert not key.verify({"a": "1", "sign_type": sign_type, "sign_data": md5})


def test_hostile_signatures(key: SignKey) -> None:
    """
    A missing, foreign or half-surrogate signature is wrong, not an error.
    """
    for sign_data in (None, "", "é", "\ud800", "ﬀ" * 32):
        assert not key.verify({"a": "1", "sign_type": "SHA", "sign_data": sign_data})
    assert not key.verify({"a": "\ud800", "sign_type": "SHA", "sign_data": "0"})


def test_key_is_hidden() -> None:
    """
    The sign key is not in its repr, and an empty one is refused.
    """
    assert "hush" not in repr(SignKey("hush"))
    with pytest.raises(BadSignKey):
        SignKey(" ")


def signed(key: SignKey, **fields: str) -> dict[str, str]:
    """
    A message that JD signed.
    """
    return fields | {"sign_type": "SHA-256", "sign_data": key.sign(canonical.write(fields))}


@pytest.mark.parametrize(
    "text", ["A&B", "a\r\nb", "&", "a&&b", "50% = half", "a=b", "x & y\n", "&b"]
)
def test_odd_characters_in_a_free_text_spoil_nothing(key: SignKey, text: str) -> None:
    """
    A genuine return whose message JD wrote oddly counts.
    """
    assert key.verify(signed(key, trade_status="REFU", trade_respmsg=text, refund_amount="5"))


@pytest.mark.parametrize(
    "forged",
    [
        # a status hidden in a text, and one shown that was in a text
        {"refund_amount": "5", "return_params": "x&trade_status=REFU"},
        {"refund_amount": "5", "return_params": "x", "trade_status": "REFU&z=1"},
        # everything in one value, or in one name
        {"refund_amount": "5&return_params=x&trade_status=REFU"},
        {"refund_amount=5&return_params=x&trade_status": "REFU"},
        {"refund_amount": "5", "return_params=x&trade_status": "REFU"},
    ],
)
def test_a_message_that_could_be_another_is_not_believed(
    key: SignKey, forged: dict[str, str]
) -> None:
    """
    The same text under the same signature, cut into other fields.
    """
    genuine = {"refund_amount": "5", "return_params": "x", "trade_status": "REFU"}
    if canonical.write(forged) == canonical.write(genuine):
        assert key.verify(signed(key, **genuine))

    assert not key.verify(signed(key, **forged))


texts = st.text(st.sampled_from("ab=&\r\n 1"), max_size=6)


@given(fields=st.dictionaries(st.sampled_from("abcd"), texts), cut=st.data())
def test_no_signature_serves_two_messages(fields: dict[str, str], cut: st.DataObject) -> None:
    """
    However the text of a message that verifies is cut into fields, no other one verifies.
    """
    key = SignKey("k")
    text = canonical.write(fields)
    places = [place for place, character in enumerate(text) if character == "&"]
    chosen = sorted(cut.draw(st.sets(st.sampled_from(places)))) if places else []
    parts = [text[a + 1 : b] for a, b in pairwise([-1, *chosen, len(text)])]
    other = dict(part.partition("=")[::2] for part in parts)
    if (
        canonical.signed_fields(other) == canonical.signed_fields(fields)
        or canonical.write(other) != text
    ):
        return

    believed = [key.verify(signed(key, **message)) for message in (fields, other)]
    assert sum(believed) <= 1
