"""
`payouts cases`: what evidence cannot decide and a person must.
"""

import click
from rich.text import Text

from worker import bootstrap
from worker.cli import newest
from worker.cli.output import Page, answering
from worker.usecases.operate import closing_actions
from worker.views import documents
from worker.views.formats import cell
from worker.views.tables import Column
from worker.views.texts import CASE_ADVICE, CASE_MEANINGS, commands

#: None that waits for a person should be out of sight, so many more than elsewhere.
_SHOWN = 1000

_CASES = (
    Column("id"),
    Column("opened", gives_way=2),
    Column("closed", gives_way=3),
    Column("number"),
    Column("kind"),
    Column("what happened", gives_way=1, folds=20),
    Column("closed by", folds=8),
)


@click.group(invoke_without_command=True)
@click.option("--all", "closed_too", is_flag=True, help="Closed ones as well.")
@newest.limit(_SHOWN)
@click.option("--json", "as_json", is_flag=True, help="Print exactly one JSON document.")
@click.pass_context
def cases(ctx: click.Context, *, closed_too: bool, limit: int, as_json: bool) -> None:
    """
    List the cases that wait for a person, newest first; `cases show ID` tells one.
    """
    if ctx.invoked_subcommand is not None:
        if closed_too or as_json or limit != _SHOWN:
            raise click.UsageError("write the options after the subcommand")
    else:
        ctx.invoke(_list, closed_too=closed_too, limit=limit, as_json=as_json)


@answering
def _list(*, closed_too: bool, limit: int) -> Page:
    ledger = bootstrap.ledger()
    found = ledger.cases(open_only=not closed_too, limit=limit)
    total = newest.total(len(found), limit, lambda: ledger.count_cases(open_only=not closed_too))
    actions = [closing_actions(ledger, c) for c in found]
    rows = [
        (c.id, c.opened_at, c.closed_at, c.out_trade_no, c.kind, CASE_MEANINGS[c.kind], " ".join(a))
        for c, a in zip(found, actions, strict=True)
    ]
    told = [documents.case(c, a) for c, a in zip(found, actions, strict=True)]
    named = "case" if closed_too else "open case"
    return Page({"cases": told, "total": total}, newest.page(_CASES, rows, total, named))


@cases.command()
@click.argument("case_id", metavar="ID", type=int)
@answering
def show(case_id: int) -> Page:
    """
    Show one case, and what to do about it.
    """
    ledger = bootstrap.ledger()
    case = ledger.case(case_id)
    if case.payout_id is None:
        payout = "none: no payout of ours has this number"
    else:
        payout = f"`payouts show {case.payout_id}`"
    actions = closing_actions(ledger, case)
    decision = ledger.closing(case_id)
    lines = [
        f"case      {case.id}, {case.kind}, {'closed' if case.closed_at else 'open'}",
        f"number    {cell(case.out_trade_no)} of merchant {cell(case.customer_no)}",
        f"happened  {CASE_MEANINGS[case.kind]}",
    ]
    if decision is None:
        lines += [
            f"to do     {CASE_ADVICE[case.kind]}",
            f"close by  {commands(case, actions) or 'nothing, as things are'}",
        ]
    lines += [
        f"opened    {cell(case.opened_at)}",
        f"payout    {payout}",
        f"evidence  {cell(case.evidence_id)}",
    ]
    if decision is not None:
        how = f"{decision.action}, by {cell(decision.who)}: {cell(decision.why)}"
        lines.append(f"closed    {cell(case.closed_at)} with {how}")
    document: dict[str, object] = {
        "case": documents.case(case, actions),
        "decision": decision and documents.decision(decision),
    }
    return Page(document, Text("\n".join(lines)))
