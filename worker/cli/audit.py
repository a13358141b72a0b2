"""
`payouts audit`: whether every promise holds for every payout, read-only, in bounded memory.
"""

from collections.abc import Iterator

import click
from rich.console import Console
from rich.progress import Progress

from worker import bootstrap
from worker.cli.output import Page, answering, table
from worker.payouts.invariants import Breach, Invariant, of_payout
from worker.payouts.limits import Rules
from worker.settings import ReceiverSettings
from worker.store.auditing import Auditing

_BATCH = 500

#: More breaches than these are counted, not listed.
_LISTED = 200


@click.command()
@answering
def audit() -> Page:
    """
    Check the invariants of every payout; exit 1 if one is broken. Changes nothing.

    May run beside the workers: what looks broken while a worker is busy is looked at again.
    """
    rules = ReceiverSettings.load().rules
    ledger = bootstrap.ledger()
    suspects: list[int] = []
    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("payouts", total=ledger.count())
        checked = 0
        for payout_id in _ids(ledger):
            suspects += [payout_id] if any(_breaches(payout_id, rules)) else []
            checked += 1
            progress.advance(task)
    breaches = [b for payout_id in suspects for b in _breaches(payout_id, rules)]
    unproven = "its obligation was freed without a decision on record"
    breaches += [
        Breach(Invariant.I10_RELEASED_WITH_PROOF, number, unproven)
        for number in ledger.released_unproven()
    ]
    listed = breaches[:_LISTED]
    document: dict[str, object] = {
        "ok": not breaches,
        "payouts": checked,
        "breaches": len(breaches),
        "listed": [
            {"invariant": b.invariant, "out_trade_no": b.out_trade_no, "detail": b.detail}
            for b in listed
        ],
    }
    if not breaches:
        return Page(document, f"{checked} payouts, every invariant holds")
    rows = [(b.invariant, b.out_trade_no, b.detail) for b in listed]
    failure = f"{len(breaches)} breaches in {checked} payouts: stop sending (`payouts pause`)"
    return Page(document, table(("", "number", "breach"), rows), failure)


def _ids(ledger: Auditing) -> Iterator[int]:
    last = 0
    while batch := ledger.ids_after(last, _BATCH):
        yield from batch
        last = batch[-1]


def _breaches(payout_id: int, rules: Rules) -> Iterator[Breach]:
    ledger = bootstrap.ledger()
    dossier = ledger.dossier(payout_id)
    history, cases = ledger.history(payout_id), ledger.cases_of(payout_id)
    yield from of_payout(dossier, history, cases, ledger.now(), rules)
