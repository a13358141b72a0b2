"""
The register of producers and of their tokens.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Protocol

from worker.payouts.producers import Producer, Scope, Token


class TokenReads(Protocol):
    """
    Who shows a token.
    """

    def token(self, digest: str) -> Token | None:
        """
        The token whose secret has that SHA-256, in hex.

        None where there is none, it expired or was revoked, or its producer is disabled.
        """


class ProducerLedger(TokenReads, Protocol):
    """
    The ledger's register of producers. Every method is one transaction.
    """

    def add_producer(self, name: str, who: str) -> None:
        """
        Register an application. Raises `NotAllowed` if there is one of that name, disabled or not.
        """

    def disable_producer(self, name: str, who: str, why: str) -> None:
        """
        Let none of its tokens be good for anything. Raises `NoSuchProducer` or `NotAllowed`.
        """

    def producers(self) -> Sequence[Producer]:
        """
        All of them, disabled ones too, by name.
        """

    def issue_token(
        self,
        producer: str,
        scope: Scope,
        digest: str,
        name: str,
        who: str,
        lasting: timedelta | None = None,
    ) -> Token:
        """
        Let whoever has the secret of that digest be the producer, for that scope and so long.

        Raises `NoSuchProducer`, or `NotAllowed` where it is disabled or the secret is another's.
        """

    def revoke_token(self, token_id: int, who: str, why: str) -> Token:
        """
        Let a token be good for nothing. Raises `NoSuchToken`, or `NotAllowed` if it is revoked.
        """

    def tokens(self, producer: str | None = None) -> Sequence[Token]:
        """
        All tokens, or those of one producer, oldest first.
        """
