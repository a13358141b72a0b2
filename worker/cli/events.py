"""
`payouts events`: what happened, and what became of telling it.
"""

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import click

from worker import bootstrap
from worker.cli.faults import FAULTS, explain
from worker.cli.output import Page, answering, note, table
from worker.cli.since import Since, moment
from worker.payouts.endpoint import Endpoint, EndpointKind
from worker.payouts.event import Event
from worker.views import events as views
from worker.views.formats import cell, iso
from worker.views.tables import Column
from worker.webhooks.address import parse
from worker.webhooks.client import WebhookCourier
from worker.webhooks.signature import new_key

_LOOK_AGAIN_S = 0.5
_TOGETHER = 100


@click.group()
def events() -> None:
    """
    List, show and resend events, or listen to them.
    """


@events.command("list")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1, 1000))
@click.option("--producer", help="Of one producer.")
@click.option("--number", help="Of one payout.")
@answering
def list_(limit: int, producer: str | None, number: str | None) -> Page:
    """
    List the newest events, the newest first.
    """
    found = bootstrap.ledger().events(limit, producer=producer, out_trade_no=number)
    rows = [(one.at, one.type, one.out_trade_no, one.status, one.reason, one.uid) for one in found]
    columns = (Column("at"), "type", "number", "status", Column("reason", gives_way=1), "id")
    return Page({"events": [views.event(one) for one in found]}, table(columns, rows))


@events.command()
@click.argument("uid", metavar="ID")
@answering
def show(uid: str) -> Page:
    """
    Show an event, where it goes, and what each try was answered.
    """
    ledger = bootstrap.ledger()
    event = ledger.event(uid)
    told: list[dict[str, object]] = []
    rows = []
    for address, delivery, tries in ledger.deliveries(event):
        state = "delivered" if delivery.delivered_at else "waits" if delivery.next_at else "ended"
        told.append(
            {
                "address": address,
                "state": state,
                "next_at": iso(delivery.next_at),
                "delivered_at": iso(delivery.delivered_at),
                "tries": [
                    {
                        "at": iso(one.at),
                        "outcome": one.outcome,
                        "milliseconds": round(one.took.total_seconds() * 1000),
                    }
                    for one in tries
                ],
            }
        )
        outcomes = "; ".join(f"{cell(one.at)} {one.outcome}" for one in tries)
        rows.append((address, state, delivery.next_at, outcomes))
    document = {**views.event(event), "deliveries": told}
    columns = ("address", "state", Column("next try"), "tries")
    title = json.dumps(views.event(event), ensure_ascii=False, indent=2)
    return Page(document, table(columns, rows, title=title) if rows else title)


@events.command()
@click.argument("uids", nargs=-1, metavar="[ID...]")
@click.option("--endpoint", type=click.IntRange(min=1), help="To this one only, told or not.")
@click.option(
    "--since",
    type=Since(),
    help="Instead of IDs: all that the endpoint was told of what happened since, as 36h.",
)
@answering
def resend(uids: tuple[str, ...], endpoint: int | None, since: datetime | timedelta | None) -> Page:
    """
    Deliver events once more, to all endpoints that were told of them or to one.

    With --since to one that has lost what it took, as a broker that was emptied.
    """
    if bool(uids) == bool(since) or (since and endpoint is None):
        raise click.UsageError("Give the IDs of events, or --since with --endpoint.")
    ledger = bootstrap.ledger()
    if since is not None and endpoint is not None:
        due = ledger.resend_since(endpoint, moment(since, ledger.now()))
    else:
        for uid in uids:
            ledger.event(uid)
        due = ledger.resend(uids, endpoint)
    failure = None if due else "no active endpoint wants that: see `payouts endpoints list`"
    return Page({"deliveries": due}, f"{due} deliveries are due now" if due else "", failure)


@events.command()
@click.option("--forward", metavar="URL", help="POST each one there too, signed.")
@click.option("--producer", help="Of one producer.")
@click.option("--since", default=None, type=click.IntRange(min=0), help="After this position.")
def listen(forward: str | None, producer: str | None, since: int | None) -> None:
    """
    Print events as they come, one line of JSON each, until Ctrl-C.

    With --forward they go to a server on this machine as well, as a webhook gets them; the key is
    printed first. Nothing is tried again there. A relay has to run: it announces them.
    """
    try:
        told = _forwarded(forward) if forward else None
        for event in _announced(producer, since):
            click.echo(json.dumps(views.event(event), ensure_ascii=False))
            if told is not None:
                taken, outcome = WebhookCourier().tell(told, event)
                note(f"{event.type}: {'taken' if taken else 'not taken'}, {outcome}")
    except FAULTS as fault:
        raise click.ClickException(explain(fault)) from None
    except KeyboardInterrupt:
        return


def _forwarded(url: str) -> Endpoint:
    parse(url, is_private=True)
    key = new_key()
    note(f"signed with {key}")
    now = datetime.now(UTC)
    return Endpoint(0, "", EndpointKind.WEBHOOK, url, frozenset(), True, now, keys=(key,))


def _announced(producer: str | None, since: int | None) -> Iterator[Event]:
    ledger = bootstrap.ledger()
    position = ledger.last_position() if since is None else since
    while True:
        for event in ledger.events(_TOGETHER, after=position, producer=producer):
            assert event.position is not None, "it was announced"
            position = event.position
            yield event
        time.sleep(_LOOK_AGAIN_S)
