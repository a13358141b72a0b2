"""
`payouts relay`: the process that tells producers what happened.
"""

import signal
from datetime import timedelta
from types import FrameType

import click

from worker import bootstrap, logs, relaying, startup
from worker.cli.faults import FAULTS, explain
from worker.settings import BrokerSettings, StoreSettings
from worker.views.formats import cell

#: A relay that gets on announces within a second.
_LATE = timedelta(seconds=60)


@click.command()
@click.option("--check", is_flag=True, help="Say whether relays get on, and end: 1 if not.")
def relay(check: bool) -> None:
    """
    Tell each endpoint what happened, until TERM or Ctrl-C.

    Any number of these may run: what one claims, no other tells meanwhile. A database that is away
    is waited for.
    """
    try:
        BrokerSettings.load()
        if check:
            _check()
            return
        StoreSettings.load()
    except FAULTS as fault:
        raise click.ClickException(explain(fault)) from None

    logs.configure("INFO")
    working = relaying.Relaying(startup.when_usable("relay", relaying.relay))

    def stop(_signal: int, _frame: FrameType | None) -> None:
        working.stop()

    for one in (signal.SIGTERM, signal.SIGINT):
        signal.signal(one, stop)
    working.run()


def _check() -> None:
    ledger = bootstrap.ledger()
    since, now = ledger.unannounced_since(), ledger.now()
    if since is not None and now - since > _LATE:
        raise click.ClickException(f"events wait since {cell(since)}: no relay announces them")
