"""
`payouts alerts`: what someone should be woken for.
"""

import click

from worker import bootstrap
from worker.cli.output import Page, answering, table
from worker.payouts.policy import alerts as domain
from worker.settings import ReceiverSettings
from worker.views.formats import cell, iso


@click.command()
@answering
def alerts() -> Page:
    """
    Say what is wrong with the whole: sweeps, sending, what is late. Exit 1 if anything is.
    """
    settings = ReceiverSettings.load()
    health = bootstrap.ledger().health(settings.customer_no)
    found = domain.alerts(health, settings.limits)
    document: dict[str, object] = {
        "ok": not found,
        "customer_no": settings.customer_no,
        "swept_at": iso(health.swept_at),
        "alerts": [{"kind": alert.kind, "detail": alert.detail} for alert in found],
    }
    if not found:
        return Page(document, f"all is well; the last sweep was at {cell(health.swept_at)}")
    rows = [(alert.kind, alert.detail) for alert in found]
    return Page(document, table(("alert", "what is wrong"), rows), f"{len(found)} alerts")
