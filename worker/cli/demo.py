"""
`payouts demo`: the whole product at work on this machine, with play money.
"""

import contextlib
import json
import shutil
import signal
import tempfile
import time
from pathlib import Path

import click
from pydantic import SecretStr
from rich.console import Console

from worker import bootstrap
from worker.demo import screen, stack, story
from worker.demo.farewell import farewell
from worker.demo.play import Outcome, play
from worker.embedded.errors import EmbeddedError
from worker.settings import Profile, StoreSettings
from worker.usecases.ports import Ledger

#: The demo takes about half a minute; a machine under load may take longer.
_PATIENCE_SECONDS = 80.0

#: Columns where nothing tells how wide the reader's window is.
_LOG_WIDTH = 110


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print the results as one JSON document.")
@click.option("--keep", is_flag=True, help="Keep everything running afterwards, with Flower.")
@click.option(
    "--db",
    "database",
    type=click.Choice(["sqlite", "postgres"]),
    default="sqlite",
    show_default=True,
    help="The database to run on.",
)
def demo(*, as_json: bool, keep: bool, database: str) -> None:
    """
    Run every scenario of the sandbox through real processes, then audit the books.

    Starts broker, sandbox gateway, notification receiver, worker and beat, all on this machine and
    all with play money; ends them again. Exit 0 only if every payout ended as documented, nothing
    was paid twice, and nothing is unaccounted for.
    """
    # An end by TERM unwinds like Ctrl-C, so that no process is left behind.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    console = Console(stderr=as_json)
    if not console.is_terminal:
        console.width = _LOG_WIDTH
    directory = Path(tempfile.mkdtemp(prefix="payouts-demo-"))
    ok = False
    try:
        ok = _run(directory, database, console, as_json=as_json, keep=keep)
    except (stack.StackError, EmbeddedError) as error:
        raise click.ClickException(f"{error}\n(logs: {directory})") from error
    except KeyboardInterrupt:
        console.print("stopped; no process is left")
        ok = keep
    finally:
        if ok:
            shutil.rmtree(directory, ignore_errors=True)
    if not ok:
        console.print(f"the logs are in {directory}")
        raise SystemExit(1)


def _run(directory: Path, database: str, console: Console, *, as_json: bool, keep: bool) -> bool:
    console.print("starting broker, database, sandbox, receiver, worker and beat …")
    with stack.running(directory, database=database, flower=keep) as running:
        ledger = bootstrap.open_ledger(
            StoreSettings(
                profile=Profile.SANDBOX,
                database_url=SecretStr(running.environment["PAYOUTS_DATABASE_URL"]),
                keyring=SecretStr(running.environment["PAYOUTS_KEYRING"]),
            )
        )
        with contextlib.closing(ledger):
            with screen.Screen(console) as shown:
                outcome = play(running, ledger, story.cast(), shown, _PATIENCE_SECONDS)
            _report(outcome, console, as_json=as_json)
            if keep:
                _keep(running, ledger, console)
        return outcome.ok


def _report(outcome: Outcome, console: Console, *, as_json: bool) -> None:
    if as_json:
        document = {
            "payouts": [result.as_dict() for result in outcome.results],
            "audit": outcome.audit.as_dict(),
        }
        click.echo(json.dumps(document, ensure_ascii=False))
    else:
        console.print(screen.table(outcome.results))
    console.print(screen.verdict(outcome.audit))
    if outcome.lacks_pause:
        console.print(f"the channel is not paused, as {story.PAUSING} should have it")


def _keep(running: stack.Stack, ledger: Ledger, console: Console) -> None:
    merchant = running.environment["PAYOUTS_CUSTOMER_NO"]
    # The last scenario paused the channel, as a short balance should; `play` has waited for that.
    ledger.resume(merchant, "the demo's balance was topped up", "demo")
    is_open = not ledger.channel(merchant).is_paused
    console.print(farewell(running, is_open=is_open), highlight=False, markup=False, soft_wrap=True)
    while True:
        running.check()
        time.sleep(1.0)
