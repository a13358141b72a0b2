"""
Sealed jobs, opened; and the keys that open them.
"""

from collections.abc import Callable, Sequence
from typing import Protocol

from worker.payouts.job_keys import JobKey, KeyKind
from worker.payouts.person import Person
from worker.payouts.sealed_job import Claims, Opened, Proof


class JobKeyReads(Protocol):
    """
    Keys for jobs, looked up.
    """

    def job_key(self, name: str) -> JobKey | None:
        """
        The key that is called so, retired or not. None where there is none, or none that we wrote.
        """


class JobKeyLedger(JobKeyReads, Protocol):
    """
    The register of keys for jobs. Every method is one transaction.
    """

    def add_job_key(
        self, producer: str | None, kind: KeyKind, material: bytes, person: Person
    ) -> JobKey:
        """
        Keep a key of a producer, or of our own; it counts once another person approves it.

        In the sandbox it counts at once. Raises `NoSuchProducer` or `NotAllowed`.
        """

    def approve_job_key(self, name: str, person: Person) -> JobKey:
        """
        Let a key count. Raises `NotAllowed`.
        """

    def retire_job_key(self, name: str, who: str, why: str) -> JobKey:
        """
        Let a key open no new job. Raises `NotAllowed`.
        """

    def job_keys(self, producer: str | None = None) -> Sequence[JobKey]:
        """
        All keys, or those of one producer, oldest first.
        """


class Opener(Protocol):
    """
    What reads sealed jobs. It knows no database: keys are handed to it.
    """

    def open(self, sealed: str, key_named: Callable[[str], JobKey | None]) -> Opened:
        """
        Open a sealed job. Raises `UnusableSeal` where no key at hand made it.
        """

    def reopen(self, proof: Proof) -> Opened:
        """
        Open once more what a row keeps. Raises `UnusableSeal` where the key did not make it.
        """

    def read(self, opened: Opened) -> Claims:
        """
        Read what was opened, whether or not its time is over. Raises `InvalidJob`.
        """
