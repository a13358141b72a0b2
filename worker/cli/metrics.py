"""
`payouts metrics`: the same facts as in `payouts alerts`, for Prometheus.
"""

import contextlib
import signal
from importlib import resources
from socketserver import ThreadingMixIn
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import click

from worker import logs, monitoring
from worker.cli.faults import FAULTS, explain
from worker.settings import MonitorSettings
from worker.usecases.monitor import Seen
from worker.web import metrics as web

#: Whoever connects and says nothing is not waited for.
_PATIENCE_S = 10.0


@click.command()
@click.option("--address", default="127.0.0.1", show_default=True, help="Where to listen.")
@click.option(
    "--port", default=9464, show_default=True, type=click.IntRange(0, 65_535), help="And its port."
)
@click.option("--once", is_flag=True, help="Print the figures, and end.")
@click.option("--rules", is_flag=True, help="Print the alert rules for Prometheus, and end.")
def metrics(address: str, port: int, once: bool, rules: bool) -> None:
    """
    Serve the figures of the whole at /metrics, and log each alert as it begins and ends.

    They are read from the database and the broker at each scrape. Ends by TERM or Ctrl-C.
    """
    if rules:
        click.echo(RULES.read_text(encoding="utf-8"), nl=False)
        return
    try:
        MonitorSettings.load()
        if once:
            click.echo(web.page(monitoring.monitor().look()), nl=False)
            return
        with make_server(address, port, web.build(_tell), _Server, _Handler) as server:
            logs.configure("INFO")
            signal.signal(signal.SIGTERM, signal.default_int_handler)
            with contextlib.suppress(KeyboardInterrupt):
                server.serve_forever()
    except FAULTS as fault:
        raise click.ClickException(explain(fault)) from None


#: What Prometheus is to be given.
RULES = resources.files("worker.web") / "alert_rules.yml"


def _tell() -> Seen:
    return monitoring.monitor().tell()


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class _Handler(WSGIRequestHandler):
    timeout = _PATIENCE_S

    def log_message(self, *_: object) -> None:
        """
        Write no line for each scrape.
        """
