"""
`payouts dev`: a stack to develop against, on fixed ports, kept from one run to the next.
"""

import signal
import time
from pathlib import Path

import click

from worker.demo.development import (
    FIRST_PORT,
    default_directory,
    developing,
    ports_from,
)
from worker.demo.stack import StackError
from worker.demo.welcome import welcome
from worker.embedded.errors import EmbeddedError

_HIGHEST_PORT = 65_535


@click.command()
@click.option(
    "--dir",
    "directory",
    type=click.Path(path_type=Path, file_okay=False),
    help="Where all is kept; ~/.local/state/payouts-dev by default.",
)
@click.option(
    "--port",
    "first_port",
    default=FIRST_PORT,
    show_default=True,
    type=click.IntRange(1024, _HIGHEST_PORT - 2),
    help="The broker's; the sandbox and the receiver have the two after it.",
)
@click.option("--reset", is_flag=True, help="Throw away what is kept, and begin with nothing.")
def dev(*, directory: Path | None, first_port: int, reset: bool) -> None:
    """
    Run broker, sandbox, receiver, workers, beat and relay to develop against, until Ctrl-C.

    All on this machine and all with play money. What has happened is kept for the next time.
    """
    began = time.monotonic()
    # An end by TERM unwinds like Ctrl-C, so that no process is left behind.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    where = (directory or default_directory()).absolute()
    click.echo("starting broker, sandbox, receiver, workers, beat and relay …")
    try:
        with developing(where, ports_from(first_port), reset=reset) as stack:
            click.echo(welcome(stack, time.monotonic() - began))
            while True:
                stack.check()
                time.sleep(1.0)
    except (StackError, EmbeddedError) as error:
        raise click.ClickException(f"{error}\n(logs: {where})") from error
    except KeyboardInterrupt:
        click.echo(f"stopped; no process is left, and {where} is kept")
