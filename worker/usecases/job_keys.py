"""
A person registers the keys by which producers seal their jobs.
"""

from collections.abc import Callable

from worker.payouts.job_keys import JobKey, KeyKind
from worker.payouts.person import Person
from worker.usecases.ports import JobKeyLedger


class KeyRegistrar:
    """
    The person, at work. `new_secret` gives so many random bytes.
    """

    def __init__(
        self, ledger: JobKeyLedger, person: Person, new_secret: Callable[[int], bytes]
    ) -> None:
        self._ledger = ledger
        self._person = person
        self._new_secret = new_secret

    def add_shared(self, producer: str) -> JobKey:
        """
        Make a key that a producer is to share with us. Raises `NoSuchProducer` or `NotAllowed`.
        """
        return self._ledger.add_job_key(
            producer, KeyKind.SHARED, self._new_secret(32), self._person
        )

    def add_signing(self, producer: str, public: bytes) -> JobKey:
        """
        Take the public key that a producer signs for, 32 bytes of Ed25519's.

        Raises `NoSuchProducer` or `NotAllowed`.
        """
        return self._ledger.add_job_key(producer, KeyKind.SIGNING, public, self._person)

    def own(self) -> JobKey:
        """
        Our newest key for which those encrypt who share no secret with us; made where none is good.
        """
        good = [k for k in self._ledger.job_keys() if k.kind is KeyKind.OWN and k.is_good]
        if good:
            return good[-1]
        return self._ledger.add_job_key(None, KeyKind.OWN, self._new_secret(32), self._person)

    def approve(self, name: str) -> JobKey:
        """
        Let another person's key count. Raises `NotAllowed`.
        """
        return self._ledger.approve_job_key(name, self._person)

    def retire(self, name: str, why: str) -> JobKey:
        """
        Let a key open no new job. Raises `NotAllowed`.
        """
        return self._ledger.retire_job_key(name, self._person.who, why)
