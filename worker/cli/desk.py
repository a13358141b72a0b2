"""
What a person decides: withdraw, let go, send again, free an obligation, close a case.

Each is legal in certain states only, and is recorded with who and why; none of them pays.
"""

import click

from worker import bootstrap
from worker.cli import facts, lookup
from worker.cli.channel import operator, why
from worker.cli.output import Page, answering
from worker.payouts.desk import Action, decide

_DONE = {
    Action.CANCEL: "is withdrawn; it will not be sent",
    Action.LET_GO: "is back in the queue",
    Action.RESEND: "is due to be sent again, under the same number",
    Action.RELEASE: "has freed its obligation: another payout may pay it",
}


def _taken(action: Action, number: str, reason: str) -> Page:
    ledger = bootstrap.ledger()
    payout_id = lookup.payout_id(number)
    dossier = ledger.dossier(payout_id)
    decision = decide(action, dossier, operator(), reason)
    ledger.decide(dossier, decision)
    document = {
        "payout": facts.payout_facts(ledger.dossier(payout_id).payout),
        "decision": {
            "action": action,
            "who": decision.who,
            "why": decision.why,
            "proof": list(decision.proof),
        },
    }
    return Page(document, f"{dossier.payout.out_trade_no} {_DONE[action]}")


@click.command()
@click.argument("number")
@why
@answering
def cancel(number: str, why: str) -> Page:
    """
    Withdraw a payout that was never sent.
    """
    return _taken(Action.CANCEL, number, why)


@click.command("let-go")
@click.argument("number")
@why
@answering
def let_go(number: str, why: str) -> Page:
    """
    Put a payout that a control held back into the queue.
    """
    return _taken(Action.LET_GO, number, why)


@click.command()
@click.argument("number")
@why
@answering
def resend(number: str, why: str) -> Page:
    """
    Send a refused payout again, under the same number, once its cause is mended.
    """
    return _taken(Action.RESEND, number, why)


@click.command()
@click.argument("number")
@why
@answering
def release(number: str, why: str) -> Page:
    """
    Free the obligation of a payout that provably was not paid, for another payout.
    """
    return _taken(Action.RELEASE, number, why)


@click.command()
@click.argument("case_id", metavar="CASE", type=int)
@why
@answering
def resolve(case_id: int, why: str) -> Page:
    """
    Close a case that a person has looked into. It opens again only with something new.
    """
    case = lookup.case(case_id)
    bootstrap.ledger().close_case(case, operator(), why)
    return Page({"case": facts.case_facts(lookup.case(case_id))}, f"case {case_id} is closed")
