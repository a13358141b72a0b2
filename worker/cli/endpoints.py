"""
`payouts endpoints`: where producers hear of events.
"""

from datetime import timedelta

import click

from worker import bootstrap
from worker.cli.output import Page, answering, table
from worker.payouts.endpoint import Endpoint, EndpointKind
from worker.payouts.errors import NoSuchProducer, NotAllowed
from worker.payouts.event import EventType
from worker.payouts.producers import DEFAULT_PRODUCER
from worker.views.formats import iso
from worker.views.tables import Column
from worker.webhooks.address import parse
from worker.webhooks.signature import new_key

#: After a rotation both keys sign for so long, unless said otherwise.
_OVERLAP_HOURS = 24

_TYPE = click.Choice([kind.value for kind in EventType])


@click.group()
def endpoints() -> None:
    """
    List, add and disable endpoints, and rotate their keys.
    """


@endpoints.command()
@click.argument("address")
@click.option("--producer", default=DEFAULT_PRODUCER, show_default=True, help="Whose events.")
@click.option("--queue", is_flag=True, help="ADDRESS is a queue: a Celery task for each event.")
@click.option("--type", "types", multiple=True, type=_TYPE, help="Only these types of events.")
@click.option("--private", is_flag=True, help="Its address is not public, and that is meant.")
@answering
def add(address: str, producer: str, queue: bool, types: tuple[str, ...], private: bool) -> Page:
    """
    Have a producer's events told at ADDRESS, a URL or with --queue a queue, from now on.

    For a URL the key that signs what it is told is printed once: give it to whoever verifies.
    """
    kind = EndpointKind.QUEUE if queue else EndpointKind.WEBHOOK
    key = None
    if kind is EndpointKind.WEBHOOK:
        parse(address, is_private=private)
        key = new_key()
    wanted, ledger = {EventType(name) for name in types}, bootstrap.ledger()
    if producer not in {one.name for one in ledger.producers() if one.disabled_at is None}:
        raise NoSuchProducer(
            f"there is no active producer {producer}: see `payouts producers list`"
        )
    for one in ledger.endpoints():
        if (one.producer, one.address, one.disabled_at) == (producer, address, None):
            # A second key that the server does not have would only have each event refused once.
            raise NotAllowed(
                f"endpoint {one.id} is told there already: `payouts endpoints rotate {one.id}`"
                f" prints a new key, `payouts endpoints disable {one.id}` ends it"
            )
    made = ledger.add_endpoint(producer, kind, address, wanted, is_private=private, key=key)
    document: dict[str, object] = {"id": made, "kind": kind, "address": address, "key": key}
    told = f"endpoint {made} is told from now on"
    return Page(document, f"{told}; its key, shown this once: {key}" if key else told)


@endpoints.command("list")
@answering
def list_() -> Page:
    """
    List them, and how much each has not taken yet.
    """
    ledger = bootstrap.ledger()
    backlogs = {one.endpoint_id: one for one in ledger.backlogs()}
    documents: list[dict[str, object]] = []
    rows = []
    for one in ledger.endpoints():
        backlog = backlogs.get(one.id)
        waiting, oldest = (backlog.waiting, backlog.oldest_at) if backlog else (0, None)
        types = sorted(one.types)
        documents.append(
            {
                "id": one.id,
                "producer": one.producer,
                "kind": one.kind,
                "address": one.address,
                "types": types,
                "private": one.is_private,
                "created_at": iso(one.created_at),
                "disabled_at": iso(one.disabled_at),
                "lacks_key": one.lacks_key,
                "waiting": waiting,
                "oldest_due_at": iso(oldest),
            }
        )
        state = _state(one)
        wanted = ", ".join(types) or "all"
        rows.append((one.id, one.producer, one.address, state, waiting, oldest, wanted))
    columns = (
        *(Column("id"), "producer", "address", "state"),
        *(Column("waiting"), Column("oldest due", gives_way=1), "types"),
    )
    return Page({"endpoints": documents}, table(columns, rows))


@endpoints.command()
@click.argument("endpoint_id", type=click.IntRange(min=1), metavar="ID")
@click.option(
    "--overlap-hours",
    default=_OVERLAP_HOURS,
    show_default=True,
    type=click.IntRange(0, 24 * 30),
    help="So long the key before signs as well.",
)
@answering
def rotate(endpoint_id: int, overlap_hours: int) -> Page:
    """
    Sign with a new key, which is printed once; the one before signs as well for a while.
    """
    key = new_key()
    bootstrap.ledger().rotate_key(endpoint_id, key, timedelta(hours=overlap_hours))
    return Page({"id": endpoint_id, "key": key}, f"the new key, shown this once: {key}")


@endpoints.command()
@click.argument("endpoint_id", type=click.IntRange(min=1), metavar="ID")
@answering
def retry(endpoint_id: int) -> Page:
    """
    Try now what waits for it, since it works again; what was given up is sent by `events resend`.
    """
    waiting = bootstrap.ledger().retry_endpoint(endpoint_id)
    return Page({"id": endpoint_id, "deliveries": waiting}, f"{waiting} deliveries are due now")


@endpoints.command()
@click.argument("endpoint_id", type=click.IntRange(min=1), metavar="ID")
@answering
def disable(endpoint_id: int) -> Page:
    """
    Tell it nothing more. What waits for it is given up; events are kept.
    """
    bootstrap.ledger().disable_endpoint(endpoint_id)
    return Page({"id": endpoint_id}, f"endpoint {endpoint_id} is told nothing more")


def _state(endpoint: Endpoint) -> str:
    if endpoint.disabled_at is not None:
        return "disabled"
    return "key lost: rotate" if endpoint.lacks_key else "active"
