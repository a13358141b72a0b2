"""
`payouts show` and `payouts history`: one payout's story.
"""

from collections.abc import Iterator, Sequence

import click
from rich.console import Group, RenderableType
from rich.text import Text

from worker import bootstrap
from worker.cli import target
from worker.cli.output import Page, answering, table
from worker.cli.sending import look_up
from worker.jdpay import codes
from worker.payouts.evidence import Meaning, Source
from worker.payouts.model import Dossier
from worker.payouts.money import yuan
from worker.payouts.policy.actions import Recorded, legal
from worker.payouts.policy.facts import gather_facts
from worker.payouts.policy.silence import silent_since
from worker.payouts.proposal import Proposal
from worker.views import documents, texts
from worker.views.advice import next_step
from worker.views.evidence import Run, fold
from worker.views.formats import cell
from worker.views.history import merge
from worker.views.tables import Column
from worker.views.texts import CASE_MEANINGS, MEANINGS

#: What one payout can have waiting; more would be a list of its own.
_WAITING = 20


@click.command()
@click.argument("number")
@answering
def show(number: str) -> Page:
    """
    Show one payout, by its order number or its id: where it stands and what happens next.
    """
    payout_id = target.payout_id(number)
    return story(payout_id)


@click.command()
@click.argument("number")
@answering
def history(number: str) -> Page:
    """
    Show all that happened to one payout: moves, returns, cases and decisions, oldest first.
    """
    ledger = bootstrap.ledger()
    payout_id = target.payout_id(number)
    moves, decisions = ledger.history(payout_id), ledger.decisions(payout_id)
    named = {other for d in decisions for other in (d.payout_id, d.replaced_by) if other}
    entries = merge(
        ledger.dossier(payout_id),
        moves,
        ledger.cases_of(payout_id),
        decisions,
        {other: ledger.number_of(other) for other in named},
    )
    document: dict[str, object] = {
        "transitions": [documents.transition(m) for m in moves],
        "events": [documents.entry(e) for e in entries],
    }
    columns = (Column("at"), Column("what happened", folds=24), Column("by", folds=12))
    return Page(document, table(columns, [(e.at, e.told, e.by) for e in entries]))


def story(payout_id: int) -> Page:
    """
    All that is known of one payout.
    """
    ledger = bootstrap.ledger()
    dossier = ledger.dossier(payout_id)
    merchant = dossier.payout.terms.customer_no
    holders = ledger.holders_of(dossier.payout.obligation)
    others = [payout for payout in holders if payout.id != payout_id]
    decisions = ledger.decisions(payout_id)
    proposals = ledger.proposals(waiting_only=True, limit=_WAITING, payout_id=payout_id)
    learnt_from = ledger.history(payout_id)[-1].learnt_from
    readable = payout_id not in ledger.unreadable([payout_id])
    following = next_step(dossier, look_up(ledger, merchant), others)
    document = {
        **documents.payout(dossier.payout),
        "readable": readable,
        "learnt_from": learnt_from,
        "next": following,
        "attempts": [documents.attempt(a) for a in dossier.attempts],
        "evidence": [documents.evidence(e) for e in dossier.evidence],
        "open_cases": [documents.case(c, legal(c, dossier)) for c in dossier.open_cases],
        "decisions": [documents.decision(d) for d in decisions],
        "proposals": [documents.proposal(p) for p in proposals],
    }
    body = _body(dossier, decisions, learnt_from, following, readable=readable)
    return Page(document, Group(body, *(Text(f"\n{_proposed(p)}") for p in proposals)))


