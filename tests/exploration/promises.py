"""
What must hold in every state, by what JD has said and booked, not by the product's own rules.
"""

import enum
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from tests.exploration.jd import Entry, back_fen
from tests.exploration.words import Said, Word
from tests.exploration.world import AMOUNT, DEBT, LIMITS, World
from tests.simulation.deployment import Settings
from tests.simulation.words import Fields
from worker.demo.audit import stated
from worker.payouts.evidence import Answer, Source
from worker.payouts.journal import FROM_A_JOURNAL
from worker.payouts.model import Dossier, Terms
from worker.payouts.status import PayoutStatus
from worker.sandbox.auditor import Fault, Statement, audit
from worker.sandbox.debts import Job

_CLOSED_TWICE_AFTER = timedelta(hours=24)
_AS_LONG_AS_YOU_LIKE = timedelta.max
#: What shows that JD has a number, whatever it says of it.
_SIGNS = frozenset(said for said in Said if said.is_status) | {Said.KNOWN, Said.SIGN}
_PAID = frozenset({Said.FINI, Said.KNOWN, Said.PART, Said.WHOLE})


class Promise(enum.StrEnum):
    """
    The promises, as a run names them.
    """

    AUDIT = "the auditor finds nothing"
    DEBT = "no debt is paid by more than is owed, as far as JD has told"
    NUMBER = "no number goes out again without JD's word that it has none"
    ONWARD = "what stands without end has a due time or a case"
    PLACE = "nothing is said but where and as whom the settings and its row tell"
    WORD = "what is believed of a notification is what JD signed, and all that it signed counts"
    SOUND = "nothing stumbles"


@dataclass(frozen=True, slots=True)
class Breach:
    """
    A promise that was not kept.
    """

    promise: Promise
    detail: str


def of_state(world: World) -> Iterator[Breach]:
    """
    What a state shows.
    """
    yield from _audited(world)
    for row in world.ledger.payouts(None, 10):
        dossier = world.ledger.dossier(row.id)
        if not _goes_on(dossier):
            yield Breach(Promise.ONWARD, f"{row.out_trade_no}: {row.status}, and nothing is due")


def of_transmission(world: World, number: str) -> Iterator[Breach]:
    """
    What a transmission breaks that is about to be made.
    """
    entry, row = world.jd.entry(number), world.row(number)
    amount_fen = row.amount_fen if row else AMOUNT
    others = [other for name, other in world.jd.entries.items() if name != number]
    beside = sum(may_keep_fen(other) for other in others)
    if beside + amount_fen > AMOUNT:
        detail = f"{number}: {amount_fen} fen are sent beside {beside} that may be kept"
        yield Breach(Promise.DEBT, detail)
    if not _may_go_again(entry, world):
        yield Breach(Promise.NUMBER, f"{number}: sent again, after {_spelt(entry.words)}")


def of_words(
    world: World, settings: Settings, terms: Terms, number: str, _asked_at: datetime | None = None
) -> Iterator[Breach]:
    """
    What is wrong with where, and as whom, something is about to be said of a number.
    """
    row = world.row(number)
    if terms.gateway_url not in settings.allowed:
        yield Breach(Promise.PLACE, f"{number}: told to {terms.gateway_url}, a foreign place")
    if row is not None and terms != row.terms:
        yield Breach(Promise.PLACE, f"{number}: told to {terms.gateway_url}, not as its row says")
    if terms.customer_no != settings.merchant:
        yield Breach(Promise.PLACE, f"{number}: told with another merchant's keys")


def of_notice(fields: Fields, answer: Answer, is_genuine: bool) -> Iterator[Breach]:
    """
    What is wrong with what was made of a notification, by the fields that JD signed.
    """
    if is_genuine and not answer.verified:
        yield Breach(Promise.WORD, f"signed, and does not count: {sorted(fields.items())}")
    said = {
        "customer_no": answer.merchant,
        "out_trade_no": answer.number,
        "trade_amount": answer.amount_fen,
        "trade_currency": answer.currency,
        "trade_status": answer.trade_status,
        "trade_no": answer.trade_no,
        "refund_amount": answer.refund_fen,
    }
    read = {name: None if value is None else str(value) for name, value in said.items()}
    if answer.verified and any(fields.get(name) != value for name, value in read.items()):
        yield Breach(Promise.WORD, f"{read} is believed, and signed was {sorted(fields.items())}")


