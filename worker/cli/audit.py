"""
`payouts audit`: whether every promise holds for every payout, read-only, in bounded memory.
"""

import re
from datetime import datetime, timedelta

import click
from rich.console import Console
from rich.progress import Progress

from worker import bootstrap
from worker.cli.output import Page, answering, table
from worker.cli.since import Since, moment
from worker.settings import ReceiverSettings
from worker.usecases.audit import Audited, Auditor, ToldCheckpoint
from worker.views.formats import counted
from worker.views.tables import Column

#: More breaches than these are counted, not listed.
_LISTED = 200


class _Checkpoint(click.ParamType[ToldCheckpoint]):
    """
    A checkpoint as the log tells it.
    """

    name = "NUMBER:DIGEST"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> ToldCheckpoint:
        """
        Take its number and 12 digits of its digest, or more.
        """
        told = re.fullmatch(r"(\d{1,18}):([0-9a-f]{12,64})", str(value))
        if told is None:
            self.fail("write it as the log does: 812:4fd0c7a91b22...", param, ctx)
        return ToldCheckpoint(int(told[1]), told[2])


@click.command()
@click.option(
    "--since",
    type=Since(),
    help="Look only at payouts that changed since: 2026-11-28, 2026-11-28T08:30Z, 36h, 7d.",
)
@click.option(
    "--evidence",
    is_flag=True,
    help="Also verify every stored message of JD's anew; takes about as long again.",
)
@click.option(
    "--checkpoint",
    "told",
    type=_Checkpoint(),
    multiple=True,
    help="The database must have this one, as the log told it: NUMBER:DIGEST. May be repeated.",
)
@answering
def audit(
    *, since: datetime | timedelta | None, evidence: bool, told: tuple[ToldCheckpoint, ...]
) -> Page:
    """
    Check every payout, its debt and what was decided of it; exit 1 if a promise is broken.

    Changes nothing, and may run beside the workers: what looks broken while a worker is busy is
    looked at again.
    """
    ledger = bootstrap.ledger()
    reader = bootstrap.reader() if evidence else None
    auditor = Auditor(ledger, ReceiverSettings.load().limits, reader)
    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("payouts", total=auditor.count())
        first = moment(since, ledger.now()) if since else None
        found = auditor.audit(lambda payouts: progress.advance(task, payouts), first, told)
    return _page(found, messages=evidence)


def _page(found: Audited, *, messages: bool) -> Page:
    listed = found.breaches[:_LISTED]
    document: dict[str, object] = {
        "ok": not found.breached,
        "payouts": found.payouts,
        "breaches": found.breached,
        "listed": [
            {"invariant": b.invariant, "out_trade_no": b.out_trade_no, "detail": b.detail}
            for b in listed
        ],
    }
    looked_at = counted(found.payouts, "payout")
    if messages:
        document["messages"] = {"verified": found.messages, "foreign": found.foreign}
        looked_at += f" and {counted(found.messages, 'message')}"
        if found.foreign:
            looked_at += f" ({found.foreign} more are other merchants', whose keys are not here)"
    if not found.breached:
        return Page(document, f"{looked_at}, every invariant holds")
    rows = [(b.invariant, b.out_trade_no, b.detail) for b in listed]
    failure = f"{found.breached} breaches in {looked_at}: stop sending (`payouts pause`)"
    return Page(document, table(("", Column("number"), "breach"), rows), failure)
