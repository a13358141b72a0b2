"""
What the processes do: claim, sweep, tell, ask, and switch the channel.
"""

import contextlib
import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from tests.contract.samples import MERCHANT, TERMS, a_verified_answer, due_queries
from tests.doubles.clock import telling
from tests.doubles.usecases import UseCases
from tests.doubles.world import RecordingDispatcher, ScriptedGateway
from tests.factories import a_claimant
from tests.integration.concurrency.processes import together
from worker.payouts.evidence import Answer, Meaning, TradeStatus
from worker.payouts.limits import Limits
from worker.payouts.status import PayoutStatus
from worker.store.clock import DATABASE_CLOCK
from worker.store.engine import create_engine
from worker.store.keyring import Keyring
from worker.store.ledger import SqlLedger
from worker.usecases.evidence import EvidenceHandler

#: So many of the newest queued payouts a process looks at, and so many of those it tries to claim.
_SEEN, _TRIED = 96, 12


@dataclass(frozen=True)
class Contender:
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
        clock = DATABASE_CLOCK if now is None else telling(lambda: now)
        engine = create_engine(self.url)
        with contextlib.closing(SqlLedger(engine, Keyring([self.key]), clock)) as ledger:
            yield ledger


def claim_all(contender: Contender) -> list[int]:
    """
    Claim queued payouts until none is left; return what this process got.
    """
    dice = random.Random(contender.place)
    got: list[int] = []
    with contender.ledger() as ledger:
        while found := list(ledger.payouts(PayoutStatus.QUEUED, _SEEN)):
            dice.shuffle(found)
            ids = [payout.id for payout in found[:_TRIED]]
            claims = ledger.claim(ids, a_claimant(actor=contender.name)).claims
            got += [claim.payout.id for claim in claims]
    return got


def ask_all(contender: Contender) -> list[int]:
    """
    Claim questions until none is due; return what this process is to ask about.
    """
    got: list[int] = []
    with contender.ledger() as ledger:
        while (due_in := ledger.until_next_query(MERCHANT)) is not None and due_in <= timedelta(0):
            got += due_queries(ledger, 7, Limits().schedule.retry)
    return got


def meddle(contender: Contender) -> list[str]:
    """
    Do this process's part to each row, at the moment at which the others do theirs.

    Return what it sent to the gateway, which must be nothing.
    """
    gateway = ScriptedGateway()
    with contender.ledger() as ledger:
        payouts = _payouts(contender, ledger, gateway, RecordingDispatcher())
        handler = EvidenceHandler(ledger, MERCHANT, Limits(), contender.name)
        for row in contender.rows:
            number = ledger.dossier(row).payout.out_trade_no
            paid, returned = _told(number, TradeStatus.FINI), _told(number, TradeStatus.REFU)
            together()
            match contender.role:
                case "receiver":
                    handler.notify(returned)
                    handler.notify(paid)
                case "asker":
                    gateway.answers += [paid, returned]
                    payouts.query(row)
                    payouts.query(row)
                case "operator":
                    ledger.pause(MERCHANT, "to see what happens", contender.name)
                    payouts.submit(row)
                    ledger.resume(MERCHANT, "seen", contender.name)
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
    contender: Contender, ledger: SqlLedger, gateway: ScriptedGateway, woken: RecordingDispatcher
) -> UseCases:
    return UseCases(
        EvidenceHandler(ledger, MERCHANT, Limits(), contender.name), gateway, woken, TERMS
    )
