"""
Sealing and opening.
"""

import pytest
from cryptography.fernet import Fernet
from cryptography.hazmat.primitives.ciphers.aead import AESGCMSIV

from worker.payouts.errors import BadKeyring, BrokenSeal, WrongKey
from worker.store.keyring import Form, Keyring, form_of, key_of

#: A key, and what an implementation of RFC 5869 made of it: OpenSSL's `kdf` command, with
#: `HKDF`, `digest:SHA256`, no salt, and the purposes as `info`.
KNOWN = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
KNOWN_ID = "828d63b8"
KNOWN_SECRET = "ac6f328511c9572fce946cd5d74dff3963109e3b19cdbfc218e3acbdde37fe09"

BESIDE = b"payout 1"


def sealed_by(keyring: Keyring, content: bytes | str, beside: bytes = BESIDE) -> bytes:
    """
    Content sealed with the newest key.
    """
    return keyring.seal(keyring.ids[0], content, beside)


@pytest.mark.parametrize("content", ["张三丰", "", b"\x00\xff"])
def test_what_was_sealed_opens(content: str | bytes) -> None:
    """
    Text comes back as its UTF-8 bytes, bytes as they were; sealed, neither can be seen.
    """
    keyring = Keyring([Keyring.generate_key()])
    plain = content.encode() if isinstance(content, str) else content

    sealed = sealed_by(keyring, content)

    assert keyring.open(sealed, BESIDE) == plain
    assert not plain or plain not in sealed


def test_a_seal_is_what_the_documents_say() -> None:
    """
    Version, key id, nonce, ciphertext: any implementation of AES-256-GCM-SIV opens it.
    """
    keyring = Keyring([KNOWN])

    sealed = sealed_by(keyring, "secret")

    assert (sealed[:1].hex(), sealed[1:5].hex()) == ("03", KNOWN_ID)
    aead = AESGCMSIV(bytes.fromhex(KNOWN_SECRET))
    assert aead.decrypt(sealed[5:17], sealed[17:], sealed[:5] + BESIDE) == b"secret"
    assert keyring.ids == (KNOWN_ID,)


def test_the_same_content_is_never_sealed_alike() -> None:
    """
    Nobody can tell from the database that two payees are the same.
    """
    keyring = Keyring([Keyring.generate_key()])

    assert sealed_by(keyring, "6222") != sealed_by(keyring, "6222")


def test_an_older_key_still_opens() -> None:
    """
    After a rotation what an older key sealed stays readable, and each names its own.
    """
    old, new = Keyring.generate_key(), Keyring.generate_key()
    both = Keyring([new, old])
    before, after = sealed_by(Keyring([old]), "before"), sealed_by(both, "after")

    assert both.open(before, BESIDE) == b"before"
    assert Keyring([new]).open(after, BESIDE) == b"after"
    assert [key_of(after), key_of(before)] == [*both.ids]


def test_a_wrong_key_opens_nothing() -> None:
    """
    Content sealed with another key is an error that names the key by its public id.
    """
    keyring, other = Keyring([Keyring.generate_key()]), Keyring([Keyring.generate_key()])

    with pytest.raises(WrongKey, match=other.ids[0]):
        keyring.open(sealed_by(other, "secret"), BESIDE)


def test_a_seal_opens_nowhere_else() -> None:
    """
    Beside another row it is an error, although the key is there.
    """
    keyring = Keyring([Keyring.generate_key()])

    with pytest.raises(BrokenSeal, match="elsewhere"):
        keyring.open(sealed_by(keyring, "secret"), b"payout 2")


def test_a_changed_seal_opens_nowhere() -> None:
    """
    Whichever of its bytes is another, and wherever it ends too early.
    """
    keyring = Keyring([Keyring.generate_key()])
    sealed = sealed_by(keyring, "secret")
    changed = [
        *(sealed[:n] + bytes([sealed[n] ^ 1]) + sealed[n + 1 :] for n in range(len(sealed))),
        *(sealed[:n] for n in range(len(sealed))),
        sealed + b"\0",
    ]

    for one in changed:
        with pytest.raises((BrokenSeal, WrongKey)):
            keyring.open(one, BESIDE)
    assert len(changed) == 2 * (1 + 4 + 12 + len("secret") + 16) + 1


def test_another_key_of_the_keyring_is_not_tried() -> None:
    """
    A seal that names another of our keys is broken: the name is part of what is authenticated.
    """
    keyring = Keyring([Keyring.generate_key(), Keyring.generate_key()])
    sealed = sealed_by(keyring, "secret")
    renamed = sealed[:1] + bytes.fromhex(keyring.ids[1]) + sealed[5:]

    with pytest.raises(BrokenSeal):
        keyring.open(renamed, BESIDE)


def test_what_fernet_sealed_stays_readable() -> None:
    """
    Versions before sealed so, with any key of the keyring; it is bound to nothing.
    """
    old, new = Keyring.generate_key(), Keyring.generate_key()
    both = Keyring([new, old])
    before = Fernet(old).encrypt(b"before")

    assert both.open(before, b"anywhere") == b"before"
    assert both.unbound_key(before) == both.ids[1]
    assert form_of(before) is Form.UNBOUND
    assert Fernet(old).decrypt(both.seal_unbound(both.ids[1], "after")) == b"after"
    with pytest.raises(WrongKey, match="another"):
        Keyring([new]).open(before, b"anywhere")
    with pytest.raises(WrongKey):
        both.open(b"damaged", BESIDE)


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
