"""
What comes of an attack, and whether anyone was paid what no producer asked for.
"""

from collections import Counter

from tests.tampering.books import wording
from tests.tampering.world import NUMBERS, SHARED, STOPPED, World, wanted
from worker.payouts.evidence import TradeStatus
from worker.payouts.status import PayoutStatus

#: What JD has, for what the ledger says.
_TRUE: dict[PayoutStatus, set[TradeStatus | None]] = {
    PayoutStatus.PAID: {TradeStatus.FINI},
    PayoutStatus.RETURNED: {TradeStatus.REFU},
    PayoutStatus.PROCESSING: {TradeStatus.WPAR},
    PayoutStatus.FAILED: {None, TradeStatus.CLOS},
    PayoutStatus.CANCELLED: {None},
    PayoutStatus.QUEUED: {None},
    PayoutStatus.HELD: {None},
    PayoutStatus.REFUSED: {None},
}


#: What may go out again: JD denied one twice, and people may have the other sent again.
_SENT_AGAIN = {"LOST", "REFUSED"}


def end(world: World) -> None:
    """
    All goes on, people and producers do what they may, and all goes on.
    """
    for _ in range(4):
        world.go_on()
    world.clock.advance(hours=25)
    world.try_everything()
    world.go_on()


def check(world: World) -> None:
    """
    Each sent as its producer wanted it, no debt paid twice, and no word that JD does not bear out.
    """
    books = world.books
    wordings = {wording(wanted(number)) for number in NUMBERS}
    wordings |= {text.replace("|", "-ANEW|", 1) for text in wordings}
    assert {*books.sent} <= wordings
    sent = Counter(request.partition("|")[0] for request in books.sent)
    assert not {number.removesuffix("-ANEW") for number in sent} & STOPPED.keys()
    assert {number for number, times in sent.items() if times > 1} <= _SENT_AGAIN
    for debt in {*NUMBERS} - SHARED.keys():
        numbers = [debt, *(number for number in SHARED if SHARED[number] == debt)]
        numbers += [f"{number}-ANEW" for number in numbers]
        assert books.kept_fen(n for n in numbers if n in books.booked) <= wanted(debt).amount_fen
    for number, status in world.statuses():
        if status in _TRUE and number != "DECIDED":
            assert books.status(number) in _TRUE[status], (number, status)
