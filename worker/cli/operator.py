"""
Who is at the keyboard, and why: what every intervention is recorded with.
"""

import click

from worker import bootstrap, os_user
from worker.usecases.controls import Controller
from worker.usecases.decide import Decider
from worker.usecases.operate import Operator
from worker.usecases.producers import Registrar


def one_line(_ctx: click.Context, _param: click.Parameter, text: str | None) -> str | None:
    """
    Text that a record may hold: one line of printable characters. Raises `BadParameter`.
    """
    text = None if text is None else text.strip()
    if text is not None and not (text and text.isprintable()):
        raise click.BadParameter("write one line of printable characters")
    return text


def _reason(_ctx: click.Context, _param: click.Parameter, text: str) -> str:
    text = text.strip()
    if not text or not text.isprintable():
        raise click.BadParameter("give a reason in one line: someone will read it at night")
    return text


#: The reason that every intervention is recorded with.
why = click.option("--why", required=True, callback=_reason, help="The reason, for the record.")


def operator() -> Operator:
    """
    The person at the keyboard, at work on the configured ledger.
    """
    return bootstrap.operator(os_user.current())


def decider() -> Decider:
    """
    The person at the keyboard, as one of two who decide.
    """
    return bootstrap.decider(os_user.current())


def controller() -> Controller:
    """
    The person at the keyboard, as who sets limits and denies payees.
    """
    return bootstrap.controller(os_user.current())


def registrar() -> Registrar:
    """
    The person at the keyboard, as who registers producers.
    """
    return bootstrap.registrar(os_user.current())
