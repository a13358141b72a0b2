"""
Sealing payee data: what the database holds of it is unreadable without the keys.

A seal is a version, the public id of its key, a nonce and the ciphertext. It is bound to what
stands beside it, and opens beside nothing else. Versions before 0015 of the tables sealed with
Fernet, which is bound to nothing and names no key; such seals are read as long as there are any.
"""

import base64
import binascii
import contextlib
import enum
import hmac
import secrets
from collections.abc import Mapping, Sequence

from cryptography.exceptions import InvalidTag
from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.ciphers.aead import AESGCMSIV
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from worker.payouts.errors import BadKeyring, BrokenSeal, WrongKey

_ID_BYTES = 4
_NONCE_BYTES = 12
#: 128 bits: nobody finds two payees with the same digest.
_DIGEST_CHARACTERS = 32

#: So many bytes tell how something is sealed, and with which key.
PREFIX_BYTES = 1 + _ID_BYTES


class Form(enum.IntEnum):
    """
    How something is sealed: the newest last. It is the first byte of a seal, and part of it.
    """

    UNBOUND = (
        0  #: as versions before 0015 of the tables read it: with Fernet, whose byte is another
    )
    BOUND = 1  #: bound to what stands beside it, and names its key
    VOUCHED = 2  #: the same, and a seal vouches for each row that decides about money
    CHAINED = 3  #: the same, and a payout's row ends the chain of its history


#: How things are sealed since this version.
NEWEST = Form.CHAINED


class Key:
    """
    One key, and what is derived of it.
    """

    def __init__(self, text: str) -> None:
        """
        Take 32 bytes in URL-safe base64. Raises `ValueError`.
        """
        self.fernet = Fernet(text)
        secret = base64.urlsafe_b64decode(text)
        self.aead = AESGCMSIV(_derive(secret, b"jdpay-payouts seal 1", 32))
        #: Public: what is sealed names its key by it.
        self.id = _derive(secret, b"jdpay-payouts key id 1", _ID_BYTES).hex()
        self._digests = _derive(secret, b"jdpay-payouts digest 1", 32)

    def digest(self, content: bytes) -> str:
        """
        What tells whether two contents are equal, to whoever holds this key and to nobody else.
        """
        found = hmac.digest(self._digests, content, "sha256").hex()
        return self.id + found[:_DIGEST_CHARACTERS]


class Keyring:
    """
    Keys, newest first; any of them opens what it sealed.
    """

    def __init__(self, keys: Sequence[str]) -> None:
        if not keys:
            raise BadKeyring("no key for payee data was given; `Keyring.generate_key()` makes one")
        found = [_key(key, place) for place, key in enumerate(keys, 1)]
        self._keys = {key.id: key for key in found}

    def __repr__(self) -> str:
        return f"Keyring({len(self._keys)} keys, hidden)"

    @staticmethod
    def generate_key() -> str:
        """
        Make a new random key.
        """
        return Fernet.generate_key().decode()

    @property
    def ids(self) -> tuple[str, ...]:
        """
        The public ids of the keys, newest first.
        """
        return tuple(self._keys)

    def seal(
        self, key_id: str, content: bytes | str, bound_to: bytes, form: Form = NEWEST
    ) -> bytes:
        """
        Encrypt and authenticate, and bind to what stands beside it; text is taken as UTF-8.
        """
        key, nonce = self._keys[key_id], secrets.token_bytes(_NONCE_BYTES)
        head = prefix_of(key_id, form)
        return head + nonce + key.aead.encrypt(nonce, _encoded(content), head + bound_to)

    def open(self, sealed: bytes, bound_to: bytes) -> bytes:
        """
        Return what was sealed beside this, or unbound. Raises `WrongKey` or `BrokenSeal`.
        """
        if form_of(sealed) is Form.UNBOUND:
            return self._opened(sealed)[1]
        key_id = key_of(sealed)
        if key_id is None:
            raise BrokenSeal
        if key_id not in self._keys:
            raise WrongKey(f"the key {key_id} is not in the keyring")
        head, rest = sealed[:PREFIX_BYTES], sealed[PREFIX_BYTES:]
        nonce, encrypted = rest[:_NONCE_BYTES], rest[_NONCE_BYTES:]
        try:
            return self._keys[key_id].aead.decrypt(nonce, encrypted, head + bound_to)
        except (InvalidTag, ValueError):  # the latter where it was cut short
            raise BrokenSeal from None

    def digests(self, content: bytes) -> Mapping[str, str]:
        """
        The digest of a content under each key, by the key's id, newest first.
        """
        return {key.id: key.digest(content) for key in self._keys.values()}

    def seal_unbound(self, key_id: str, content: bytes | str) -> bytes:
        """
        Seal as versions before 0015 of the tables read it.
        """
        return self._keys[key_id].fernet.encrypt(_encoded(content))

    def unbound_key(self, sealed: bytes) -> str | None:
        """
        The key that seals something unbound; None if that is not here.
        """
        try:
            return self._opened(sealed)[0]
        except WrongKey:
            return None

    def _opened(self, sealed: bytes) -> tuple[str, bytes]:
        for key_id, key in self._keys.items():
            with contextlib.suppress(InvalidToken):
                return key_id, key.fernet.decrypt(sealed)
        raise WrongKey


class NoKeyring(Keyring):
    """
    The keyring of a process that shall open nothing and seal nothing.
    """

    def __init__(self) -> None:
        """
        Take no key.
        """
        self._keys = {}

    def __repr__(self) -> str:
        return "NoKeyring()"


def form_of(sealed: bytes) -> Form:
    """
    How it is sealed.
    """
    return Form(sealed[0]) if sealed[:1] in _BOUND else Form.UNBOUND


_BOUND = frozenset(bytes([form]) for form in Form if form is not Form.UNBOUND)


def prefix_of(key_id: str, form: Form) -> bytes:
    """
    How all begins that this key sealed and bound so.
    """
    return bytes([form]) + bytes.fromhex(key_id)


def key_of(sealed: bytes) -> str | None:
    """
    The key that something bound names; None if it names none.
    """
    named = sealed[1:PREFIX_BYTES]
    is_named = form_of(sealed) is not Form.UNBOUND and len(named) == _ID_BYTES
    return named.hex() if is_named else None


def _derive(secret: bytes, purpose: bytes, length: int) -> bytes:
    return HKDF(algorithm=SHA256(), length=length, salt=None, info=purpose).derive(secret)


def _encoded(content: bytes | str) -> bytes:
    return content.encode() if isinstance(content, str) else content


def _key(text: str, place: int) -> Key:
    try:
        return Key(text)
    except (ValueError, binascii.Error):
        # The key itself must not appear in a log, so the message says only which one it is.
        raise BadKeyring(f"key {place} is not 32 bytes in URL-safe base64") from None
