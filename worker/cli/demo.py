"""
`payouts demo`: the whole product at work on this machine, with play money.
"""

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
from worker.demo.play import Outcome, play
from worker.embedded.errors import EmbeddedError
from worker.settings import Profile, StoreSettings

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
        try:
            with screen.Screen(console) as shown:
                outcome = play(running, ledger, story.cast(), shown, _PATIENCE_SECONDS)
            if keep:
                # The last scenario paused the channel, as a short balance should.
                merchant = running.environment["PAYOUTS_CUSTOMER_NO"]
                ledger.resume(merchant, "the demo's balance was topped up", "demo")
        finally:
            ledger.close()
        _report(outcome, console, as_json=as_json)
        if keep:
            _keep(running, console)
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


def _keep(running: stack.Stack, console: Console) -> None:
    settings = running.directory / "demo.env"
    lines = (f"export {name}='{value}'\n" for name, value in running.environment.items())
    settings.touch(mode=0o600)
    settings.write_text("".join(lines), encoding="utf-8")
    console.print(
        f"\nStill running; Ctrl-C ends it.\n"
        f"  Flower    {running.flower_url}\n"
        f"  sandbox   {running.sandbox_url}/sandbox/books\n"
        f"  receiver  {running.receiver_url}/health\n"
        f"  broker    {running.broker.url}\n"
        f"  settings  {settings}  (source it, then try `payouts list`)",
        highlight=False,
    )
    while True:
        running.check()
        time.sleep(1.0)
