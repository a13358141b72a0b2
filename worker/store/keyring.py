"""
Sealing payee data: what the database holds of it is unreadable without the keys.
"""

from collections.abc import Sequence

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from worker.payouts.errors import BadKeyring, WrongKey


class Keyring:
    """
    Keys, newest first: the first one seals, any of them opens.
    """

    def __init__(self, keys: Sequence[str]) -> None:
        if not keys:
            raise BadKeyring("no key for payee data was given; `Keyring.generate_key()` makes one")
        self._keys = MultiFernet([_fernet(key, place) for place, key in enumerate(keys, 1)])
        self._size = len(keys)

    def __repr__(self) -> str:
        return f"Keyring({self._size} keys, hidden)"

    @staticmethod
    def generate_key() -> str:
        """
        Make a new random key.
        """
        return Fernet.generate_key().decode()

    def seal(self, content: bytes | str) -> bytes:
        """
        Encrypt and authenticate; text is taken as UTF-8.
        """
        return self._keys.encrypt(content.encode() if isinstance(content, str) else content)

    def open(self, sealed: bytes) -> bytes:
        """
        Return what was sealed. Raises `WrongKey`.
        """
        try:
            return self._keys.decrypt(sealed)
        except InvalidToken:
            raise WrongKey from None

    def opens(self, sealed: bytes) -> bool:
        """
        Whether any of the keys opens it.
        """
        try:
            self.open(sealed)
        except WrongKey:
            return False
        return True


class NoKeyring(Keyring):
    """
    The keyring of a process that shall open nothing and seal nothing.
    """

    def __init__(self) -> None:
        """
        Take no key.
        """

    def __repr__(self) -> str:
        return "NoKeyring()"

    def open(self, sealed: bytes) -> bytes:
        """
        Raise `WrongKey`.
        """
        raise WrongKey

    def seal(self, content: bytes | str) -> bytes:
        """
        Raise `BadKeyring`: nobody could ever open it.
        """
        raise BadKeyring("this process holds no key for payee data")


def _fernet(key: str, place: int) -> Fernet:
    try:
        return Fernet(key)
    except ValueError:
        # The key itself must not appear in a log, so the message says only which one it is.
        raise BadKeyring(f"key {place} is not 32 bytes in URL-safe base64") from None
