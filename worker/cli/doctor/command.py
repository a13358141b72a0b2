"""
The command: all checks, one after the other.
"""

from collections.abc import Iterator

import click

from worker.cli.doctor import gateway, material, parts, queue, store
from worker.cli.doctor.finding import Check, Finding, Level, warning
from worker.cli.output import Page, answering, table
from worker.payouts.errors import SettingsError

CHECKS: tuple[tuple[str, Check], ...] = (
    ("settings", material.settings),
    ("merchant certificate", material.merchant_certificate),
    ("JD certificate", material.jd_certificate),
    ("gateway", gateway.gateway),
    ("broker", queue.broker),
    ("celery", queue.celery),
    ("database", store.database),
    ("channel", store.channel),
    ("parts", parts.parts),
)


@click.command()
@answering
def doctor() -> Page:
    """
    Check the configuration and every part it reaches; name the fix for each fault.

    Asks JD for the balance, and changes nothing. Exit code 1 if there is any fault.
    """
    found = [(name, finding) for name, check in CHECKS for finding in _examine(check)]
    faults = sum(finding.level is Level.FAULT for _, finding in found)
    document: dict[str, object] = {
        "ok": not faults,
        "checks": [
            {
                "check": name,
                "level": finding.level,
                "seen": finding.seen,
                "remedy": finding.remedy or None,
            }
            for name, finding in found
        ],
    }
    rows = [(f.level.upper(), name, f.seen, f.remedy) for name, f in found]
    body = table(("", "check", "seen", "what to do"), rows)
    return Page(document, body, f"{faults} faults were found" if faults else None)


def _examine(check: Check) -> Iterator[Finding]:
    try:
        yield from check()
    except SettingsError:
        yield warning("not looked at: settings are missing or wrong", "see the settings' findings")
