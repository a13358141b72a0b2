"""
`payouts decide`, `approve`, `decline` and `proposals`: an end that JD's word does not tell.

Two people give it, on proof from outside: what JD's support wrote, a bank's slip. Nothing is sent.
"""

import click

from worker import bootstrap
from worker.cli import newest, target
from worker.cli.operator import decider, one_line, why
from worker.cli.output import Page, answering
from worker.payouts.policy.actions import Action
from worker.payouts.proposal import End, Proposal
from worker.views import documents, texts
from worker.views.formats import shown
from worker.views.tables import Column

_SHOWN = 50

_PROPOSALS = (
    Column("id"),
    Column("payout"),
    Column("as"),
    Column("fen back", gives_way=3),
    Column("proof", folds=12),
    Column("proposed", gives_way=2),
    Column("by", folds=8),
    Column("became", folds=12),
)


@click.command()
@click.argument("number")
@click.option(
    "--as",
    "end",
    type=click.Choice([end.value for end in End]),
    required=True,
    help="What became of it: the payee has it; nothing was paid; so much of it came back.",
)
@click.option(
    "--amount-fen",
    type=click.IntRange(min=1),
    help="What came back in all, with `--as returned`; the whole amount if left out.",
)
@click.option(
    "--proof",
    "reference",
    required=True,
    callback=one_line,
    help="What the letter or slip is found by; used once.",
)
@why
@answering
def decide(number: str, end: str, amount_fen: int | None, reference: str, why: str) -> Page:
    """
    Propose how a payout ended, where JD's word does not tell; `payouts approve` lets it count.
    """
    payout_id = target.payout_id(number)
    proposal = decider().propose(payout_id, End(end), amount_fen, reference, why)
    told = (
        f"proposal {proposal.id}: another person looks at the proof, then"
        f" `payouts approve {proposal.id}`; what JD tells until then voids it"
    )
    return Page({"proposal": documents.proposal(proposal)}, told)


@click.command()
@click.argument("proposal_id", metavar="ID", type=int)
@answering
def approve(proposal_id: int) -> Page:
    """
    Let another person's proposal count: the payout ends as it says. Nothing is sent.
    """
    proposal = decider().approve(proposal_id)
    payout = bootstrap.ledger().dossier(proposal.payout_id).payout
    document: dict[str, object] = {
        "proposal": documents.proposal(proposal),
        "payout": documents.payout(payout),
    }
    return Page(document, texts.done(Action.DECIDE, payout))


@click.command()
@click.argument("proposal_id", metavar="ID", type=int)
@why
@answering
def decline(proposal_id: int, why: str) -> Page:
    """
    Let a proposal count no more: the payout stays as it is, and its proof may be used again.
    """
    proposal = decider().decline(proposal_id, why)
    return Page({"proposal": documents.proposal(proposal)}, f"proposal {proposal_id} is void")


@click.command()
@click.option("--all", "ended_too", is_flag=True, help="Approved and void ones as well.")
@newest.limit(_SHOWN)
@answering
def proposals(limit: int, *, ended_too: bool) -> Page:
    """
    List the proposals that wait for another person's approval, newest first.
    """
    found = bootstrap.ledger().proposals(waiting_only=not ended_too, limit=limit)
    rows = [
        (
            *(p.id, p.payout_id, p.proof.end, p.proof.returned_fen or None, p.proof.reference),
            *(p.proposed_at, p.proposed_by.who, _became(p)),
        )
        for p in found
    ]
    document: dict[str, object] = {"proposals": [documents.proposal(p) for p in found]}
    return Page(document, newest.page(_PROPOSALS, rows, len(rows), "proposal"))


def _became(proposal: Proposal) -> str:
    if proposal.approved_by is not None:
        how = ", unchecked" if proposal.unchecked else ""
        return f"approved by {shown(proposal.approved_by.who)}{how}"
    return f"void: {proposal.voided_why}" if proposal.voided_at else "waits"
