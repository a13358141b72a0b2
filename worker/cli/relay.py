"""
`payouts relay`: the process that tells producers what happened.
"""

import signal
from types import FrameType

import click

from worker import logs, relaying
from worker.cli.faults import FAULTS, explain


@click.command()
def relay() -> None:
    """
    Tell each endpoint what happened, until TERM or Ctrl-C.

    Any number of these may run: what one claims, no other tells meanwhile.
    """
    try:
        working = relaying.Relaying(relaying.relay())
    except FAULTS as fault:
        raise click.ClickException(explain(fault)) from None

    def stop(_signal: int, _frame: FrameType | None) -> None:
        working.stop()

    logs.configure("INFO")
    for one in (signal.SIGTERM, signal.SIGINT):
        signal.signal(one, stop)
    working.run()
