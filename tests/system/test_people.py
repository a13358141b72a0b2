"""
Two people decide: processes that really run as different users, as a shell or `exec --user` does.

As root, each is started under another uid; else in a user namespace, as a container without root
does. Nothing that they say of themselves counts.
"""

import dataclasses
import json
import os
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from subprocess import CompletedProcess, run

import pytest

from tests.contract.samples import KEY, KEYRING
from tests.integration.cli.samples import TERMS, undecided
from worker.store.engine import create_engine
from worker.store.installation import ensure_profile
from worker.store.keys import ensure_keyring
from worker.store.ledger import SqlLedger
from worker.store.migrate import upgrade

ROOT, LAN, MEI, TAO = 0, 1001, 1002, 1003


def under(uid: int) -> list[str]:
    """
    What is put before a command so that the kernel takes it for that user's.
    """
    if os.geteuid() != 0:
        return ["unshare", "--user", f"--map-user={uid}", f"--map-group={uid}"]
    # They may read what is installed for root alone; who they are is not changed by that.
    may_read = ["--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search"]
    return ["setpriv", f"--reuid={uid}", f"--regid={uid}", "--clear-groups", *may_read]


@dataclass(frozen=True, slots=True)
class Desks:
    """
    A ledger with real money's profile, and one payout of which JD never tells the end.
    """

    url: str
    number: str

    def command(self, uid: int, *arguments: str) -> CompletedProcess[str]:
        """
        One command of one user, who calls themselves somebody else.
        """
        environment = {
            "PATH": os.environ["PATH"],
            "PAYOUTS_PROFILE": "live",
            "PAYOUTS_DATABASE_URL": self.url,
            "PAYOUTS_KEYRING": KEY,
            **dict.fromkeys(("USER", "LOGNAME", "SUDO_USER"), "finance-director"),
            **dict.fromkeys(("UID", "EUID", "SUDO_UID"), "1002"),
        }
        argv = [*under(uid), sys.executable, "-m", "worker", *arguments, "--json"]
        return run(argv, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture
def desks() -> Iterator[Desks]:
    """
    In a folder that all of them may write to.
    """
    with tempfile.TemporaryDirectory(prefix="payouts-people-") as name:
        folder = Path(name)
        url = f"sqlite:///{folder}/payouts.sqlite"
        engine = create_engine(url)
        upgrade(engine)
        ensure_profile(engine, "live")
        ensure_keyring(engine, KEYRING)
        ledger = SqlLedger(engine, KEYRING)
        undecided(ledger, "ORDER001", dataclasses.replace(TERMS, profile="live"))
        ledger.close()
        for path in (folder, *folder.iterdir()):
            path.chmod(0o777)
        yield Desks(url, "ORDER001")


def test_who_decides_is_whom_the_kernel_says(desks: Desks) -> None:
    """
    One listed user proposes, and only another listed one approves, whatever they call themselves.
    """
    for uid in (LAN, MEI):
        added = desks.command(ROOT, "people", "add", str(uid), "--why", "finance")
        assert added.returncode == 0, added.stderr
    proof = ("--as", "failed", "--proof", "TICKET-1", "--why", "JD's letter")

    stranger = desks.command(TAO, "decide", desks.number, *proof)
    proposed = desks.command(LAN, "decide", desks.number, *proof)
    assert proposed.returncode == 0, proposed.stderr
    proposal = json.loads(proposed.stdout)["proposal"]
    refused = {uid: desks.command(uid, "approve", str(proposal["id"])) for uid in (LAN, ROOT, TAO)}
    approved = desks.command(MEI, "approve", str(proposal["id"]))

    assert "1003 is no registered user" in stranger.stdout + stranger.stderr
    assert [one.returncode for one in refused.values()] == [1, 1, 1]
    assert "another person must" in refused[LAN].stdout + refused[LAN].stderr
    assert approved.returncode == 0, approved.stderr
    told = json.loads(approved.stdout)
    assert f"uid {LAN}" in told["proposal"]["proposed_by"]
    assert f"uid {MEI}" in told["proposal"]["approved_by"]
    assert "finance-director" not in approved.stdout
    assert told["proposal"]["unchecked"] is False
    assert told["payout"]["status"] == "failed"
