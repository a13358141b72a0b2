"""
`payouts api`: the HTTP API, by the same server as the notification receiver.
"""

import os
import sys

import click

from worker import bootstrap
from worker.cli.faults import FAULTS, explain
from worker.payouts.producers import Scope
from worker.processes import web_server
from worker.settings import EntrySettings, MerchantSettings

_APPS = {
    Scope.ACCEPT: "worker.web.api.app:create_accept_app()",
    Scope.READ: "worker.web.api.app:create_read_app()",
}
_PORTS = {Scope.ACCEPT: 8001, Scope.READ: 8002}


@click.command()
@click.option("--accept", "scope", flag_value=Scope.ACCEPT.value, help="Take payouts in.")
@click.option(
    "--read", "scope", flag_value=Scope.READ.value, help="Tell producers of their payouts."
)
@click.option("--address", default="127.0.0.1", show_default=True, help="Where to listen.")
@click.option(
    "--port", type=click.IntRange(1, 65_535), help="And its port: 8001 to accept, 8002 to read."
)
@click.option("--workers", default=1, show_default=True, type=click.IntRange(1, 64), help="Of it.")
def api(scope: str | None, address: str, port: int | None, workers: int) -> None:
    """
    Serve the HTTP API: one process takes payouts in, another tells of them. Ends by TERM or Ctrl-C.

    To accept, it is given what acceptance needs, the keyring above all, and works in the sandbox
    profile only. To read, it is given the database and the merchant's number, and no key.
    """
    if scope is None:
        raise click.UsageError("Give either --accept or --read.")
    served = Scope(scope)
    try:
        _check(served)
    except FAULTS as fault:
        raise click.ClickException(explain(fault)) from None
    server = web_server(_APPS[served])
    places = (f"--bind={address}:{port or _PORTS[served]}", f"--workers={workers}")
    os.execv(sys.executable, [sys.executable, "-m", *server, *places])  # noqa: S606


def _check(scope: Scope) -> None:
    """
    Raise `SettingsError` where the process could not serve, before there is one.
    """
    if scope is Scope.READ:
        MerchantSettings.load()
        return
    settings = EntrySettings.load()
    bootstrap.refuse_real_money(settings)
