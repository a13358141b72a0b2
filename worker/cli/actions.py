"""
What a person decides: withdraw, let go, send again, give up, free an obligation, close a case.

Each is legal in certain states only, and is recorded with who and why; none of them pays.
"""

import click

from worker import bootstrap, os_user
from worker.cli import target
from worker.cli.many import Choice, act_on_all, chosen, do_all
from worker.cli.operator import one_line, operator, why
from worker.cli.output import Page, answering, note
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
@click.option("--mend", is_flag=True, help="With a request rendered anew, by the settings of now.")
@click.option("--subject", callback=one_line, help="With another subject, rendered anew.")
@answering
def resend(choice: Choice, why: str, *, here: bool, mend: bool, subject: str | None) -> Page:
    """
    Send a refused payout again, under the same number, once its cause is fixed.
    """
    if mend or subject is not None:
        if choice.number is None or here:
            raise click.UsageError("--mend and --subject take one payout, at its own address")
        return _mend(target.payout_id(choice.number), subject, why, yes=choice.yes)
    if not here:
        return _act(Action.RESEND, choice, why)
    return _act_here(Action.RESEND, choice, why)


def _act_here(action: Action, choice: Choice, why: str) -> Page:
    """
    Take an action that has payouts sent and asked about at the address of the settings.
    """
    settings = AcceptanceSettings.load()
    bootstrap.refuse_real_money(settings)
    act = operator().redirect if action is Action.REDIRECT else operator().resend_at
    if choice.number is None:
        return do_all(action, choice, lambda payout: act(payout.id, settings.terms, why))
    done = act(target.payout_id(choice.number), settings.terms, why)
    return Page(_document(done), texts.done(action, done.payout))


def _mend(payout_id: int, subject: str | None, why: str, *, yes: bool) -> Page:
    """
    Show how the request differs from the one that JD refused, and send it once that is confirmed.
    """
    person = bootstrap.mender(os_user.current())
    mended = person.draft(payout_id, AcceptanceSettings.load().terms.notify_url, subject)
    lines = [texts.difference(one) for one in mended.differences]
    note("\n".join(lines or ["the request is the same as before"]))
    if not yes:
        click.confirm("send it so?", abort=True, err=True)
    done = person.resend(payout_id, mended, why)
    names = [one.name for one in mended.differences]
    return Page({**_document(done), "mended": names}, texts.done(Action.RESEND, done.payout))


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
@chosen
@why
@answering
def redirect(choice: Choice, why: str) -> Page:
    """
    Ask about a payout at PAYOUTS_GATEWAY_URL from now on, and send it there: JD's has changed.

    Where JD may have it by the old address, it is no denial that the new one does not know it.
    """
    return _act_here(Action.REDIRECT, choice, why)


@click.command("set-aside")
@click.argument("number")
@why
@answering
def set_aside(number: str, why: str) -> Page:
    """
    After a restore: let others be sent, though JD does not answer for this payout.
    """
    return _act(Action.SET_ASIDE, Choice(number), why)


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
