"""
The journal of claims, as files on a disk.
"""

import json
import os
import signal
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from tests.factories import NOON, TERMS, a_payout, an_order
from worker.payouts.claim import Claim
from worker.payouts.errors import NotSent, UnreadableJournal
from worker.payouts.journal import JournaledClaim
from worker.payouts.model import Attempt
from worker.payouts.progress import Progress
from worker.payouts.sealed_job import KeptSeal
from worker.payouts.status import PayoutStatus
from worker.store.journal import FileJournal, journals, read_journal
from worker.store.keyring import Keyring
from worker.store.seals import Seals

KEY = Keyring.generate_key()
KEYRING = Keyring([KEY])
SEALS = Seals(KEYRING)
SEALS.begin_newest()
A_DAY = timedelta(days=1)
REQUEST = "a request, with the payee in it"
SEAL = KeptSeal("shop.1", "what the shop sealed")
NOTE = "for mei, with spaces that no base64 has"


def a_claim(place: int = 1) -> Claim:
    """
    One claim among others.
    """
    order = an_order(f"P-{place}", send_before=NOON + A_DAY, metadata={"note": NOTE})
    attempt = Attempt(place, place, 1, f"token-{place}", NOON)
    return Claim(a_payout(PayoutStatus.QUEUED), attempt, order, REQUEST, SEAL)


def a_journal(folder: Path, now: float = 0.0) -> FileJournal:
    """
    The journal of one process, at a time of the test's.
    """
    return FileJournal(folder, SEALS, 35 * A_DAY, lambda: now)


def read(folder: Path) -> list[JournaledClaim]:
    """
    All that the journals of a folder hold.
    """
    return [claim for path in journals([folder]) for claim in read_journal(path, KEYRING)]


def test_what_was_recorded_is_read_back_whole(tmp_path: Path) -> None:
    """
    The order, down to its free texts and times, the terms, the request and the attempt.
    """
    claims = [a_claim(1), a_claim(2)]
    a_journal(tmp_path / "new" / "folder").record("epoch", claims)

    assert read(tmp_path / "new" / "folder") == [
        JournaledClaim("epoch", claim.attempt, claim.order, claim.payout.terms, REQUEST, SEAL)
        for claim in claims
    ]


def test_number_debt_merchant_and_amount_can_be_read_by_anyone(tmp_path: Path) -> None:
    """
    And nothing of the payee; nobody but the owner may read even that.
    """
    a_journal(tmp_path).record("epoch", [a_claim()])
    (path,) = journals([tmp_path])
    line = json.loads(path.read_text())
    order = a_claim().order

    assert line["out_trade_no"] == "P-1"
    assert line["obligation"] == order.obligation
    assert line["amount_fen"] == order.amount_fen
    assert line["customer_no"] == TERMS.customer_no
    assert path.stat().st_mode & 0o777 == 0o600
    text = path.read_text()
    personal = [order.payee.account_no, order.payee.account_name, order.subject, NOTE]
    assert [one for one in (*personal, REQUEST, SEAL.text) if one in text] == []


_RECORDING = """
import os, resource, sys
from pathlib import Path
from datetime import timedelta
from tests.unit.store.test_journal import a_claim
from worker.store.journal import FileJournal
from worker.store.keyring import Keyring
from worker.store.seals import Seals
seals = Seals(Keyring([sys.argv[2]]))
seals.begin_newest()
journal = FileJournal(Path(sys.argv[1]), seals, timedelta(days=35))
"""


def _in_a_process(folder: Path, doing: str) -> int:
    script = _RECORDING + doing
    return subprocess.run([sys.executable, "-c", script, str(folder), KEY], check=False).returncode


def test_what_was_recorded_outlives_its_process(tmp_path: Path) -> None:
    """
    It ends with -9 the moment after.
    """
    doing = "journal.record('epoch', [a_claim()]); os.kill(os.getpid(), 9)"

    assert _in_a_process(tmp_path, doing) == -signal.SIGKILL
    assert [claim.order.out_trade_no for claim in read(tmp_path)] == ["P-1"]


