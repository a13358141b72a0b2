"""
A database with payouts in every status, and everyone who works on it.
"""

import contextlib
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from sqlalchemy import event

from tests.contract.samples import accept
from tests.doubles.clock import telling
from tests.doubles.usecases import UseCases, an_upkeep
from tests.doubles.world import Clock, RecordingDispatcher
from tests.factories import MERCHANT, NOON, PAYEE, REVIEW_LIST, TERMS, a_claimant, an_order
from tests.sealing import claims, job_of, shared
from tests.tampering.books import Books, wording
from worker.payouts.acceptance import Accepted
from worker.payouts.errors import PayoutError
from worker.payouts.job_keys import KeyKind
from worker.payouts.limits import Limits
from worker.payouts.model import Order
from worker.payouts.person import Person
from worker.payouts.policy.actions import Action
from worker.payouts.producers import DEFAULT_PRODUCER
from worker.payouts.proposal import End
from worker.payouts.status import PayoutStatus
from worker.store.engine import create_engine
from worker.store.keyring import Keyring
from worker.store.ledger import SqlLedger
from worker.usecases.controls import Controller
from worker.usecases.decide import Decider
from worker.usecases.evidence import EvidenceHandler
from worker.usecases.operate import Operator

KEYRING = Keyring([Keyring.generate_key()])

_OLD = ("PAID", "BACK", "CLOSED", "DECIDED", "REFUSED", "GONE")
_NEW = ("BUSY", "SILENT", "LOST")
_UNSENT = ("QUEUED", "QUEUED2", "HELD", "SENDING")
#: What came sealed, by whose key, and what that is.
SEALED = {"SEALED01": ("shop", b"s" * 32), "SEALED02": ("mall", b"m" * 32)}
#: Whose payee is on the deny list, and whose amount no limit allows: neither is ever sent.
STOPPED = {"DENIED": DEFAULT_PRODUCER, "TOOMUCH": "small"}
NUMBERS = (*_OLD, *_NEW, *_UNSENT, *SEALED, "AGAIN", *STOPPED)
#: What pays the same debt: the first was closed, and is replaced by the second.
SHARED = {"AGAIN": "CLOSED"}


def wanted(number: str) -> Order:
    """
    What a producer asks for: to each another payee, and another amount.
    """
    place = NUMBERS.index(number)
    payee = replace(PAYEE, account_no=f"62220212345678{place:05}", account_name=f"payee {place}")
    debt = SHARED.get(number, number)
    return an_order(
        number,
        producer=STOPPED.get(number, SEALED.get(number, (DEFAULT_PRODUCER,))[0]),
        payee=payee,
        amount_fen=1_000 + NUMBERS.index(debt),
        obligation=debt,
        send_before=NOON + timedelta(days=30),
    )


def _without_waiting_for_the_disk(connection: sqlite3.Connection, _entry: object) -> None:
    connection.execute("PRAGMA synchronous = OFF")


#: What a row that is none makes of its reader.
_FAULTS = (PayoutError, LookupError, ValueError, TypeError)


#: More than there ever are.
_IDS = range(1, 3 * len(NUMBERS))

_ACTIONS = (Action.LET_GO, Action.RESEND, Action.FAIL, Action.CANCEL, Action.RELEASE)


