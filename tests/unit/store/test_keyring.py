"""
Sealing and opening.
"""

import pytest

from worker.payouts.errors import BadKeyring, WrongKey
from worker.store.keyring import Keyring


@pytest.mark.parametrize("content", ["张三丰", "", b"\x00\xff"])
def test_what_was_sealed_opens(content: str | bytes) -> None:
    """
    Text comes back as its UTF-8 bytes, bytes as they were; sealed, neither can be seen.
    """
    keyring = Keyring([Keyring.generate_key()])
    plain = content.encode() if isinstance(content, str) else content

    sealed = keyring.seal(content)

    assert keyring.open(sealed) == plain
    assert not plain or plain not in sealed


def test_the_same_content_is_never_sealed_alike() -> None:
    """
    Nobody can tell from the database that two payees are the same.
    """
    keyring = Keyring([Keyring.generate_key()])

    assert keyring.seal("6222") != keyring.seal("6222")


def test_an_older_key_still_opens() -> None:
    """
    After a rotation the newest key seals, and what an older one sealed stays readable.
    """
    old, new = Keyring.generate_key(), Keyring.generate_key()
    both = Keyring([new, old])

    assert both.open(Keyring([old]).seal("before")) == b"before"
    assert Keyring([new]).open(both.seal("after")) == b"after"


def test_a_wrong_key_opens_nothing() -> None:
    """
    Content sealed with another key, or damaged, is an error that says so.
    """
    keyring = Keyring([Keyring.generate_key()])

    with pytest.raises(WrongKey, match="another"):
        keyring.open(Keyring([Keyring.generate_key()]).seal("secret"))
    with pytest.raises(WrongKey):
        keyring.open(b"damaged")


def test_a_missing_key_is_named_as_such() -> None:
    """
    An empty keyring is refused, with the way to get a key.
    """
    with pytest.raises(BadKeyring, match="generate_key"):
        Keyring([])


@pytest.mark.parametrize("key", ["", "too short", "密钥" * 16, "A" * 200])
def test_a_malformed_key_is_not_quoted(key: str) -> None:
    """
    The error says which key is bad, and never what it was.
    """
    with pytest.raises(BadKeyring, match="key 2") as caught:
        Keyring([Keyring.generate_key(), key])

    assert not key or key not in str(caught.value)
    assert caught.value.__cause__ is None


def test_keys_do_not_show() -> None:
    """
    A keyring in a log or a traceback tells nothing but how many keys it has.
    """
    key = Keyring.generate_key()

    assert repr(Keyring([key])) == "Keyring(1 keys, hidden)"
