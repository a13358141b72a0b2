"""
Puts the corpus to the service and to the receiver, and watches what moves.
"""

import random
import resource
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime

from flask.testing import FlaskClient

from tests.contract.samples import TERMS, accepted
from tests.doubles.usecases import UseCases
from tests.doubles.world import RecordingDispatcher
from tests.hostile.content import AMOUNT, MERCHANT
from tests.hostile.corpus import Message, messages
from tests.hostile.oracle import contradiction
from tests.hostile.signing import KEY
from worker.jdpay.answer import from_reply
from worker.jdpay.signature import SignKey
from worker.payouts.evidence import Answer
from worker.payouts.invariants import of_payout
from worker.payouts.limits import Limits
from worker.payouts.model import Dossier, Order, Terms
from worker.usecases.evidence import EvidenceHandler
from worker.usecases.ports import Ledger
from worker.web.app import build

#: So many messages name one payout; then the next one has its turn.
_EACH = 8

#: One answer in thousands verifies here; the count would stop the channel at once.
_LIMITS = Limits(unverifiable_limit=10**9)

_KEY = SignKey(KEY)


@dataclass
class Mouth:
    """
    A gateway that answers whatever it is given, byte for byte.
    """

    body: bytes = b""

    def render(self, order: Order, terms: Terms, requested_at: datetime) -> str:
        """
        A request; nobody reads it.
        """
        return order.out_trade_no

    def submit(self, request: str, terms: Terms, before_connect: Callable[[], None]) -> Answer:
        """
        Read the body as a reply.
        """
        before_connect()
        return from_reply(self.body, _KEY)

    def query(self, out_trade_no: str, terms: Terms, asked_at: datetime) -> Answer:
        """
        Read the body as an answer.
        """
        return from_reply(self.body, _KEY)


@dataclass
class Tally:
    """
    What a trial saw.
    """

    kinds: Counter[str] = field(default_factory=Counter)
    verified: int = 0
    moved: int = 0
    acknowledged: int = 0
    #: What was wrong, each with its message.
    faults: list[str] = field(default_factory=list)

    def merge(self, other: "Tally") -> None:
        """
        Add what another trial saw.
        """
        self.kinds += other.kinds
        self.verified += other.verified
        self.moved += other.moved
        self.acknowledged += other.acknowledged
        self.faults += other.faults


class Trial:
    """
    One ledger under fire.
    """

    def __init__(self, ledger: Ledger, advance: Callable[[], object]) -> None:
        self.tally = Tally()
        self._ledger = ledger
        self._advance = advance
        self._mouth = Mouth()
        handler = EvidenceHandler(ledger, MERCHANT, _LIMITS, "worker")
        self._payouts = UseCases(handler, self._mouth, RecordingDispatcher(), TERMS)
        app = build(EvidenceHandler(ledger, MERCHANT, _LIMITS, "receiver"), _KEY)
        app.testing = True  # a fault in the receiver is raised here
        self._receiver: FlaskClient = app.test_client()

    def run(self, seed: int, count: int) -> Tally:
        """
        Put so many messages of a seed.
        """
        dice = random.Random(seed)
        for place in range(0, count, _EACH):
            payout = accepted(self._ledger, f"H{seed}N{place:08}", amount_fen=AMOUNT)
            source = messages(dice, payout.out_trade_no)
            for _ in range(min(_EACH, count - place)):
                self._put(payout.id, next(source))
            self._look_back(payout.id)
        return self.tally

    def _put(self, payout_id: int, message: Message) -> None:
        self.tally.kinds[message.kind] += 1
        self._advance()
        before = self._ledger.dossier(payout_id)
        try:
            if message.is_notice:
                self._notify(message.body)
            else:
                self._answer(before, message.body)
        except Exception as error:  # noqa: BLE001 (whatever it is, it is what we are looking for)
            self._fault(message, f"{type(error).__name__}: {error}")
            return
        after = self._ledger.dossier(payout_id)
        self._watch(message, before, after)

    def _notify(self, body: bytes) -> None:
        reply = self._receiver.post("/jdpay/notify", data=body)
        self.tally.acknowledged += reply.data == b"success"

    def _answer(self, before: Dossier, body: bytes) -> None:
        self._mouth.body = body
        if before.attempts:
            self._payouts.query(before.payout.id)
        else:
            # Even an unsigned code stops the channel; an operator looks and goes on.
            self._ledger.resume(MERCHANT, "a false alarm", "operator")
            self._payouts.submit(before.payout.id)

    def _watch(self, message: Message, before: Dossier, after: Dossier) -> None:
        known = {evidence.id for evidence in before.evidence}
        new = [evidence for evidence in after.evidence if evidence.id not in known]
        self.tally.verified += any(evidence.answer.verified for evidence in new)
        self.tally.moved += before.payout.status is not after.payout.status
        for fault in contradiction(message, before, after, [e.answer for e in new]):
            self._fault(message, fault)

    def _look_back(self, payout_id: int) -> None:
        dossier, history = self._ledger.dossier(payout_id), self._ledger.history(payout_id)
        cases = self._ledger.cases(open_only=False, limit=_EACH * 4)
        ours = [case for case in cases if case.payout_id == payout_id]
        breaches = of_payout(dossier, history, ours, self._ledger.now(), _LIMITS)
        self.tally.faults += map(str, breaches)

    def _fault(self, message: Message, fault: str) -> None:
        self.tally.faults.append(f"{message.kind}: {fault}: {message.body[:300]!r}")


def resident_mib() -> float:
    """
    The most memory that this process has had at any time, in MiB.
    """
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def lines(tally: Tally) -> Iterator[str]:
    """
    The tally in words.
    """
    total = sum(tally.kinds.values())
    yield (
        f"{total:,} messages, {tally.verified:,} verified, {tally.acknowledged:,} notifications"
        f" acknowledged, {tally.moved:,} moved a payout"
    )
    yield ", ".join(f"{count:,} {kind}" for kind, count in sorted(tally.kinds.items()))
    yield f"faults: {len(tally.faults)}"
    yield from tally.faults[:20]