def of_move(world: World, number: str) -> Iterator[Breach]:
    """
    What is wrong with a payout that is to be sent where the settings say, and asked about there.
    """
    row = world.row(number)
    if row is None or row.terms != world.settings.terms:
        yield Breach(Promise.PLACE, f"{number}: to be sent where the settings say, and is not")


def may_keep_fen(entry: Entry) -> int:
    """
    What the payee of a number may have, by every word that JD has said of it, in fen.
    """
    if not entry.sent:
        return 0
    told = [word for word in entry.words if word.said in _SIGNS]
    if any(word.said in _PAID for word in told):
        asked = [word for word in told if word.source is Source.QUERY and word.said.is_status]
        latest = asked[-1].said if asked else Said.FINI
        return entry.amount_fen - back_fen(latest, entry.amount_fen)
    closes = [w.at for w in told if w.said is Said.CLOS and w.source is Source.QUERY]
    # What was told at the very moment of the first close may have been told before it.
    undone = any(w.said is not Said.CLOS and w.at > closes[0] for w in told) if closes else True
    if not undone and closes[-1] - closes[0] >= _CLOSED_TWICE_AFTER:
        return 0
    said = [word.said for word in entry.words]
    is_refused = all(is_refused for _, is_refused in entry.sent)
    if not told and is_refused and Said.NOT_FOUND in said[_last(said, Said.REFUSED) :]:
        return 0
    return entry.amount_fen


def _last(said: list[Said], wanted: Said) -> int:
    return len(said) - 1 - said[::-1].index(wanted)


def _may_go_again(entry: Entry, world: World) -> bool:
    exposing = [at for at, is_refused in entry.sent if not is_refused]
    if any(word.said in _SIGNS for word in entry.words):
        return False
    if not exposing:
        return True
    denied = [w.at for w in entry.words if w.said is Said.NOT_FOUND and w.source is Source.QUERY]
    waited = [at - exposing[-1] for at in denied]
    first, second = LIMITS.resend_gaps
    enough = [age for age in waited if age >= first]
    is_proven = len(enough) >= 2 and enough[-1] >= second and enough[-1] - enough[0] >= first
    silent = all(word.said is not Said.NO_RESULT for word in entry.words)
    return is_proven and silent and len(entry.sent) <= LIMITS.resend_limit


def _spelt(words: tuple[Word, ...]) -> str:
    return ", ".join(f"{word.source} {word.said}" for word in words) or "no word"


def _audited(world: World) -> Iterator[Breach]:
    rows = world.ledger.payouts(None, 10)
    known = {row.out_trade_no: row for row in rows}
    jobs = [Job("A", AMOUNT, DEBT, world.clock.now)]
    if "B" in known or "B" in world.rejected:
        amount_fen = known["B"].amount_fen if "B" in known else AMOUNT
        jobs.append(Job("B", amount_fen, DEBT, world.clock.now))
    found = audit(
        jobs,
        {number: entry.trade() for number, entry in world.jd.entries.items()},
        {number: _stated(world.ledger.dossier(row.id)) for number, row in known.items()},
        world.rejected,
        world.clock.now,
        _AS_LONG_AS_YOU_LIKE,
    )
    for finding in found:
        # Where JD takes back its word that nothing is paid, no product can have known: what was
        # known at the time is asked at each transmission.
        blameless = finding.fault is Fault.DOUBLE and not world.jd.is_honest
        # A producer repeats a job whose payout a backup lacks.
        forgotten = world.restored and finding.fault in {Fault.LOST, Fault.UNREPORTED}
        if not blameless and not forgotten:
            yield Breach(Promise.AUDIT, str(finding))


def _stated(dossier: Dossier) -> Statement:
    """
    What a row says. One that a journal put back beside its debt holds none of it, and frees none.
    """
    said = stated(dossier.payout, has_case=False)
    recalled = any(attempt.detail == FROM_A_JOURNAL for attempt in dossier.attempts)
    is_beside = recalled and not dossier.payout.status.is_final
    return replace(said, released=said.released and not is_beside)


def _goes_on(dossier: Dossier) -> bool:
    row = dossier.payout
    if dossier.open_cases or any(e.applied_at is None for e in dossier.evidence):
        return True
    match row.status:
        case PayoutStatus.QUEUED:
            return row.next_send_at is not None
        case PayoutStatus.SENDING:
            return row.lease_until is not None
        case PayoutStatus.REFUSED | PayoutStatus.UNKNOWN | PayoutStatus.PROCESSING:
            return row.next_query_at is not None
        case PayoutStatus.HELD:
            return False
        case _:
            return True
