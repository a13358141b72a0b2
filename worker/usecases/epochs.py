"""
A database that went back in time is noticed, and nothing that it has forgotten is sent again.

A restore from a backup, or a failover to a replica that lagged, may have forgotten that payouts
were claimed. A high-water mark outside the database remembers how far it had come. It is told of
each batch of claims before the first of them is sent, and asked for what it knew before: what the
database then lacks was lost. The batch itself may be lost by then, or an epoch may have begun since
it was claimed: then it is not sent.
"""

import logging
from collections.abc import Sequence

from worker.payouts.claim import Claim
from worker.payouts.errors import MarkUnavailable, NotSent
from worker.payouts.limits import Limits
from worker.payouts.progress import Progress, ended, farther
from worker.usecases.ports import EpochLedger, HighWaterMark, Journal

log = logging.getLogger("jdpay_payouts.epochs")

#: Who begins an epoch where the program itself finds the database restored.
_ACTOR = "maintenance"


class Epochs:
    """
    Compares the database with its mark, and begins an epoch where it has forgotten something.
    """

    def __init__(self, ledger: EpochLedger, mark: HighWaterMark, limits: Limits) -> None:
        self._ledger = ledger
        self._mark = mark
        self._limits = limits
        self._uid: str | None = None
        #: The epoch that the mark was told to be the newest.
        self._told: str | None = None
        #: What this process has told the mark, which may be emptied and forget it.
        self._own = Progress("")

    def check(self, journal: Journal | None = None) -> None:
        """
        Begin an epoch if the database lacks what the mark knows, or this process's journal.

        Without the mark nothing is found; nothing is sent then either. Raises `StoreUnavailable`.
        """
        uid = self._ledger.sweep_count().uid
        if journal is not None and self._ledger.has_forgotten(known := journal.newest(uid)):
            self._begin(known)
            return
        try:
            self._end_before(uid)
            # The mark first: a sweep that ends meanwhile must not look like a lost one.
            known = self._remember(Progress(uid))
        except MarkUnavailable as away:
            log.warning("not known whether the database was restored: %s", away)
            return
        if self._ledger.has_forgotten(known):
            self._begin(known)

    def count(self, progress: Progress) -> None:
        """
        Tell the mark of a sweep.
        """
        try:
            self._remember(progress)
        except MarkUnavailable as away:
            log.warning("a sweep was counted without a mark: %s", away)

    def current(self) -> str:
        """
        The name of the epoch, as it was last known here: to be asked before anything is claimed.
        """
        if self._uid is None:
            self._uid = self._ledger.sweep_count().uid
        return self._uid

    def confirm(self, uid: str, claims: Sequence[Claim]) -> None:
        """
        Raise `NotSent` unless the mark knows of these claims, and the database of all before.

        `uid` is the epoch that was known before they were made. The first claims after a restore
        begin an epoch, and are not sent; nor are those that may be older than an epoch that others
        began.
        """
        newest = max((claim.attempt for claim in claims), key=lambda attempt: attempt.id)
        told = Progress(uid, attempt_id=newest.id, token=newest.lease_token)
        try:
            self._end_before(uid)
            known = self._remember(told)
        except MarkUnavailable as away:
            raise NotSent("no_high_water_mark") from away
        forgotten = self._ledger.has_forgotten(known, told)
        if forgotten is None:
            self._uid = None
            raise NotSent("restored")
        if forgotten:
            self._begin(known)
            raise NotSent("restored")

    def _remember(self, told: Progress) -> Progress:
        """
        Tell the mark; return what was known before, by it or by this process.
        """
        known = self._mark.remember(told)
        own = self._own if self._own.uid == told.uid else Progress(told.uid)
        self._own = farther(own, told)
        return farther(known, own)

    def _end_before(self, uid: str) -> None:
        """
        Have the mark know that the epochs before this one are over.

        Else a database that is put back to the very moment before one of them ended lacks nothing
        that the mark knows of. All of them: one may have been over before anybody claimed in it.
        """
        if self._told != uid:
            for before in self._ledger.epochs_before(uid):
                self._mark.remember(ended(before))
            self._told = uid

    def _begin(self, known: Progress) -> None:
        counted = self._ledger.sweep_count().sweeps
        why = (
            f"the database has counted {counted} sweeps and {known.sweeps} were seen, or lacks"
            f" attempt {known.attempt_id}, which was seen"
        )
        doubted = self._ledger.begin_epoch(_ACTOR, why, self._limits.ask_first_for)
        self._uid = None
        detail = f"{why}; {doubted} payouts are asked about"
        log.critical("database restored", extra={"action": "restored", "detail": detail})
