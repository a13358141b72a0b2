"""
Who is at the keyboard, and why: what every intervention is recorded with.
"""

import getpass
import os

import click

from worker import bootstrap
from worker.usecases.operate import Operator


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
    return bootstrap.operator(who())


def who() -> str:
    """
    Who is at the keyboard, as records name them.
    """
    try:
        return f"cli:{getpass.getuser()}"
    except (KeyError, OSError):
        # A container may run as a user without a name.
        return f"cli:uid {os.getuid()}"
