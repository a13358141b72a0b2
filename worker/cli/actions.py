"""
What a person decides: withdraw, let go, send again, give up, free an obligation, close a case.

Each is legal in certain states only, and is recorded with who and why; none of them pays.
"""

import click

from worker import bootstrap
from worker.cli import target
from worker.cli.many import Choice, act_on_all, chosen, do_all
from worker.cli.operator import operator, why
from worker.cli.output import Page, answering
from worker.payouts.policy.actions import CLOSED_BY, Action
from worker.settings import AcceptanceSettings
from worker.usecases.operate import Done
from worker.views import documents, texts

_CLOSING = sorted({action for actions in CLOSED_BY.values() for action in actions})


def _act(action: Action, choice: Choice, reason: str) -> Page:
    if choice.number is None:
        return act_on_all(action, choice, reason)
    done = operator().act(action, target.payout_id(choice.number), reason)
    return Page(_document(done), texts.done(action, done.payout))


def _document(done: Done) -> dict[str, object]:
    return {
        "payout": documents.payout(done.payout),
        "decision": documents.decision(done.decision),
    }


@click.command()
@chosen
@why
@answering
def cancel(choice: Choice, why: str) -> Page:
    """
    Withdraw a payout that was never sent.
    """
    return _act(Action.CANCEL, choice, why)


@click.command("let-go")
@chosen
@why
@answering
def let_go(choice: Choice, why: str) -> Page:
    """
    Put a payout that a control held back into the queue.
    """
    return _act(Action.LET_GO, choice, why)


@click.command()
@chosen
@why
@click.option("--here", is_flag=True, help="At PAYOUTS_GATEWAY_URL: its own address was wrong.")
@answering
def resend(choice: Choice, why: str, *, here: bool) -> Page:
    """
    Send a refused payout again, under the same number, once its cause is fixed.
    """
    if not here:
        return _act(Action.RESEND, choice, why)
    settings = AcceptanceSettings.load()
    bootstrap.refuse_real_money(settings)
    person = operator()
    if choice.number is None:
        return do_all(Action.RESEND, choice, lambda p: person.resend_at(p.id, settings.terms, why))
    done = person.resend_at(target.payout_id(choice.number), settings.terms, why)
    return Page(_document(done), texts.done(Action.RESEND, done.payout))


@click.command()
@chosen
@why
@answering
def fail(choice: Choice, why: str) -> Page:
    """
    End a refused payout that shall not be sent again.
    """
    return _act(Action.FAIL, choice, why)


@click.command()
@chosen
@why
@answering
def release(choice: Choice, why: str) -> Page:
    """
    Free the obligation of a payout that provably was not paid, for another payout.
    """
    return _act(Action.RELEASE, choice, why)


@click.command()
@click.argument("case_id", metavar="CASE", type=int)
@why
@click.option(
    "--action",
    type=click.Choice([action.value for action in _CLOSING]),
    default=Action.RESOLVE.value,
    show_default=True,
    help="What closes it: `payouts cases` lists what may. `resolve`: you have looked into it.",
)
@answering
def resolve(case_id: int, why: str, action: str) -> Page:
    """
    Close a case. It opens again only with something new.
    """
    taken = Action(action)
    case, done = operator().close_case(case_id, taken, why)
    document = {} if done is None else _document(done)
    document["case"] = documents.case(case, ())
    told = "" if done is None else f"; {texts.done(taken, done.payout)}"
    return Page(document, f"case {case_id} is closed{told}")