def test_a_full_disk_sends_nothing_and_spoils_nothing(tmp_path: Path) -> None:
    """
    What was half written stays at the end of its file; the next claims begin another.
    """
    doing = """
from worker.payouts.errors import NotSent
journal.record('epoch', [a_claim(1)])
(file,) = Path(sys.argv[1]).iterdir()
limits = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, (file.stat().st_size + 100, limits[1]))
try:
    journal.record('epoch', [a_claim(2)])
except NotSent as fault:
    assert fault.detail == "no_journal"
else:
    sys.exit(1)
resource.setrlimit(resource.RLIMIT_FSIZE, limits)
journal.record('epoch', [a_claim(3)])
"""
    assert _in_a_process(tmp_path, doing) == 0

    torn = [path for path in journals([tmp_path]) if not path.read_bytes().endswith(b"\n")]
    assert len(torn) == 1
    assert {claim.order.out_trade_no for claim in read(tmp_path)} == {"P-1", "P-3"}


def test_a_folder_that_is_none_sends_nothing(tmp_path: Path) -> None:
    """
    A file stands where the folder should be.
    """
    (tmp_path / "journal").write_text("")

    with pytest.raises(NotSent, match="no_journal"):
        a_journal(tmp_path / "journal").record("epoch", [a_claim()])


def test_the_file_is_on_disk_before_anything_is_sent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    Its content and its name: each is synchronized after it was written.
    """
    synced: list[str] = []
    fsync = os.fsync

    def seen(file: int) -> None:
        synced.append(str(Path(f"/proc/self/fd/{file}").readlink()))
        fsync(file)

    monkeypatch.setattr(os, "fsync", seen)
    a_journal(tmp_path).record("epoch", [a_claim()])
    (path,) = journals([tmp_path])

    assert synced == [str(tmp_path), str(path)]


def test_each_day_has_a_file_and_old_ones_go(tmp_path: Path) -> None:
    """
    What is older than the oldest backup that would be restored is of no use.
    """
    now = NOON.timestamp()
    clock = [now]
    journal = FileJournal(tmp_path, SEALS, 35 * A_DAY, lambda: clock[0])
    for place, days in enumerate((0, 1, 36.5), 1):
        clock[0] = now + days * A_DAY.total_seconds()
        journal.record("epoch", [a_claim(place)])
        newest = max(journals([tmp_path]), key=lambda path: path.name)
        os.utime(newest, (clock[0], clock[0]))

    assert [claim.order.out_trade_no for claim in read(tmp_path)] == ["P-3"]


@pytest.mark.parametrize("line", [b"junk", b"{}", b"[]", b'{"sealed": "AAAA"}', b"\xff"])
def test_a_line_that_is_no_claim_is_named(tmp_path: Path, line: bytes) -> None:
    """
    By file and number, before anything is put back.
    """
    a_journal(tmp_path).record("epoch", [a_claim()])
    (path,) = journals([tmp_path])
    path.write_bytes(path.read_bytes() + line + b"\n")

    with pytest.raises(UnreadableJournal, match=f"{path.name}, line 2"):
        read(tmp_path)


def test_another_keyring_opens_nothing(tmp_path: Path) -> None:
    """
    And it says so.
    """
    a_journal(tmp_path).record("epoch", [a_claim()])
    (path,) = journals([tmp_path])

    with pytest.raises(UnreadableJournal, match="keyring"):
        list(read_journal(path, Keyring([Keyring.generate_key()])))


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    """
    A misspelt name must not pass for an empty journal.
    """
    with pytest.raises(UnreadableJournal, match="none"):
        list(read_journal(tmp_path / "none.jsonl", KEYRING))


def test_the_newest_claim_of_an_epoch_is_found(tmp_path: Path) -> None:
    """
    In whichever file it is, beside half a line, and not that of another epoch.
    """
    first, second = a_journal(tmp_path), a_journal(tmp_path)
    assert first.newest("epoch") == Progress("epoch")
    second.record("epoch", [a_claim(place) for place in range(2, 500)])
    first.record("epoch", [a_claim(500), a_claim(501)])
    first.record("another", [a_claim(900)])
    torn = tmp_path / "claims-torn.jsonl"
    torn.write_bytes(journals([tmp_path])[0].read_bytes()[:-9])

    assert a_journal(tmp_path).newest("epoch") == Progress("epoch", 0, 501, "token-501")
    assert a_journal(tmp_path).newest("none") == Progress("none")
