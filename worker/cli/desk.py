"""
What a person decides: withdraw, let go, send again, give up, free an obligation, close a case.

Each is legal in certain states only, and is recorded with who and why; none of them pays.
"""

import click

from worker import bootstrap
from worker.cli import lookup
from worker.cli.channel import operator, why
from worker.cli.output import Page, answering
from worker.payouts.model import Case
from worker.payouts.policy.actions import (
    SETTLES,
    Action,
    NotAllowed,
    check_open,
    check_resolve,
    decide,
)
from worker.views import documents as facts

_DONE = {
    Action.CANCEL: "is withdrawn; it will not be sent",
    Action.LET_GO: "is back in the queue",
    Action.RESEND: "is due to be sent again, under the same number",
    Action.FAIL: "has failed; it will not be sent again",
    Action.RELEASE: "has freed its obligation: another payout may pay it",
}

_SETTLING = sorted({action for actions in SETTLES.values() for action in actions})


def _taken(action: Action, payout_id: int, reason: str) -> Page:
    ledger = bootstrap.ledger()
    dossier = ledger.dossier(payout_id)
    ledger.decide(dossier, decide(action, dossier, operator(), reason))
    *_, recorded = ledger.decisions(payout_id)
    document: dict[str, object] = {
        "payout": facts.payout_facts(ledger.dossier(payout_id).payout),
        "decision": facts.decision_facts(recorded),
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
    return _taken(Action.CANCEL, lookup.payout_id(number), why)


@click.command("let-go")
@click.argument("number")
@why
@answering
def let_go(number: str, why: str) -> Page:
    """
    Put a payout that a control held back into the queue.
    """
    return _taken(Action.LET_GO, lookup.payout_id(number), why)


@click.command()
@click.argument("number")
@why
@answering
def resend(number: str, why: str) -> Page:
    """
    Send a refused payout again, under the same number, once its cause is mended.
    """
    return _taken(Action.RESEND, lookup.payout_id(number), why)


@click.command()
@click.argument("number")
@why
@answering
def fail(number: str, why: str) -> Page:
    """
    End a refused payout that shall not be sent again.
    """
    return _taken(Action.FAIL, lookup.payout_id(number), why)


@click.command()
@click.argument("number")
@why
@answering
def release(number: str, why: str) -> Page:
    """
    Free the obligation of a payout that provably was not paid, for another payout.
    """
    return _taken(Action.RELEASE, lookup.payout_id(number), why)


@click.command()
@click.argument("case_id", metavar="CASE", type=int)
@why
@click.option(
    "--action",
    type=click.Choice([action.value for action in _SETTLING]),
    default=Action.RESOLVE.value,
    show_default=True,
    help="What settles it: `payouts cases` lists what may. `resolve`: you have looked into it.",
)
@answering
def resolve(case_id: int, why: str, action: str) -> Page:
    """
    Settle a case, and so close it. It opens again only with something new.
    """
    case = lookup.case(case_id)
    taken = _settled(case, Action(action), why)
    document = {**taken.document, "case": facts.case_facts(lookup.case(case_id), ())}
    done = f"; {taken.body}" if taken.body else ""
    return Page(document, f"case {case_id} is closed{done}")


def _settled(case: Case, action: Action, reason: str) -> Page:
    ledger = bootstrap.ledger()
    if action not in SETTLES[case.kind]:
        known = ", ".join(sorted(SETTLES[case.kind]))
        raise NotAllowed(f"{action} does not settle a case of {case.kind}; it takes {known}")
    if action is Action.REPLACE:
        raise NotAllowed("replacing takes the new job: `payouts replace NUMBER FILE`")
    check_open(case)
    if action is not Action.RESOLVE and case.payout_id is not None:
        return _taken(action, case.payout_id, reason)
    check_resolve(case, None if case.payout_id is None else ledger.dossier(case.payout_id))
    ledger.close_case(case, operator(), reason)
    return Page({})
