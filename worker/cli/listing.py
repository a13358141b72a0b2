"""
`payouts list` and `payouts rejections`: the newest of each.
"""

import click

from worker import bootstrap
from worker.cli import newest
from worker.cli.output import Page, answering
from worker.payouts.money import yuan
from worker.payouts.status import PayoutStatus
from worker.views import documents, texts
from worker.views.tables import Column

_SHOWN = 50

#: Number, status and amount are whole in every window; the id goes first, since the number names
#: the payout too.
_PAYOUTS = (
    Column("id", gives_way=6),
    Column("number"),
    Column("status"),
    Column("reason", gives_way=3),
    Column("yuan"),
    Column("payee", gives_way=2),
    Column("accepted", gives_way=1),
    Column("JD is asked", gives_way=4),
    Column("fault", gives_way=5),
)
_REJECTIONS = (
    Column("id", gives_way=3),
    Column("at", gives_way=1),
    Column("number"),
    Column("producer", gives_way=2),
    Column("reason"),
    Column("faults", folds=20),
)


@click.command("list")
@click.option(
    "--status", type=click.Choice([status.value for status in PayoutStatus]), help="Only these."
)
@newest.limit(_SHOWN)
@answering
def list_(status: str | None, limit: int) -> Page:
    """
    List the newest payouts, and say how many there are.
    """
    ledger = bootstrap.ledger()
    wanted = PayoutStatus(status) if status else None
    found = ledger.payouts(wanted, limit)
    total = newest.total(len(found), limit, lambda: ledger.count(wanted))
    lost = ledger.unreadable([p.id for p in found])
    rows = [
        (
            *(p.id, p.out_trade_no, p.status, p.reason, yuan(p.amount_fen), p.payee_masked),
            *(p.accepted_at, p.next_query_at, texts.UNREADABLE if p.id in lost else None),
        )
        for p in found
    ]
    told = [{**documents.payout(p), "readable": p.id not in lost} for p in found]
    document: dict[str, object] = {"payouts": told, "total": total}
    named = f"{wanted} payout" if wanted else "payout"
    return Page(document, newest.page(_PAYOUTS, rows, total, named))


@click.command()
@newest.limit(_SHOWN)
@answering
def rejections(limit: int) -> Page:
    """
    List the newest jobs that were not accepted, and why. Their content is not kept.
    """
    ledger = bootstrap.ledger()
    found = ledger.rejections(limit)
    total = newest.total(len(found), limit, ledger.count_rejections)
    rows = [
        (r.id, r.rejected_at, r.out_trade_no, r.producer, r.reason, "; ".join(r.faults))
        for r in found
    ]
    document: dict[str, object] = {
        "rejections": [documents.rejection(r) for r in found],
        "total": total,
    }
    return Page(document, newest.page(_REJECTIONS, rows, total, "rejection"))
