"""
`payouts alerts`: what someone should be woken for, and `payouts acknowledge`.
"""

import click

from worker import monitoring
from worker.cli.operator import operator
from worker.cli.output import Page, answering, table
from worker.payouts.policy.alerts import Severity
from worker.settings import MonitorSettings, ReceiverSettings
from worker.views.formats import cell, counted, iso


@click.command()
@answering
def alerts() -> Page:
    """
    Say what is wrong with the whole, and which command to type next.

    Exit 1 if anything is worth waking someone, 0 if it may wait for the morning.
    """
    settings = MonitorSettings.load()
    seen = monitoring.monitor().look()
    document: dict[str, object] = {
        "ok": not seen.alerts,
        "customer_no": settings.customer_no,
        "swept_at": iso(seen.health.swept_at),
        "alerts": [
            {
                "kind": alert.kind,
                "severity": alert.severity,
                "detail": alert.detail,
                "command": alert.command,
            }
            for alert in seen.alerts
        ],
    }
    if not seen.alerts:
        return Page(document, f"all is well; the last sweep was at {cell(seen.health.swept_at)}")
    rows = [(a.severity, a.kind, a.detail, a.command) for a in seen.alerts]
    pages = sum(alert.severity is Severity.PAGE for alert in seen.alerts)
    told = counted(pages, "alert") + " to wake someone for" if pages else None
    return Page(document, table(("", "alert", "what is wrong", "next"), rows), told)


@click.command()
@answering
def acknowledge() -> Page:
    """
    Take rejections, and notifications about other merchants, as looked at: their alerts end.
    """
    looked = operator().look(ReceiverSettings.load().customer_no)
    document: dict[str, object] = {"rejected": looked.rejected, "foreign": looked.foreign}
    rejected = counted(looked.rejected, "rejection")
    foreign = counted(looked.foreign, "notification")
    return Page(document, f"looked at: {rejected}, {foreign} about other merchants")
