"""
`payouts trigger`: have one event happen, to see what an application makes of it.
"""

import click
from kombu.exceptions import OperationalError

from worker import bootstrap, os_user
from worker.cli.faults import broker
from worker.cli.output import Page, answering, note
from worker.demo.triggers import BY_NAME, Trigger
from worker.payouts.errors import SettingsError
from worker.payouts.event import Event, EventType
from worker.settings import BrokerSettings, Profile, StoreSettings
from worker.usecases.ports import Ledger
from worker.views import events as views
from worker.views.formats import cell


@click.command()
@click.argument("event", type=click.Choice([*BY_NAME]), metavar="EVENT")
@click.option("--number", help="The payout's number; one is made up if left out.")
@click.option(
    "--wait",
    "seconds",
    default=30.0,
    show_default=True,
    type=click.FloatRange(min=0, min_open=True),
    help="Seconds to wait for the event.",
)
@answering
def trigger(event: str, number: str | None, seconds: float) -> Page:
    """
    Enqueue the payout that makes EVENT happen, and follow it until then. Sandbox only.

    EVENT is one of accepted, held, queued, sent, refused, processing, unknown, paid, failed,
    returned, partly_returned, cancelled, needs_attention, rejected and freed. Where a person has
    to decide on the way, that is done in your name.
    """
    if StoreSettings.load().profile is not Profile.SANDBOX:
        raise SettingsError("PAYOUTS_PROFILE: events are made up with the sandbox only")
    wanted = BY_NAME[event]
    ledger = bootstrap.ledger()
    url = BrokerSettings.load().broker_url.get_secret_value()
    made = Trigger(ledger, url, os_user.current().who)
    told: list[Event] = []

    def tell(one: Event) -> None:
        told.append(one)
        note(f"{cell(one.at)}  {one.type}")

    try:
        number, found = made.pull(
            wanted, seconds, {} if number is None else {"out_trade_no": number}, tell
        )
    except OperationalError as fault:
        return _failed(f"the broker {broker()} cannot be reached: {fault}", None, told)
    if found is None:
        return _failed(_known(ledger, wanted, number, told), number, told)
    return Page(_document(number, told), f"{wanted} of {number}")


def _known(ledger: Ledger, wanted: EventType, number: str, told: list[Event]) -> str:
    """
    What can be said of a payout of which an event did not come.
    """
    late = f"{wanted} has not happened to {number}"
    if told and told[-1].type is EventType.REJECTED:
        return f"{late}: the job was rejected: {'; '.join(told[-1].faults)}"
    payouts = ledger.numbered(number)
    if not payouts:
        return f"{late}: no worker has taken its job yet, and one still may; do workers run?"
    (payout,) = payouts
    if ledger.channel(payout.terms.customer_no).is_paused:
        return f"{late}: sending is paused: see `payouts channel`"
    return f"{late}: it is {payout.status}, and may yet happen: see `payouts show {number}`"


def _failed(failure: str, number: str | None, told: list[Event]) -> Page:
    return Page({**_document(number, told), "error": failure}, failure=failure)


def _document(number: str | None, told: list[Event]) -> dict[str, object]:
    return {"out_trade_no": number, "events": [views.event(one) for one in told]}
