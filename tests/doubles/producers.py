"""
Producers and their tokens, in the ledger in memory.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from tests.doubles.rows import MemoryRows, transactions
from worker.payouts.errors import NoSuchProducer, NoSuchToken, NotAllowed
from worker.payouts.job_keys import JobKey, KeyKind, name_key
from worker.payouts.person import Person
from worker.payouts.producers import DEFAULT_PRODUCER, Producer, Scope, Token
from worker.store.base import new_token


@transactions
class MemoryProducers(MemoryRows):
    """
    The register, over plain dictionaries.
    """

    def __init__(
        self, clock: Callable[[], datetime], new_token: Callable[[], str] = new_token
    ) -> None:
        super().__init__(clock, new_token)
        self._producers = {
            DEFAULT_PRODUCER: Producer(DEFAULT_PRODUCER, "migration", clock()),
        }
        self._keys: dict[str, JobKey] = {}
        #: By their digests.
        self._tokens: dict[str, Token] = {}

    def add_producer(self, name: str, who: str) -> None:
        """
        Register an application. Raises `NotAllowed`.
        """
        if name in self._producers:
            raise NotAllowed(f"there is a producer {name} already")
        self._producers[name] = Producer(name, who, self._clock())

    def disable_producer(self, name: str, who: str, why: str) -> None:
        """
        End all tokens of a producer. Raises `NoSuchProducer` or `NotAllowed`.
        """
        found = self._enabled(name)
        self._producers[name] = replace(
            found, disabled_by=who, disabled_why=why, disabled_at=self._clock()
        )
        for key in self.job_keys(name):
            if key.retired_at is None:
                self.retire_job_key(key.name, who, why)

    def producers(self) -> Sequence[Producer]:
        """
        All of them, by name.
        """
        return [self._producers[name] for name in sorted(self._producers)]

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
        Let whoever has the secret of that digest be the producer.
        """
        self._enabled(producer)
        if digest in self._tokens:
            raise NotAllowed("this secret is another token's")
        now = self._clock()
        until = None if lasting is None else now + lasting
        made = Token(next(self._ids["tokens"]), producer, scope, name, who, now, until)
        self._tokens[digest] = made
        return made

    def revoke_token(self, token_id: int, who: str, why: str) -> Token:
        """
        End a token. Raises `NoSuchToken` or `NotAllowed`.
        """
        digest, token = self._numbered(token_id)
        if token.revoked_at is not None:
            raise NotAllowed(f"token {token_id} is revoked already")
        ended = replace(token, revoked_by=who, revoked_why=why, revoked_at=self._clock())
        self._tokens[digest] = ended
        return ended

    def tokens(self, producer: str | None = None) -> Sequence[Token]:
        """
        All tokens, or those of one producer, oldest first.
        """
        return [t for t in self._tokens.values() if producer in {None, t.producer}]

    def token(self, digest: str) -> Token | None:
        """
        The token with that digest, while it is good for something.
        """
        token = self._tokens.get(digest)
        if token is None or token.revoked_at or self._producers[token.producer].disabled_at:
            return None
        is_over = token.expires_at is not None and token.expires_at <= self._clock()
        return None if is_over else token

    def add_job_key(
        self, producer: str | None, kind: KeyKind, material: bytes, person: Person
    ) -> JobKey:
        """
        Keep a key, which counts at once. Raises `NoSuchProducer` or `NotAllowed`.
        """
        if producer is not None:
            self._enabled(producer)
        now, serial = self._clock(), len([k for k in self._keys.values() if k.producer == producer])
        name = name_key(producer, serial + 1)
        self._keys[name] = JobKey(name, kind, producer, material, person, now, person, now)
        return self._keys[name]

    def approve_job_key(self, name: str, person: Person) -> JobKey:
        """
        Never needed here. Raises `NotAllowed`.
        """
        raise NotAllowed(f"the key {name} waits for nobody")

    def retire_job_key(self, name: str, who: str, why: str) -> JobKey:
        """
        Let a key open no new job. Raises `NotAllowed`.
        """
        key = self._keys.get(name)
        if key is None or key.retired_at is not None:
            raise NotAllowed(f"there is no key {name}, or it is retired already")
        now = self._clock()
        self._keys[name] = replace(key, retired_by=who, retired_why=why, retired_at=now)
        return self._keys[name]

    def job_keys(self, producer: str | None = None) -> Sequence[JobKey]:
        """
        All keys, or those of one producer, oldest first.
        """
        return [key for key in self._keys.values() if producer in {None, key.producer}]

    def job_key(self, name: str) -> JobKey | None:
        """
        The key that is called so.
        """
        return self._keys.get(name)

    def _enabled(self, name: str) -> Producer:
        if name not in self._producers:
            raise NoSuchProducer(f"there is no producer {name}")
        if self._producers[name].disabled_at is not None:
            raise NotAllowed(f"producer {name} is disabled already")
        return self._producers[name]

    def _numbered(self, token_id: int) -> tuple[str, Token]:
        for digest, token in self._tokens.items():
            if token.id == token_id:
                return digest, token
        raise NoSuchToken(f"there is no token {token_id}")
