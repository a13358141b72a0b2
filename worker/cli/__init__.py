"""
The `payouts` command: one module for each group of commands, loaded when it is called.
"""

import contextlib
import gc
import importlib
import sys
from collections.abc import Iterator

import click

#: Command to "module:attribute". `payouts wire` needs no database library, so it loads none.
COMMANDS = {
    "acknowledge": "worker.cli.alerts:acknowledge",
    "alerts": "worker.cli.alerts:alerts",
    "decline": "worker.cli.decide:decline",
    "api": "worker.cli.api:api",
    "approve": "worker.cli.decide:approve",
    "audit": "worker.cli.audit:audit",
    "cancel": "worker.cli.actions:cancel",
    "cases": "worker.cli.cases:cases",
    "channel": "worker.cli.channel:channel",
    "controls": "worker.cli.controls:controls",
    "decide": "worker.cli.decide:decide",
    "deny": "worker.cli.deny:deny",
    "demo": "worker.cli.demo:demo",
    "dev": "worker.cli.dev:dev",
    "doctor": "worker.cli.doctor.command:doctor",
    "endpoints": "worker.cli.endpoints:endpoints",
    "enqueue": "worker.cli.enqueue:enqueue",
    "events": "worker.cli.events:events",
    "fail": "worker.cli.actions:fail",
    "flower": "worker.cli.flower:flower",
    "history": "worker.cli.show:history",
    "keys": "worker.cli.keys:keys",
    "keygen": "worker.cli.keygen:keygen",
    "let-go": "worker.cli.actions:let_go",
    "list": "worker.cli.listing:list_",
    "metrics": "worker.cli.metrics:metrics",
    "migrate": "worker.cli.migrate:migrate",
    "pause": "worker.cli.channel:pause",
    "people": "worker.cli.people:people",
    "producers": "worker.cli.producers:producers",
    "proposals": "worker.cli.decide:proposals",
    "query": "worker.cli.query:query",
    "rejections": "worker.cli.listing:rejections",
    "relay": "worker.cli.relay:relay",
    "release": "worker.cli.actions:release",
    "replace": "worker.cli.replace:replace",
    "resend": "worker.cli.actions:resend",
    "resolve": "worker.cli.actions:resolve",
    "restored": "worker.cli.restored:restored",
    "resume": "worker.cli.channel:resume",
    "sandbox": "worker.cli.sandbox:sandbox",
    "schema": "worker.cli.schema:schema",
    "redirect": "worker.cli.actions:redirect",
    "set-aside": "worker.cli.actions:set_aside",
    "show": "worker.cli.show:show",
    "tokens": "worker.cli.tokens:tokens",
    "trigger": "worker.cli.trigger:trigger",
    "wire": "worker.cli.wire:wire",
}


class LazyGroup(click.Group):
    """
    A group that imports a command's module when the command is used.
    """

    def list_commands(self, ctx: click.Context) -> list[str]:
        """
        The names of all commands, sorted.
        """
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """
        Import and return one command; None for an unknown name.
        """
        if cmd_name not in COMMANDS:
            return None
        module, attribute = COMMANDS[cmd_name].split(":")
        if module not in sys.modules:
            with _keeping_all():
                importlib.import_module(module)
        command = getattr(sys.modules[module], attribute)
        assert isinstance(command, click.Command)
        return command


@contextlib.contextmanager
def _keeping_all() -> Iterator[None]:
    """
    Do without the garbage collector: what is imported stays, and to look through it takes time.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


@click.command(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="jdpay-payout-worker")
def main() -> None:
    """
    Pay out through JD Pay, at most once.
    """
