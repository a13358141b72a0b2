"""
`payouts restored`: the database was, and what the workers' journals know of it.
"""

import time
from collections.abc import Iterable, Iterator
from datetime import timedelta
from pathlib import Path

import click

from worker import bootstrap
from worker.cli.operator import operator, why
from worker.cli.output import Page, answering, note, table
from worker.payouts.journal import JournaledClaim, Recalled
from worker.payouts.money import yuan
from worker.settings import ReceiverSettings
from worker.store.journal import journals, read_journal
from worker.usecases.ports import EpochLedger
from worker.usecases.recall import Recall, recall

_PATH = click.Path(path_type=Path)
_LOOK_AGAIN = timedelta(seconds=2)
#: A lease is over by the database's clock, which is asked now and then.
_SPARE = timedelta(seconds=10)


@click.command()
@click.option(
    "--journal", "first", multiple=True, type=_PATH, help="A worker's journal, or a folder of them."
)
@click.argument("more", nargs=-1, type=_PATH, metavar="[FILE]...")
@why
@answering
def restored(first: tuple[Path, ...], more: tuple[Path, ...], why: str) -> Page:
    """
    Say that the database was restored or failed over: JD is asked before anything is sent.

    Run it before the workers start again. With --journal FILE... it also puts back what the
    database has forgotten to have claimed: each is asked about, and stands as a case. What people
    decided after the backup is forgotten, a withdrawal too: decide it again before they start.
    """
    if more and not first:
        raise click.UsageError("name journals behind --journal")
    settings, ledger = ReceiverSettings.load(), bootstrap.ledger()
    keyring = bootstrap.keyring(settings)
    files = journals([*first, *more])

    def read() -> Iterator[JournaledClaim]:
        return (claim for path in files for claim in read_journal(path, keyring))

    # A file that cannot be read says so before anything is changed.
    claims = sum(1 for _ in read())
    doubted = operator().declare_restored(why, settings.ask_first_for)
    found = _put_back(ledger, read(), settings.limits.lease)
    waiting = sum(one.found is Recalled.BEING_SENT for one in found)
    failure = f"{waiting} payouts are being sent: stop the workers, and run it again"
    document: dict[str, object] = {
        "in_doubt": doubted,
        "journal": {
            "claims": claims,
            "forgotten": [
                {
                    "out_trade_no": one.claim.order.out_trade_no,
                    "customer_no": one.claim.terms.customer_no,
                    "obligation": one.claim.order.obligation,
                    "amount_fen": one.claim.order.amount_fen,
                    "found": one.found,
                }
                for one in found
            ],
        },
    }
    told = f"JD is asked about {doubted} unfinished payouts; nothing is sent until it has answered"
    if not first:
        return Page(document, told)
    told += f"\nof {claims} claims in the journal {len(found)} were forgotten"
    if not found:
        return Page(document, told)
    rows = [
        (
            one.claim.order.out_trade_no,
            yuan(one.claim.order.amount_fen),
            one.claim.order.obligation,
            one.found,
        )
        for one in found
    ]
    columns = ("number", "yuan", "obligation", "what was forgotten")
    return Page(document, table(columns, rows, title=told), failure if waiting else None)


def _put_back(
    ledger: EpochLedger, claims: Iterable[JournaledClaim], lease: timedelta
) -> list[Recall]:
    """
    Put claims back, and wait for what is being sent as long as a lease lasts that nobody renews.
    """
    found = [*recall(ledger, claims, lease)]
    until = time.monotonic() + (lease + _SPARE).total_seconds()
    while left := [one.claim for one in found if one.found is Recalled.BEING_SENT]:
        if time.monotonic() > until:
            break
        seconds = until - time.monotonic()
        note(f"{len(left)} payouts were being sent: waiting for at most {seconds:.0f} s")
        time.sleep(_LOOK_AGAIN.total_seconds())
        again = [*recall(ledger, left, lease)]
        found = [one for one in found if one.found is not Recalled.BEING_SENT] + again
    return found
