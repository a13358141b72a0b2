"""
`payouts sandbox`: a JD Pay on this machine that misbehaves on order.
"""

import ipaddress
import json
import logging
import os
import signal
import threading
from datetime import timedelta
from pathlib import Path

import click

from worker.cli.sandbox_options import (
    print_scenarios,
    print_script_schema,
    read_duration,
    read_host,
    read_latency,
    read_rising_durations,
    read_script_file,
)
from worker.sandbox.behaviour import Timing
from worker.sandbox.keys import prepare, write_settings
from worker.sandbox.running import Options, Sandbox
from worker.sandbox.script import Script
from worker.sandbox.switches import Switches

#: Near what the public network takes, and enough for a reply to be read first.
_NOTICE_TAKES = timedelta(milliseconds=300)


@click.command()
@click.option(
    "--dir",
    "directory",
    required=True,
    type=click.Path(path_type=Path, file_okay=False),
    help="Where its keys and sandbox.env are, or are made.",
)
@click.option("--keys-only", is_flag=True, help="Make the keys and sandbox.env, then exit.")
@click.option(
    "--scenarios",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=print_scenarios,
    help="Print the payee accounts that choose a scenario, then exit.",
)
@click.option(
    "--host",
    default="127.0.0.1",
    show_default=True,
    callback=read_host,
    help="The address to listen on; any but loopback needs --name.",
)
@click.option(
    "--name",
    "names",
    multiple=True,
    help="A DNS name for the certificate; the first one is in the address for clients.",
)
@click.option("--port", default=8443, show_default=True, help="0 picks a free one.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document when ready.")
@click.option(
    "--pay-after",
    default="2s",
    show_default=True,
    callback=read_duration,
    help="From booking to payment.",
)
@click.option(
    "--return-after",
    default="4s",
    show_default=True,
    callback=read_duration,
    help="From payment to return.",
)
@click.option(
    "--hang",
    default="60s",
    show_default=True,
    callback=read_duration,
    help="How long a reply that never comes is held back.",
)
@click.option(
    "--notify-at",
    default="0s,1m,3m,10m,120m",
    show_default=True,
    callback=read_rising_durations,
    help="When a final status is notified, counted from its moment.",
)
@click.option(
    "--latency",
    default="0s",
    show_default=True,
    callback=read_latency,
    help="How long every reply takes, queries' too, as 1s or 0.3s; any number wait side by side.",
)
@click.option(
    "--script",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    callback=read_script_file,
    help="A JSON file that says what is answered and notified for single numbers or payees.",
)
@click.option(
    "--script-schema",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=print_script_schema,
    help="Print the JSON Schema of a script, then exit.",
)
@click.option(
    "--record",
    type=click.Path(path_type=Path, dir_okay=False),
    help="A file that keeps what was transmitted, payees too, so that the books outlive a restart.",
)
@click.option("--drop-notifications", is_flag=True, help="Send none.")
@click.option("--drop-replies", is_flag=True, help="Process submits, but never answer them.")
def sandbox(  # noqa: PLR0913 - click hands over every option by name
    *,
    directory: Path,
    keys_only: bool,
    host: ipaddress.IPv4Address,
    names: tuple[str, ...],
    port: int,
    as_json: bool,
    pay_after: timedelta,
    return_after: timedelta,
    hang: timedelta,
    notify_at: tuple[timedelta, ...],
    latency: timedelta,
    script: Script,
    record: Path | None,
    drop_notifications: bool,
    drop_replies: bool,
) -> None:
    """
    Run a gateway that behaves like JD Pay, or misbehaves: the payee's account number says how.

    A --script says more for single numbers or payees: each answer and each notification.

    It makes its own keys and certificates, and listens on loopback only unless told otherwise.
    """
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(name)s %(message)s")
    if not host.is_loopback and not names:
        raise click.UsageError("a --host that is not loopback needs a --name for its certificate")
    name = names[0] if names else "127.0.0.1"
    keys = prepare(directory, names)
    if keys_only:
        # Without a port there is no address yet: the running sandbox adds it.
        address = f"https://{name}:{port}/npp10" if port else None
        click.echo(f"keys and settings are in {write_settings(keys, address).parent}")
        return
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    timing = Timing(pay_after, return_after, hang, notify_at, _NOTICE_TAKES)
    options = Options(str(host), port, name, timing, latency=latency, script=script, record=record)
    try:
        gateway = Sandbox(keys, options, Switches(drop_notifications, drop_replies))
    except OSError as fault:
        raise click.ClickException(f"cannot listen on {host}:{port}: {fault.strerror}") from fault
    with gateway as running:
        if as_json:
            document = {
                "url": running.url,
                "dir": str(directory.absolute()),
                "ca_file": str(keys.ca_file.absolute()),
                "pid": os.getpid(),
            }
            click.echo(json.dumps(document))
        else:
            click.echo(f"the sandbox serves {running.url} (settings: {directory}/sandbox.env)")
        ended.wait()
