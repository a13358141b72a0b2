"""
What an act may rest on, told from the messages themselves: rule by rule, in the rules' own words.

It shares nothing with the product's policy. It reads each stored message past the product's reader,
and says what JD had told before somebody acted on JD's silence, on its refusal or on its word.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from typing import NamedTuple

from tests.simulation.words import CODES, Fields, fields_of
from worker.payouts.evidence import Evidence, Meaning, Source
from worker.payouts.model import AttemptOutcome, Case, CaseKind, Dossier, Payout

_DAY = timedelta(hours=24)
#: How far JD's clock and ours may differ.
_CLOCKS = timedelta(minutes=5)
#: JD's numbers have up to so many characters.
_LONGEST = 64
_PROGRESS = frozenset({"BUID", "ACSU", "WPAR"})
_MONEY = frozenset({"FINI", "REFU"})
_LISTED = _PROGRESS | _MONEY | {"CLOS"}
_KNOWS = frozenset({CODES[Meaning.PROCESSED], CODES[Meaning.DUPLICATE]})
_REFUSES = frozenset(
    CODES[m] for m in (Meaning.PAYEE, Meaning.REQUEST, Meaning.CHANNEL, Meaning.BALANCE)
)


class Said(NamedTuple):
    """
    One verified message about a payout.
    """

    evidence: Evidence
    fields: Fields
    #: When JD was asked, or when it told us unasked.
    at: datetime
    #: Whether it names another merchant, number, amount or currency than the payout's.
    unfit: bool
    #: Whether it names all four of them, and can be read.
    whole: bool

    @property
    def status(self) -> str:
        """
        The status that it names, listed or not.
        """
        return self.fields.get("trade_status", "")

    @property
    def code(self) -> str:
        """
        The code that it names.
        """
        return self.fields.get("response_code", "")

    @property
    def refund(self) -> str:
        """
        What it says came back.
        """
        return self.fields.get("refund_amount", "")

    @property
    def shows_more(self) -> bool:
        """
        Whether JD, by this message, knows of a trade under this number, whatever became of it.
        """
        unasked = self.evidence.source is Source.NOTIFICATION
        return bool(
            self.unfit
            or self.status
            or self.fields.get("trade_no")
            or self.refund not in {"", "0"}
            or not self.fields.get("trade_amount", "0").isdigit()
            or self.code in _KNOWS
            or unasked
        )


def said(dossier: Dossier) -> list[Said]:
    """
    All that JD told of a payout under a good signature, in the order in which it was asked.
    """
    found = [_said(dossier.payout, e) for e in dossier.evidence if e.answer.verified]
    return sorted(found, key=lambda s: (s.at, s.evidence.id))


def _said(payout: Payout, evidence: Evidence) -> Said:
    fields = fields_of(evidence.answer)
    ours = {
        "customer_no": payout.terms.customer_no,
        "out_trade_no": payout.out_trade_no,
        "trade_amount": str(payout.amount_fen),
        "trade_currency": payout.currency,
    }
    # An amount that is none cannot be compared; it spoils all the same.
    told = {n: v for n, v in fields.items() if v and (n != "trade_amount" or v.isdigit())}
    unfit = any(told.get(name, value) != value for name, value in ours.items())
    legible = len(fields.get("trade_no", "")) <= _LONGEST and (
        fields.get("trade_status") == "REFU" or fields.get("refund_amount", "0").isdigit()
    )
    whole = legible and all(fields.get(name) == value for name, value in ours.items())
    return Said(evidence, fields, evidence.asked_at or evidence.received_at, unfit, whole)


def against_silence(dossier: Dossier) -> str | None:
    """
    What forbids to act as if JD did not have a payout, or had refused it; None if nothing does.
    """
    for one in said(dossier):
        if one.shows_more:
            return f"JD had told {one.evidence.source} {one.fields}"
    return None


def may_be_kept(dossier: Dossier) -> int:
    """
    What the payee may have of a payout, or come to have, in fen, by what JD has told.
    """
    amount_fen = dossier.payout.amount_fen
    tried = [a for a in dossier.attempts if a.outcome is not AttemptOutcome.NOT_CONNECTED]
    if not tried and against_silence(dossier) is None:
        return 0
    if _closed_for_good(dossier) or _refused_for_good(dossier):
        return 0
    return amount_fen - came_back(dossier)


def came_back(dossier: Dossier) -> int:
    """
    What the latest question was told has come back, in fen: nothing where that is in doubt.
    """
    told = said(dossier)
    if _is_spoilt(told):
        return 0
    statuses = [s for s in told if s.evidence.source is Source.QUERY and s.status and s.whole]
    if not statuses or statuses[-1].status != "REFU":
        return 0
    last = statuses[-1]
    fen = int(last.refund) if last.refund.isdigit() else 0
    vague = [s for s in told if s.at > last.at and s.status and not s.whole]
    return 0 if vague or fen > dossier.payout.amount_fen else fen


def _is_spoilt(told: Sequence[Said]) -> bool:
    """
    Whether JD told of something else than ours, of two trades, or of what nobody can read.
    """
    numbers = {s.fields["trade_no"] for s in told if s.fields.get("trade_no")}
    strange = any(s.status and s.status not in _LISTED for s in told)
    garbled = any(not s.fields.get("trade_amount", "0").isdigit() for s in told)
    return len(numbers) > 1 or strange or garbled or any(s.unfit for s in told)


def _closed_for_good(dossier: Dossier) -> bool:
    """
    CLOS in two queries a day apart, and nothing but CLOS since the first; never paid, never odd.
    """
    told = said(dossier)
    if _is_spoilt(told) or any(s.status in _MONEY for s in told):
        return False
    closes = [
        s.at for s in told if s.evidence.source is Source.QUERY and s.whole and s.status == "CLOS"
    ]
    moved = [s.at for s in told if s.status in _PROGRESS]
    return any(
        later - first >= _DAY and not any(at > first for at in moved)
        for first in closes
        for later in closes
    )


def _refused_for_good(dossier: Dossier) -> bool:
    """
    Every attempt refused, a later not-found, and nothing that shows that JD knows more.
    """
    if against_silence(dossier):
        return False
    told = said(dossier)
    replies = {s.evidence.attempt_id: s for s in told if s.evidence.source is Source.REPLY}
    for attempt in dossier.attempts:
        if attempt.outcome is AttemptOutcome.NOT_CONNECTED:
            continue
        reply = replies.get(attempt.id)
        if reply is None or reply.code not in _REFUSES:
            return False
    refused_at = max((s.evidence.received_at for s in replies.values()), default=None)
    asked = [
        s.at
        for s in told
        if s.evidence.source is Source.QUERY and s.code == CODES[Meaning.NOT_FOUND]
    ]
    return refused_at is not None and any(at > refused_at for at in asked)


def without_case(dossier: Dossier, cases: Sequence[Case]) -> Iterator[str]:
    """
    What a person must look at, and no case names, neither that piece nor a later one.
    """
    for kind, pieces in _puzzles(dossier):
        newest = max(pieces, default=None)
        named = [c.evidence_id or 0 for c in cases if c.kind is kind]
        if newest is not None and max(named, default=0) < newest:
            yield f"no case {kind} about evidence {newest}"


def _puzzles(dossier: Dossier) -> Iterator[tuple[CaseKind, list[int]]]:
    """
    Each kind of case with the pieces of evidence that it has to cover.
    """
    told = said(dossier)
    fitting = [s for s in told if not s.unfit and not _is_anothers(s, dossier)]
    yield CaseKind.MISMATCH, [s.evidence.id for s in told if s.unfit]
    asked = [s for s in fitting if s.evidence.source is Source.QUERY and not s.shows_more]
    yield CaseKind.NO_RESULT, _with_code(asked, Meaning.NO_RESULT)
    listed = (s for s in fitting if s.whole and s.status in _LISTED)
    known = min((s.evidence.received_at for s in listed), default=None)
    absent = [s for s in asked if known is not None and s.at > known]
    yield CaseKind.VANISHED, _with_code(absent, Meaning.NOT_FOUND)
    whole = [s for s in fitting if s.whole and s.code != CODES[Meaning.DUPLICATE]]
    yield CaseKind.RETURN_AMOUNT, [s.evidence.id for s in whole if _is_odd(s, dossier.payout)]
    yield CaseKind.CONTRADICTION, list(_taken_back(whole))
    if _is_refused(dossier):
        beyond = [s.evidence.id for s in fitting if s.shows_more]
        yield CaseKind.CONTRADICTION, beyond
    if not any(a.outcome is not AttemptOutcome.NOT_CONNECTED for a in dossier.attempts):
        shown = [s.evidence.id for s in fitting if s.shows_more]
        yield CaseKind.UNEXPECTED, [min(shown, default=0)]


def _is_anothers(one: Said, dossier: Dossier) -> bool:
    """
    Whether JD dates the trade before anything of ours reached it.
    """
    dated = one.evidence.answer.traded_at
    tried = [a for a in dossier.attempts if a.outcome is not AttemptOutcome.NOT_CONNECTED]
    began = min((a.started_at for a in dossier.attempts), default=None)
    if dated is None or began is None or not tried:
        return False
    return dated < began - _CLOCKS


def _with_code(told: Iterable[Said], meaning: Meaning) -> list[int]:
    return [s.evidence.id for s in told if s.code == CODES[meaning]]


def _is_odd(one: Said, payout: Payout) -> bool:
    """
    A return of no amount or of too much, or money that came back without a return.
    """
    fen = int(one.refund) if one.refund.isdigit() else 0
    if one.status == "REFU":
        return not 0 < fen <= payout.amount_fen
    return one.status in _LISTED and fen > 0


def _taken_back(told: Sequence[Said]) -> Iterator[int]:
    """
    Where JD told an end, and then something that does not follow from it, by when it was asked.
    """
    for before, after in pairwise(told):
        if before.at == after.at or after.evidence.source is not Source.QUERY:
            continue
        if before.status == "CLOS" and after.status in _PROGRESS | _MONEY:
            yield max(before.evidence.id, after.evidence.id)
        if before.status in _MONEY and after.status in _PROGRESS | {"CLOS"}:
            yield max(before.evidence.id, after.evidence.id)


def _is_refused(dossier: Dossier) -> bool:
    """
    Whether JD refused every attempt that may have reached it.
    """
    replies = {
        s.evidence.attempt_id: s.code
        for s in said(dossier)
        if s.evidence.source is Source.REPLY and not s.shows_more
    }
    tried = [a for a in dossier.attempts if a.outcome is not AttemptOutcome.NOT_CONNECTED]
    return bool(tried) and all(replies.get(a.id) in _REFUSES for a in tried)
