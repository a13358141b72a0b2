"""
`payouts audit`: whether every promise holds for every payout, read-only, in bounded memory.
"""

import click
from rich.console import Console
from rich.progress import Progress

from worker import bootstrap
from worker.cli.output import Page, answering, table
from worker.settings import ReceiverSettings
from worker.usecases.audit import Auditor
from worker.views.tables import Column

#: More breaches than these are counted, not listed.
_LISTED = 200


@click.command()
@answering
def audit() -> Page:
    """
    Check the invariants of every payout; exit 1 if one is broken. Changes nothing.

    May run beside the workers: what looks broken while a worker is busy is looked at again.
    """
    auditor = Auditor(bootstrap.ledger(), ReceiverSettings.load().limits)
    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("payouts", total=auditor.count())
        found = auditor.audit(lambda: progress.advance(task))
    listed = found.breaches[:_LISTED]
    document: dict[str, object] = {
        "ok": not found.breaches,
        "payouts": found.payouts,
        "breaches": len(found.breaches),
        "listed": [
            {"invariant": b.invariant, "out_trade_no": b.out_trade_no, "detail": b.detail}
            for b in listed
        ],
    }
    if not found.breaches:
        return Page(document, f"{found.payouts} payouts, every invariant holds")
    rows = [(b.invariant, b.out_trade_no, b.detail) for b in listed]
    failure = (
        f"{len(found.breaches)} breaches in {found.payouts} payouts: stop sending (`payouts pause`)"
    )
    return Page(document, table(("", Column("number"), "breach"), rows), failure)
