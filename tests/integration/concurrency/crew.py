"""
What the processes do: claim, sweep, tell, ask, and switch the channel.
"""

import contextlib
import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from tests.contract.samples import LEASE, MEMBER, TERMS, a_verified_answer
from tests.fakes import RecordingDispatcher, ScriptedGateway
from tests.integration.concurrency.processes import together
from worker.payouts.clerk import Clerk
from worker.payouts.evidence import Answer, Meaning, TradeStatus
from worker.payouts.rules import Rules
from worker.payouts.service import Payouts
from worker.payouts.status import PayoutStatus
from worker.store.clock import database_now
from worker.store.engine import create_engine
from worker.store.keyring import Keyring
from worker.store.ledger import SqlLedger

#: So many of the newest queued payouts a process looks at, and so many of those it tries to claim.
_SEEN, _TRIED = 96, 12


@dataclass(frozen=True)
class Member:
    """
    One process: where it works, and what tells it from the others.
    """

    url: str
    key: str
    place: int
    role: str = ""
    rows: tuple[int, ...] = ()
    #: What its clock says; None for the database's own.
    now: datetime | None = None

    @property
    def name(self) -> str:
        """
        What histories call it.
        """
        return f"worker-{self.place}"

    @contextlib.contextmanager
    def ledger(self) -> Iterator[SqlLedger]:
        """
        A ledger with a connection of its own.
        """
        now = self.now
        clock = database_now if now is None else lambda _: now
        engine = create_engine(self.url)
        with contextlib.closing(SqlLedger(engine, Keyring([self.key]), clock)) as ledger:
            yield ledger


def claim_all(member: Member) -> list[int]:
    """
    Claim queued payouts until none is left; return what this process got.
    """
    dice = random.Random(member.place)
    got: list[int] = []
    with member.ledger() as ledger:
        while found := list(ledger.payouts(PayoutStatus.QUEUED, _SEEN)):
            dice.shuffle(found)
            tries = (
                ledger.claim(payout, "canonical", LEASE, member.name) for payout in found[:_TRIED]
            )
            got += [attempt.payout_id for attempt in tries if attempt is not None]
    return got


def sweep_all(member: Member) -> RecordingDispatcher:
    """
    Sweep until nothing is due any more; return whom this process woke.
    """
    woken = RecordingDispatcher()
    with member.ledger() as ledger:
        payouts = _payouts(member, ledger, ScriptedGateway(), woken)
        while (swept := payouts.sweep(limit=7)).sends or swept.queries:
            pass
    return woken


def meddle(member: Member) -> list[str]:
    """
    Do this process's part to each row, at the moment at which the others do theirs.

    Return what it sent to the gateway, which must be nothing.
    """
    gateway = ScriptedGateway()
    with member.ledger() as ledger:
        payouts = _payouts(member, ledger, gateway, RecordingDispatcher())
        clerk = Clerk(ledger, MEMBER, Rules(), member.name)
        for row in member.rows:
            number = ledger.dossier(row).payout.out_trade_no
            paid, returned = _told(number, TradeStatus.FINI), _told(number, TradeStatus.REFU)
            together()
            match member.role:
                case "receiver":
                    clerk.notify(returned)
                    clerk.notify(paid)
                case "asker":
                    gateway.answers += [paid, returned]
                    payouts.query(row)
                    payouts.query(row)
                case "operator":
                    ledger.pause(MEMBER, "to see what happens", member.name)
                    payouts.submit(row)
                    ledger.resume(MEMBER, "seen", member.name)
                case "sweeper":
                    payouts.sweep()
                    payouts.submit(row)
    return gateway.sent


def _told(number: str, status: TradeStatus) -> Answer:
    return a_verified_answer(
        meaning=Meaning.PROCESSED,
        number=number,
        trade_status=status,
        refund_fen=12_345 if status is TradeStatus.REFU else None,
        raw=f"{number} {status}".encode(),
    )


def _payouts(
    member: Member, ledger: SqlLedger, gateway: ScriptedGateway, woken: RecordingDispatcher
) -> Payouts:
    return Payouts(Clerk(ledger, MEMBER, Rules(), member.name), gateway, woken, TERMS)
