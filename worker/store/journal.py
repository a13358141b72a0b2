"""
The journal of a process's claims: one file, on disk before the first byte of a claim goes out.

A line names number, debt, merchant and amount in the open, and holds under the keyring what it
takes to make the payout anew.
"""

import base64
import json
import logging
import os
import secrets
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from worker.payouts.claim import Claim
from worker.payouts.errors import NotSent, StoreError, UnreadableJournal
from worker.payouts.journal import JournaledClaim
from worker.payouts.model import Attempt, Order, Payee, Terms
from worker.payouts.progress import Progress
from worker.payouts.sealed_job import KeptSeal
from worker.store.keyring import Keyring
from worker.store.seals import Seals

log = logging.getLogger("jdpay_payouts.journal")

_PATTERN = "claims-*.jsonl"

#: Of each file so much is read to see its newest claims: a batch of them, at the least.
_END_BYTES = 256 * 1024


class FileJournal:
    """
    Files of a folder: one for each process and day, deleted once they are older than `keep`.
    """

    def __init__(
        self,
        folder: Path,
        seals: Seals,
        keep: timedelta,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._folder = folder
        self._seals = seals
        self._keep = keep
        self._clock = clock
        self._alone = threading.Lock()
        self._day = ""
        self._file = -1

    def record(self, uid: str, claims: Sequence[Claim]) -> None:
        """
        Write claims of an epoch, and wait until they are on disk. Raises `NotSent`.
        """
        lines = "".join(f"{self._line(uid, claim)}\n" for claim in claims).encode()
        with self._alone:
            try:
                file = self._todays()
                _write(file, lines)
            except OSError as error:
                self._end()  # what was half written stays the last line of its file
                told = "no claim can be written to the journal in %s: %s"
                log.error(told, self._folder, error)  # noqa: TRY400 (its cause says it all)
                raise NotSent("no_journal") from error

    def newest(self, uid: str) -> Progress:
        """
        The newest claim of an epoch in all files of the folder, whoever wrote them.
        """
        found = Progress(uid)
        for path in self._folder.glob(_PATTERN):
            for line in _last_lines(path):
                named = _named(line)
                if named is not None and named.uid == uid and named.attempt_id > found.attempt_id:
                    found = named
        return found

    def _todays(self) -> int:
        now = self._clock()
        day = f"{datetime.fromtimestamp(now, UTC):%Y%m%d}"
        if day != self._day:
            self._end()
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            path = self._folder / f"claims-{day}-{os.getpid()}-{secrets.token_hex(4)}.jsonl"
            self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o600)
            _sync(self._folder)
            self._delete_older_than(now - self._keep.total_seconds())
            self._day = day
        return self._file

    def _end(self) -> None:
        if self._file >= 0:
            os.close(self._file)
        self._file, self._day = -1, ""

    def _delete_older_than(self, before: float) -> None:
        for path in self._folder.glob(_PATTERN):
            if path.stat().st_mtime < before:
                path.unlink(missing_ok=True)

    def _line(self, uid: str, claim: Claim) -> str:
        order, terms, attempt = claim.order, claim.payout.terms, claim.attempt
        content = {
            "order": asdict(order),
            "terms": asdict(terms),
            "request": claim.request,
            "seal": claim.seal,
        }
        line = {
            "out_trade_no": order.out_trade_no,
            "obligation": order.obligation,
            "customer_no": terms.customer_no,
            "amount_fen": order.amount_fen,
            "uid": uid,
            "attempt_id": attempt.id,
            "payout_id": attempt.payout_id,
            "number": attempt.number,
            "lease_token": attempt.lease_token,
            "claimed_at": attempt.started_at.isoformat(),
        }
        hidden = json.dumps(content, ensure_ascii=False, default=_iso)
        sealed = self._seals.seal_beside(_beside(line), hidden)
        return json.dumps({**line, "sealed": base64.b64encode(sealed).decode()}, ensure_ascii=False)


def _last_lines(path: Path) -> list[bytes]:
    """
    The whole lines at the end of a file: a process's attempts are numbered upwards.
    """
    try:
        with path.open("rb") as file:
            file.seek(0, os.SEEK_END)
            file.seek(max(0, file.tell() - _END_BYTES))
            *lines, _ = file.read().split(b"\n")
    except OSError as error:
        log.warning("the journal %s cannot be read: %s", path, error)
        return []
    return lines


def _named(line: bytes) -> Progress | None:
    """
    The claim that a line names in the open; None if it is only a part of one.
    """
    try:
        found = json.loads(line)
        return Progress(found["uid"], 0, int(found["attempt_id"]), found["lease_token"])
    except (ValueError, KeyError, TypeError):
        return None


def journals(paths: Sequence[Path]) -> list[Path]:
    """
    The files that are named, and those of the folders that are.
    """
    found = [[*sorted(path.glob(_PATTERN))] if path.is_dir() else [path] for path in paths]
    return [path for some in found for path in some]


def read_journal(path: Path, keyring: Keyring) -> Iterator[JournaledClaim]:
    """
    The claims of one file, oldest first. Raises `UnreadableJournal`, which names the line.

    A last line without an end was never on disk as a whole, so nothing of it was sent.
    """
    try:
        whole = path.read_bytes()
    except OSError as error:
        raise UnreadableJournal(f"cannot read {path}: {error.strerror}") from error
    *lines, _ = whole.split(b"\n")
    for place, line in enumerate(lines, 1):
        try:
            yield _claim(json.loads(line), keyring)
        except (ValueError, KeyError, TypeError, StoreError) as error:
            raise UnreadableJournal(
                f"{path}, line {place}: is no claim, or no key of the keyring opens it"
            ) from error


def _claim(found: dict[str, Any], keyring: Keyring) -> JournaledClaim:
    sealed = base64.b64decode(found.pop("sealed"))
    content = json.loads(keyring.open(sealed, _beside(found)))
    order = content["order"]
    send_before = order.pop("send_before")
    return JournaledClaim(
        found["uid"],
        Attempt(
            found["attempt_id"],
            found["payout_id"],
            found["number"],
            found["lease_token"],
            datetime.fromisoformat(found["claimed_at"]),
        ),
        Order(
            **{name: value for name, value in order.items() if name != "payee"},
            payee=Payee(**order["payee"]),
            send_before=datetime.fromisoformat(send_before) if send_before else None,
        ),
        Terms(**content["terms"]),
        content["request"],
        # What an earlier version recorded has none.
        KeptSeal(*content["seal"]) if content.get("seal") else None,
    )


def _beside(line: dict[str, Any]) -> bytes:
    """
    What of a line is in the open. Not the installation: a claim may outlive its database.
    """
    return json.dumps(["claim", *sorted(line.items())]).encode()


def _iso(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} has no place in a journal")


def _write(file: int, lines: bytes) -> None:
    if os.write(file, lines) < len(lines):
        raise OSError("the disk is full")
    os.fsync(file)


def _sync(folder: Path) -> None:
    """
    Make a new file's name durable too.
    """
    opened = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