def _body(
    dossier: Dossier,
    decisions: Sequence[Recorded],
    learnt_from: Source | None,
    following: str,
    *,
    readable: bool,
) -> RenderableType:
    payout = dossier.payout
    back = f", {yuan(payout.returned_fen)} of it came back" if payout.returned_fen else ""
    silent = silent_since(gather_facts(dossier))
    lines = [
        ("payout", f"{payout.out_trade_no} (id {payout.id}, {payout.terms.profile})"),
        ("status", f"{payout.status}: {MEANINGS[payout.status]}"),
        ("reason", f"{payout.reason}{f', learnt from a {learnt_from}' if learnt_from else ''}"),
        ("next", following),
        ("amount", f"{yuan(payout.amount_fen)} yuan ({payout.amount_fen} fen){back}"),
        ("payee", f"{payout.payee_masked} {payout.bank_code}"),
        ("pays", f"{payout.obligation}, for {payout.producer}"),
        ("merchant", payout.terms.customer_no),
        ("JD's number", payout.trade_no),
        ("accepted", payout.accepted_at),
        ("sent", payout.last_sent_at),
        ("ended", payout.finalized_at),
        ("JD silent", None if silent is None else f"since {cell(silent)}"),
        ("fault", None if readable else texts.UNREADABLE),
    ]
    width = max(len(name) for name, _ in lines)
    parts: list[RenderableType] = [
        Text(f"{name:{width}}  {cell(value)}") for name, value in lines if value is not None
    ]
    parts += [
        Text(f"\ncase {c.id}: {CASE_MEANINGS[c.kind]} (`payouts cases show {c.id}`)")
        for c in dossier.open_cases
    ]
    parts += [Text(f"\n{_decided(payout.id, d)}") for d in decisions]
    if dossier.attempts:
        parts.append(_attempts(dossier))
    if dossier.evidence:
        parts.append(_evidence(dossier))
        parts += map(Text, _explanations(dossier))
    return Group(*parts)


def _decided(payout_id: int, decision: Recorded) -> str:
    told = f"{cell(decision.at)} {decision.action} by {cell(decision.who)}: {cell(decision.why)}"
    if decision.case_id is not None:
        told += f" (case {decision.case_id})"
    if decision.replaced_by == payout_id:
        return f"{told} (instead of payout {decision.payout_id})"
    if decision.replaced_by is not None:
        return f"{told} (payout {decision.replaced_by} pays instead)"
    return told


def _proposed(proposal: Proposal) -> str:
    by, at = cell(proposal.proposed_by.who), cell(proposal.proposed_at)
    told = f"proposal {proposal.id}: {proposal.proof.end}, by {by} at {at}"
    return f"{told}; another person may say `payouts approve {proposal.id}`"


def _attempts(dossier: Dossier) -> RenderableType:
    rows = [(a.number, a.started_at, a.closed_at, a.outcome, a.detail) for a in dossier.attempts]
    return table(("#", "started", "closed", "outcome", "detail"), rows, title="\nattempts")


def _evidence(dossier: Dossier) -> RenderableType:
    runs = fold(dossier.evidence)
    columns = [
        Column("id", gives_way=3),
        Column("from"),
        Column("received", folds=20),
        # Where all is verified, that is the least news.
        Column("verified", gives_way=2 if all(r.first.answer.verified for r in runs) else 0),
        Column("code", folds=16),
        Column("trade status", folds=6),
        Column("reason", gives_way=1),
    ]
    rows = [[*_shown(run)] for run in runs]
    if len(runs) < len(dossier.evidence):
        columns.insert(2, Column("times"))
        for row, run in zip(rows, runs, strict=True):
            row.insert(2, run.count)
    return table(columns, rows, title="\nevidence")


def _shown(run: Run) -> Iterator[object]:
    first, answer = run.first, run.first.answer
    yield from (first.id, first.source)
    received = cell(first.received_at)
    yield received if run.count == 1 else f"{received} to {cell(run.last.received_at)}"
    yield from (answer.verified, answer.code, answer.trade_status, answer.reason_code)


def _explanations(dossier: Dossier) -> Iterator[str]:
    """
    What JD's codes say and what to do, each once; that a call was processed explains nothing.
    """
    for code in dict.fromkeys(e.answer.code for e in dossier.evidence):
        listed = codes.look_up(code)
        if code and listed.meaning is not Meaning.PROCESSED:
            yield f"{cell(code)}: {listed.says}; {listed.remedy}"
    for given in dict.fromkeys(e.answer.reason_code for e in dossier.evidence):
        if given:
            cause = codes.reason(given)
            yield f"{cell(given)}: {cause.says}; {cause.remedy}"
