"""
`payouts list` and `payouts rejections`: the newest of each.
"""

import click

from worker import bootstrap
from worker.cli.output import Page, answering, table
from worker.payouts.money import yuan
from worker.payouts.status import PayoutStatus
from worker.views import documents

_limit = click.option(
    "--limit", type=click.IntRange(1, 10_000), default=50, show_default=True, help="At most."
)


@click.command("list")
@click.option(
    "--status", type=click.Choice([status.value for status in PayoutStatus]), help="Only these."
)
@_limit
@answering
def list_(status: str | None, limit: int) -> Page:
    """
    List the newest payouts.
    """
    wanted = PayoutStatus(status) if status else None
    found = bootstrap.ledger().payouts(wanted, limit)
    columns = ("id", "number", "status", "reason", "yuan", "payee", "accepted", "JD is asked")
    rows = [
        (
            *(p.id, p.out_trade_no, p.status, p.reason, yuan(p.amount_fen), p.payee_masked),
            *(p.accepted_at, p.next_query_at),
        )
        for p in found
    ]
    return Page({"payouts": [documents.payout(p) for p in found]}, table(columns, rows))


@click.command()
@_limit
@answering
def rejections(limit: int) -> Page:
    """
    List the newest jobs that were not accepted, and why. Their content is not kept.
    """
    found = bootstrap.ledger().rejections(limit)
    columns = ("id", "at", "number", "producer", "reason", "faults")
    rows = [
        (r.id, r.rejected_at, r.out_trade_no, r.producer, r.reason, "; ".join(r.faults))
        for r in found
    ]
    document: dict[str, object] = {"rejections": [documents.rejection(r) for r in found]}
    return Page(document, table(columns, rows))
