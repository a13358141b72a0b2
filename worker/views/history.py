"""
All that happened to one payout, in one order: moves, returns, cases, and what people decided.
"""

import enum
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from worker.payouts.evidence import TradeStatus
from worker.payouts.model import Case, Dossier, Transition
from worker.payouts.money import yuan
from worker.payouts.policy.actions import Action, Recorded
from worker.payouts.policy.facts import gather_facts
from worker.views.texts import CASE_MEANINGS


class EntryKind(enum.StrEnum):
    """
    What happened. Of what happened at the same moment, the cause comes first, in this order.
    """

    RETURNED = "returned"  #: JD told of money that came back
    DECIDED = "decided"  #: a person decided something
    REPLACED = "replaced"  #: a person decided that another payout pays instead of this one
    REPLACES = "replaces"  #: a person decided that this one pays instead of another
    MOVED = "moved"  #: its status changed
    CASE_OPENED = "case_opened"
    CASE_CLOSED = "case_closed"


@dataclass(frozen=True, slots=True)
class Entry:
    """
    One thing that happened: in words for people, and its facts for machines.
    """

    at: datetime
    kind: EntryKind
    told: str
    #: Who did it, or how it was learnt.
    by: str
    facts: Mapping[str, object]


_ORDER = list(EntryKind)


def merge(
    dossier: Dossier,
    transitions: Sequence[Transition],
    cases: Sequence[Case],
    decisions: Sequence[Recorded],
    numbers: Mapping[int, str],
) -> tuple[Entry, ...]:
    """
    Everything that happened, oldest first. `cases` are all of the payout's, closed ones too.

    `numbers` are the order numbers of the payouts that the decisions name, by their ids.
    """
    entries = [
        *map(_move, transitions),
        *_returns(dossier),
        *(entry for case in cases for entry in _case(case)),
        *(_decision(dossier.payout.id, decision, numbers) for decision in decisions),
    ]
    return tuple(sorted(entries, key=lambda entry: (entry.at, _ORDER.index(entry.kind))))


def _move(move: Transition) -> Entry:
    moved = move.to_status.value
    if move.from_status is not None:
        moved = f"{move.from_status} -> {move.to_status}"
    learnt = f", learnt from a {move.learnt_from}" if move.learnt_from else ""
    facts = {
        "from_status": move.from_status,
        "to_status": move.to_status,
        "reason": move.reason,
        "learnt_from": move.learnt_from,
        "evidence_id": move.evidence_id,
        "actor": move.actor,
    }
    return Entry(move.at, EntryKind.MOVED, f"{moved}: {move.reason}{learnt}", move.actor, facts)


def _returns(dossier: Dossier) -> Iterator[Entry]:
    """
    Each amount that JD says came back; JD names the whole of it each time, and may repeat it.
    """
    last: int | None = -1
    for trade in gather_facts(dossier).trades:
        evidence, fen = trade.evidence, trade.evidence.answer.refund_fen
        if evidence.answer.trade_status is not TradeStatus.REFU or fen == last:
            continue
        last = fen
        whole = yuan(dossier.payout.amount_fen)
        told = (
            f"JD says that money came back, and not how much of {whole} yuan"
            if fen is None
            else f"JD says that {yuan(fen)} of {whole} yuan came back so far"
        )
        facts = {
            "refund_fen": fen,
            "learnt_from": evidence.source,
            "evidence_id": evidence.id,
        }
        yield Entry(evidence.received_at, EntryKind.RETURNED, told, evidence.source, facts)


def _case(case: Case) -> Iterator[Entry]:
    facts = {"case_id": case.id, "case_kind": case.kind}
    told = f"case {case.id} opened: {CASE_MEANINGS[case.kind]}"
    opened = {**facts, "evidence_id": case.evidence_id}
    yield Entry(case.opened_at, EntryKind.CASE_OPENED, told, "", opened)
    if case.closed_at is not None:
        told = f"case {case.id} closed"
        yield Entry(case.closed_at, EntryKind.CASE_CLOSED, told, "", facts)


def _decision(payout_id: int, decision: Recorded, numbers: Mapping[int, str]) -> Entry:
    facts: dict[str, object] = {
        "decision_id": decision.id,
        "action": decision.action,
        "who": decision.who,
        "why": decision.why,
        "case_id": decision.case_id,
    }
    if decision.action is not Action.REPLACE:
        told = f"{decision.action}: {decision.why}"
        return Entry(decision.at, EntryKind.DECIDED, told, decision.who, facts)
    if decision.payout_id == payout_id:
        kind, other, verb = EntryKind.REPLACED, decision.replaced_by, "replaced by"
    else:
        kind, other, verb = EntryKind.REPLACES, decision.payout_id, "replaces"
    assert other is not None
    facts |= {"payout_id": other, "out_trade_no": numbers[other]}
    told = f"{verb} {numbers[other]} (payout {other}): {decision.why}"
    return Entry(decision.at, kind, told, decision.who, facts)
