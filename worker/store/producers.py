"""
Producers and their tokens.
"""

from collections.abc import Sequence
from datetime import timedelta

import sqlalchemy as sa

from worker.payouts.errors import NoSuchToken, NotAllowed
from worker.payouts.producers import Producer, Scope, Token
from worker.store.base import Base
from worker.store.job_keys import retire_keys_of
from worker.store.producer_rows import read_enabled, read_producer
from worker.store.producer_tables import producers, tokens
from worker.store.writes import insert_new

_PRODUCER = sa.select(producers)
_TOKEN = sa.select(*(column for column in tokens.c if column is not tokens.c.digest))

#: The tokens that nobody has taken back, of producers who are not disabled.
_VALID = _TOKEN.join(producers, producers.c.name == tokens.c.producer).where(
    producers.c.disabled_at.is_(None), tokens.c.revoked_at.is_(None)
)


class Producers(Base):
    """
    The register of producers. Nothing is forgotten: who was disabled stays on record.
    """

    def add_producer(self, name: str, who: str) -> None:
        """
        Register an application. Raises `NotAllowed` if there is one of that name, disabled or not.
        """
        with self._writing() as (conn, now):
            if insert_new(conn, producers, name=name, added_by=who, added_at=now) is None:
                raise NotAllowed(f"there is a producer {name} already")

    def disable_producer(self, name: str, who: str, why: str) -> None:
        """
        Let none of its tokens and keys be good for anything.

        Raises `NoSuchProducer` or `NotAllowed`.
        """
        with self._writing() as (conn, now):
            enabled = producers.c.name == name, producers.c.disabled_at.is_(None)
            values = {"disabled_by": who, "disabled_why": why, "disabled_at": now}
            if conn.execute(sa.update(producers).where(*enabled).values(values)).rowcount == 0:
                read_producer(conn, name)
                raise NotAllowed(f"producer {name} is disabled already")
            retire_keys_of(conn, name, who, why, now, self._seals)

    def producers(self) -> Sequence[Producer]:
        """
        All of them, disabled ones too, by name.
        """
        with self._snapshot() as conn:
            found = conn.execute(_PRODUCER.order_by(producers.c.name)).mappings()
            return [Producer(**row) for row in found]

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

        Raises `NoSuchProducer`, or `NotAllowed` where it is disabled.
        """
        with self._writing() as (conn, now):
            # Its row is held, so that no token is issued behind the back of who disables it.
            read_enabled(conn, producer)
            token_id = insert_new(
                conn,
                tokens,
                producer=producer,
                digest=digest,
                scope=scope,
                name=name,
                issued_by=who,
                issued_at=now,
                expires_at=None if lasting is None else now + lasting,
            )
            if token_id is None:
                raise NotAllowed("this secret is another token's")
            return Token(**conn.execute(_TOKEN.where(tokens.c.id == token_id)).mappings().one())

    def revoke_token(self, token_id: int, who: str, why: str) -> Token:
        """
        Let a token be good for nothing. Raises `NoSuchToken`, or `NotAllowed` if it is revoked.
        """
        with self._writing() as (conn, now):
            wanted = tokens.c.id == token_id, tokens.c.revoked_at.is_(None)
            values = {"revoked_by": who, "revoked_why": why, "revoked_at": now}
            done = conn.execute(sa.update(tokens).where(*wanted).values(values))
            row = conn.execute(_TOKEN.where(tokens.c.id == token_id)).mappings().one_or_none()
            if row is None:
                raise NoSuchToken(f"there is no token {token_id}")
            if done.rowcount == 0:
                raise NotAllowed(f"token {token_id} is revoked already")
            return Token(**row)

    def tokens(self, producer: str | None = None) -> Sequence[Token]:
        """
        All tokens, or those of one producer, oldest first.
        """
        wanted = _TOKEN if producer is None else _TOKEN.where(tokens.c.producer == producer)
        with self._snapshot() as conn:
            return [Token(**row) for row in conn.execute(wanted.order_by(tokens.c.id)).mappings()]

    def token(self, digest: str) -> Token | None:
        """
        The token with that digest; None where it is good for nothing, or there is none.
        """
        is_running = tokens.c.expires_at.is_(None) | (tokens.c.expires_at > self._clock)
        with self._snapshot() as conn:
            good = _VALID.where(tokens.c.digest == digest, is_running)
            row = conn.execute(good).mappings().one_or_none()
        return None if row is None else Token(**row)
