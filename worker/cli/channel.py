"""
`payouts pause`, `payouts resume` and `payouts channel`: whether anything is sent.

A pause takes effect with the next claim and changes no payout; queries and notifications go on.
"""

import getpass
import os

import click

from worker import bootstrap
from worker.cli import lookup
from worker.cli.output import Page, answering, cell
from worker.settings import ReceiverSettings
from worker.views import documents as facts


def _reason(_ctx: click.Context, _param: click.Parameter, text: str) -> str:
    text = text.strip()
    if not text or not text.isprintable():
        raise click.BadParameter("give a reason in one line: somebody will read it at night")
    return text


#: The reason that every intervention is recorded with.
why = click.option("--why", required=True, callback=_reason, help="The reason, for the record.")


@click.command()
@answering
def channel() -> Page:
    """
    Show whether payouts are being sent, and if not, who stopped them and why.
    """
    return _standing()


@click.command()
@why
@answering
def pause(why: str) -> Page:
    """
    Stop sending payouts, resends included. Queries and notifications go on.
    """
    member = ReceiverSettings.load().customer_no
    bootstrap.ledger().pause(member, why, operator())
    return _standing()


@click.command()
@why
@answering
def resume(why: str) -> Page:
    """
    Let payouts be sent again.
    """
    member = ReceiverSettings.load().customer_no
    bootstrap.ledger().resume(member, why, operator())
    return _standing()


def _standing() -> Page:
    member = ReceiverSettings.load().customer_no
    now = bootstrap.ledger().now()
    found = lookup.channel(member)
    if found.is_paused:
        told = (
            f"PAUSED: nothing is sent for member {member}\n"
            f"since {cell(found.paused_at)}, by {found.paused_by}: {found.paused_why}"
        )
    elif found.broken_until is not None and found.broken_until > now:
        told = (
            f"RESTING: nothing is sent for member {member} until {cell(found.broken_until)},"
            " since most of what was sent ended as unknown"
        )
    else:
        told = f"open: payouts of member {member} are sent"
        if found.resumed_at is not None:
            told += (
                f"\nresumed {cell(found.resumed_at)}, by {found.resumed_by}: {found.resumed_why}"
            )
    return Page(facts.channel_facts(found), told)


def operator() -> str:
    """
    Who is at the keyboard, as records name them.
    """
    try:
        return f"cli:{getpass.getuser()}"
    except (KeyError, OSError):
        # A container may run as a user without a name.
        return f"cli:uid {os.getuid()}"
