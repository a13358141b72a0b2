"""
Who may hand over payouts and look at them: producers are registered, and show a token.
"""

import hashlib
import secrets
from collections.abc import Callable
from datetime import timedelta

from worker.payouts.errors import BadToken, NotAllowed, WrongScope
from worker.payouts.producers import DEFAULT_PRODUCER, Scope, Token, is_producer_name
from worker.usecases.ports import ProducerLedger, TokenReads

#: No secret of ours is longer.
_LONGEST = 100


def new_secret() -> str:
    """
    256 random bits, in the letters that a header may hold.
    """
    return secrets.token_urlsafe(32)


class Registrar:
    """
    A person who registers producers and issues their tokens. `who` is how records name them.
    """

    def __init__(
        self, ledger: ProducerLedger, who: str, new_secret: Callable[[], str] = new_secret
    ) -> None:
        self._ledger = ledger
        self._who = who
        self._new_secret = new_secret

    def add(self, name: str) -> None:
        """
        Register an application. Raises `NotAllowed` where the name is no such name, or is taken.
        """
        if not is_producer_name(name):
            raise NotAllowed(
                "a producer's name has 1 to 32 small letters, digits and hyphens, a letter first"
            )
        self._ledger.add_producer(name, self._who)

    def disable(self, name: str, why: str) -> None:
        """
        End all tokens of a producer, for good. Raises `NoSuchProducer` or `NotAllowed`.
        """
        if name == DEFAULT_PRODUCER:
            raise NotAllowed(
                f"{name} is whose the jobs are that come over the broker: to stop those, stop the"
                " worker that takes them, or revoke the tokens"
            )
        self._ledger.disable_producer(name, self._who, why)

    def issue(
        self, producer: str, scope: Scope, name: str, lasting: timedelta | None = None
    ) -> tuple[Token, str]:
        """
        Make a token; its secret is returned here and kept nowhere.

        Raises `NoSuchProducer`, or `NotAllowed` where the producer is disabled.
        """
        secret = f"payouts_{scope}_{self._new_secret()}"
        token = self._ledger.issue_token(producer, scope, _digest(secret), name, self._who, lasting)
        return token, secret

    def revoke(self, token_id: int, why: str) -> Token:
        """
        End a token. Raises `NoSuchToken`, or `NotAllowed` if it was revoked before.
        """
        return self._ledger.revoke_token(token_id, self._who, why)


def identify(ledger: TokenReads, secret: str, scope: Scope) -> str:
    """
    The name of the producer who shows this secret.

    Raises `WrongScope` where it is good for something else, and `BadToken` for nothing at all.
    """
    is_one = len(secret) <= _LONGEST and secret.isascii()
    token = ledger.token(_digest(secret)) if is_one else None
    if token is None:
        raise BadToken("this token is not known, has expired, or was revoked")
    if token.scope is not scope:
        raise WrongScope(f"this token is good for `{token.scope}`, and this takes `{scope}`")
    return token.producer


def _digest(secret: str) -> str:
    # It has 256 random bits: nobody finds it by trying, so it takes neither a key nor a salt.
    return hashlib.sha256(secret.encode()).hexdigest()
