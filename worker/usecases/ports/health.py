"""
The health of the whole: sweeps counted, the epoch, the circuit breaker, what is late.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Protocol

from worker.payouts.checkpoint import Checkpoint
from worker.payouts.claim import Claim
from worker.payouts.health import BrokerHealth, CertificateKind, Health, Overdue, Told
from worker.payouts.journal import JournaledClaim, Recalled
from worker.payouts.policy.circuit_breaker import Tally
from worker.payouts.progress import Progress


class HighWaterMark(Protocol):
    """
    Something outside the database that remembers how far it had come, and never goes down.

    It may forget as a whole, as a broker does that is emptied. Raises `MarkUnavailable`.
    """

    def known(self, uid: str) -> Progress:
        """
        The farthest that it was told.
        """

    def remember(self, progress: Progress) -> Progress:
        """
        Keep the farther of what is known and what is told; return what was known before.
        """


class Journal(Protocol):
    """
    Something of this process's own that keeps its claims, in case the database forgets them.
    """

    def record(self, uid: str, claims: Sequence[Claim]) -> None:
        """
        Keep claims of an epoch for good, before any of them is sent. Raises `NotSent`.
        """

    def newest(self, uid: str) -> Progress:
        """
        The newest claim of an epoch that it has.
        """


class EpochLedger(Protocol):
    """
    What happens when the database may have forgotten something.
    """

    def sweep_count(self) -> Progress:
        """
        How many sweeps this database has counted.
        """

    def has_forgotten(self, known: Progress, own: Progress | None = None) -> bool | None:
        """
        Whether it lacks something of what is known; None if that is of another epoch.

        `own` is the asker's newest attempt, where there is one: it may be lost by now, too.
        """

    def epochs_before(self, uid: str) -> Collection[str]:
        """
        Every epoch before this one; none if another one has begun since.
        """

    def begin_epoch(self, who: str, why: str, ask_first_for: timedelta) -> int:
        """
        Begin a new epoch: the database may have forgotten what was sent.

        Every unfinished payout is to be asked about now, and those that people gave up within
        `ask_first_for`, and no merchant sends until JD has answered for each of its own; what is
        accepted within `ask_first_for` is asked about before it is sent. Returns how many are asked
        about.
        """

    def find_forgotten(self, claims: Sequence[JournaledClaim]) -> Sequence[JournaledClaim]:
        """
        Those of some journaled claims that the database lacks.
        """

    def recall(self, claim: JournaledClaim, lease: timedelta) -> Recalled:
        """
        Put a claim back that the database lacks, and its payout if it lacks that too: one commit.

        The payout is exposed and, unless more is known of it, `unknown`; JD is asked about it now,
        and a case opens. A not-found answer counts from when `lease` from now is over. Another
        claim's lease is ended if it is over, since nobody sweeps while the workers stand still;
        until then nothing is done.
        """


class HealthLedger(EpochLedger, Protocol):
    """
    The ledger's share in looking after the whole. Every method is one transaction.
    """

    def count_sweep(self) -> Progress:
        """
        Count one more sweep.
        """

    def note_checkpoint(self, every: timedelta) -> Checkpoint | None:
        """
        Note which histories have changed, if the last checkpoint is so old; None if nothing did.
        """

    def find_stale(self, limit: int, within: timedelta) -> Sequence[int]:
        """
        Queued payouts past their time to be sent: `within` from acceptance if they name none.
        """

    def mark_overdue(self, limit: int, after: timedelta) -> Sequence[Overdue]:
        """
        Mark, once, what has had no final state for so long since it was first sent; return it.
        """

    def tally(self, customer_no: str, window: timedelta) -> Tally:
        """
        What came of the transmissions that ended in `window`, since the breaker last closed.
        """

    def open_breaker(self, customer_no: str, rest: timedelta) -> None:
        """
        Let nothing be sent for one merchant for `rest` from now.
        """

    def health(self, customer_no: str) -> Health:
        """
        How the whole is for one merchant: what alerts are made from.
        """

    def note_certificates(
        self, customer_no: str, valid_until: Mapping[CertificateKind, datetime]
    ) -> None:
        """
        Record until when the certificates are valid that a worker starts with.
        """

    def tell(self, customer_no: str, current: Collection[str]) -> Told:
        """
        Remember which alerts stand; return which nobody was told of, and which are over.

        Of several that tell the same at once, one is returned them.
        """


class BrokerProbe(Protocol):
    """
    What looks at the broker from outside.
    """

    def look(self) -> BrokerHealth:
        """
        What it tells. Raises `BrokerUnavailable`.
        """
