"""
`payouts replace`: another payout for the obligation of one that provably was not paid.
"""

from collections.abc import Iterator
from dataclasses import replace as with_changes
from typing import BinaryIO

import click

from worker import bootstrap
from worker.cli import jobs, lookup
from worker.cli.channel import operator, why
from worker.cli.jobs import Checked, UnreadableJobs
from worker.cli.output import Page, answering
from worker.payouts.model import Order, Payout
from worker.payouts.policy import obligation as replacement
from worker.payouts.policy.actions import NotAllowed, may_replace
from worker.settings import Settings
from worker.views import documents as facts


@click.command()
@click.argument("number")
@click.argument("file", type=click.File("rb"))
@why
@answering
def replace(number: str, file: BinaryIO, why: str) -> Page:
    """
    Free a payout's obligation and have the job in FILE pay it instead; - is standard input.

    Both happen or neither does. The job needs an order number of its own; after a partial return
    it pays at most what came back.
    """
    ledger = bootstrap.ledger()
    terms = Settings.load().terms
    payout_id = lookup.payout_id(number)
    dossier = ledger.dossier(payout_id)
    payout = dossier.payout
    if terms.customer_no != payout.terms.customer_no:
        raise NotAllowed("it is another member's: these settings cannot pay instead")
    decision = may_replace(dossier, operator(), why)
    order, faults = _order(file.read(), payout)
    if order is None:
        failure = "nothing was done: the job cannot replace it"
        document: dict[str, object] = {"error": failure, "faults": list(faults)}
        return Page(document, failure="\n  ".join([failure, *faults]))
    new_id = ledger.replace(dossier, decision, order, terms)
    *_, recorded = ledger.decisions(payout_id)
    document = {
        "payout": facts.payout_facts(ledger.dossier(payout_id).payout),
        "replaced_by": facts.payout_facts(ledger.dossier(new_id).payout),
        "decision": facts.decision_facts(recorded),
    }
    told = f"{order.out_trade_no}, payout {new_id}, pays instead of {payout.out_trade_no}"
    return Page(document, told)


def _order(content: bytes, payout: Payout) -> tuple[Order | None, tuple[str, ...]]:
    """
    The order that a file holds, or everything that is wrong with it.
    """
    found = jobs.read(content)
    if len(found) != 1:
        raise UnreadableJobs("the file must hold one job: one payout replaces one")
    job = found[0]
    if isinstance(job, dict) and job.get("obligation") is None:
        job = {**job, "obligation": payout.obligation}
    (checked,) = jobs.check([job])
    faults = (*checked.faults, *_misfits(checked, payout))
    if checked.order is None or faults:
        return None, faults
    return with_changes(checked.order, producer=payout.producer), ()


def _misfits(checked: Checked, payout: Payout) -> Iterator[str]:
    """
    What the job's own rules do not know of; a job that breaks them is looked at all the same.
    """
    job, number = checked.job, checked.out_trade_no
    if not isinstance(job, dict):
        return
    ledger = bootstrap.ledger()
    yield from replacement.faults(
        payout,
        out_trade_no=number,
        obligation=job["obligation"],
        amount_fen=job.get("amount_fen"),
    )
    found = ledger.find(payout.terms.customer_no, number) if number else None
    if found is not None and found.id != payout.id:
        yield "out_trade_no: another payout has this number"
    if checked.order is not None:
        yield from replacement.expired(checked.order, ledger.now())
