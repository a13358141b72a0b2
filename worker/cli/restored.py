"""
`payouts restored`: the database was, and what the workers' journals know of it.
"""

from collections.abc import Iterator
from pathlib import Path

import click

from worker import bootstrap
from worker.cli.operator import operator, why
from worker.cli.output import Page, answering, table
from worker.payouts.journal import JournaledClaim
from worker.payouts.money import yuan
from worker.settings import ReceiverSettings
from worker.store.journal import journals, read_journal
from worker.usecases.recall import recall

_PATH = click.Path(path_type=Path)


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
    found = [*recall(ledger, read(), settings.limits.lease)]
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
    return Page(document, table(columns, rows, title=told))