class World:
    """
    A ledger, who works on it, and JD.
    """

    def __init__(self, file: Path, clock: Clock, books: Books) -> None:
        self.file, self.clock, self.books = file, clock, books
        engine = create_engine(f"sqlite:///{file}")
        event.listen(engine, "connect", _without_waiting_for_the_disk)
        self.ledger = SqlLedger(engine, KEYRING, telling(clock))
        handler = EvidenceHandler(self.ledger, MERCHANT, Limits(), "worker-1")
        parts = handler, books, RecordingDispatcher(), TERMS
        self.work = UseCases(*parts, steady=clock.steady)
        self.upkeep = an_upkeep(handler, self.ledger)
        self.operator = Operator(self.ledger, "cli:mei")

    def close(self) -> None:
        """
        Leave no connection, and all in one file.
        """
        self.ledger.close()

    def go_on(self) -> None:
        """
        One round of everything that works by itself, and some time.
        """
        for step in (self.upkeep.run, self.work.send, self.work.ask, self.work.sweep):
            with contextlib.suppress(*_FAULTS):
                step()
        self.clock.advance(minutes=11)

    def id_of(self, number: str) -> int:
        """
        The payout with a number.
        """
        found = self.ledger.find(MERCHANT, number)
        assert found is not None
        return found.id

    def accept(self, *numbers: str) -> None:
        """
        Take in what producers ask for.
        """
        for number in numbers:
            accept(self.ledger, wanted(number), TERMS, for_review=number == "HELD")

    def accept_sealed(self) -> None:
        """
        Take in what producers have sealed, each with a key of its own.
        """
        for number, (producer, secret) in SEALED.items():
            self.ledger.add_producer(producer, "mei")
            key = self.ledger.add_job_key(producer, KeyKind.SHARED, secret, Person(1001, "mei"))
            text = shared(key.name, secret, claims(job_of(wanted(number)), **self._today()))
            acceptor = self.work.acceptor
            assert isinstance(acceptor.accept_sealed(acceptor.open(text)), Accepted)

    def _set_controls(self) -> None:
        """
        One payee is denied, one producer may have nothing sent, and another's day is counted.
        """
        person = Controller(self.ledger, Person(1001, "mei"))
        person.deny(wanted("DENIED").payee.account_no, "a court says so")
        self.ledger.add_producer(STOPPED["TOOMUCH"], "mei")
        person.limit(STOPPED["TOOMUCH"], {"largest_fen": 1, "new_payees": 0}, "not yet")
        person.limit(DEFAULT_PRODUCER, {"day_fen": 1_000_000, "new_payees": 1_000}, "agreed")

    def _today(self) -> dict[str, str]:
        now = self.ledger.now()
        return {"issued": now.isoformat(), "expires": (now + timedelta(days=1)).isoformat()}

    def tell_story(self, pass_by: Callable[[], None]) -> None:
        """
        Bring payouts into every status; someone passes by now and then, and takes copies.
        """
        self._set_controls()
        self.accept(*_OLD[:-1])
        pass_by()
        self.work.send()
        pass_by()
        self.go_on()
        self.accept("GONE")
        self.operator.act(Action.CANCEL, self.id_of("GONE"), "withdrawn")
        for _ in range(3):
            self.clock.advance(hours=13)
            for number in ("CLOSED", "DECIDED", "REFUSED"):
                self.work.query(self.id_of(number))
        mei, lan = Person(1001, "mei"), Person(1002, "lan")
        told = (End.FAILED, None, "SLIP-1", "JD wrote so")
        proposed = Decider(self.ledger, mei).propose(self.id_of("DECIDED"), *told)
        Decider(self.ledger, lan).approve(proposed.id)
        pass_by()
        self.accept(*_NEW)
        self.work.send()
        self.accept(*_UNSENT, *STOPPED)
        self.accept_sealed()
        instead = wanted("AGAIN"), TERMS, "the card was closed", REVIEW_LIST
        self.operator.replace(self.id_of("CLOSED"), *instead)
        request = wording(wanted("SENDING"))
        self.ledger.claim([self.id_of("SENDING")], a_claimant(request))

    def try_everything(self) -> None:
        """
        What people may do to each payout, and what producers do who take its debt for free.
        """
        for payout_id in _IDS:
            with contextlib.suppress(*_FAULTS):
                self.work.query(payout_id)
            # In the sandbox a person alone may let go what is over a limit: here nobody does.
            over = self._is_over_a_limit(payout_id)
            for action in _ACTIONS[1:] if over else _ACTIONS:
                with contextlib.suppress(*_FAULTS):
                    self.operator.act(action, payout_id, "as it seems")
        for number in NUMBERS:
            fresh = replace(wanted(number), out_trade_no=f"{number}-ANEW")
            with contextlib.suppress(*_FAULTS):
                accept(self.ledger, fresh, TERMS)

    def _is_over_a_limit(self, payout_id: int) -> bool:
        """
        Whether that is why it is held, as far as anybody is told.
        """
        with contextlib.suppress(*_FAULTS):
            return self.ledger.number_of(payout_id).startswith("TOOMUCH")
        return True

    def statuses(self) -> Iterator[tuple[str, PayoutStatus]]:
        """
        What the ledger says of each payout that a seal vouches for, where it can be read.
        """
        for payout_id in _IDS:
            with contextlib.suppress(*_FAULTS):
                known = self.ledger.dossier(payout_id).payout
                if known.is_intact:
                    yield known.out_trade_no, known.status
