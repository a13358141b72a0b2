"""
One action on many payouts of one cause: chosen, shown, confirmed, then one after the other.
"""

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import click
from rich.console import Console
from rich.progress import Progress

from worker import bootstrap
from worker.cli.faults import explain
from worker.cli.operator import operator
from worker.cli.output import Page, note, table
from worker.payouts.errors import NoSuchPayout, NotAllowed, StaleTransition
from worker.payouts.model import Payout
from worker.payouts.money import yuan
from worker.payouts.policy.actions import Action
from worker.payouts.status import PayoutStatus, Reason
from worker.usecases.operate import Done
from worker.views.formats import counted
from worker.views.tables import Column

#: So many numbers are named before someone confirms.
_NAMED = 10

#: What keeps one payout from being acted on, and no other.
_ITS_OWN = (NotAllowed, StaleTransition, NoSuchPayout)

_FAILED = (Column("id", gives_way=1), Column("number"), Column("why not", folds=20))


@dataclass(frozen=True, slots=True)
class Choice:
    """
    Which payouts an action is meant for: one by its number, or all that are alike.
    """

    number: str | None
    status: PayoutStatus | None = None
    reason: Reason | None = None
    #: Whether nobody has to confirm it.
    yes: bool = False


def chosen(command: Callable[..., Any]) -> Callable[..., Any]:
    """
    Give a command its payout as `choice`: NUMBER, or `--all` with `--status` and `--reason`.
    """

    @click.argument("number", required=False)
    @click.option("--all", "alike", is_flag=True, help="All payouts of --status, and --reason.")
    @click.option("--status", type=click.Choice([status.value for status in PayoutStatus]))
    @click.option("--reason", type=click.Choice([reason.value for reason in Reason]))
    @click.option("--yes", is_flag=True, help="Do not ask before acting.")
    @functools.wraps(command)
    def choosing(
        *,
        number: str | None,
        alike: bool,
        status: str | None,
        reason: str | None,
        yes: bool,
        **options: object,
    ) -> object:
        if alike and (number is not None or status is None):
            raise click.UsageError("--all takes --status, and no number")
        if not alike and (number is None or status is not None or reason is not None):
            raise click.UsageError("name one payout, or choose with --all --status")
        choice = Choice(number, yes=yes)
        if status is not None:
            wanted = None if reason is None else Reason(reason)
            choice = Choice(None, PayoutStatus(status), wanted, yes)
        return command(choice=choice, **options)

    return choosing


def act_on_all(action: Action, choice: Choice, why: str) -> Page:
    """
    Show what is chosen, let someone confirm it, and take the action on each: a transaction each.
    """
    person = operator()
    return do_all(action, choice, lambda payout: person.act(action, payout.id, why))


def do_all(action: Action, choice: Choice, take: Callable[[Payout], Done]) -> Page:
    """
    The same for an action that takes more. What cannot be done is told, and stops no other.
    """
    assert choice.status is not None
    found = bootstrap.ledger().alike(choice.status, choice.reason)
    _preview(action, choice, found)
    if found and not choice.yes:
        click.confirm("go on?", abort=True, err=True)
    done: list[Payout] = []
    failed: list[tuple[Payout, str]] = []
    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(action.value, total=len(found))
        for payout in found:
            try:
                take(payout)
            except _ITS_OWN as fault:
                failed.append((payout, explain(fault)))
            else:
                done.append(payout)
            progress.advance(task)
    return _page(action, found, done, failed)


def _preview(action: Action, choice: Choice, found: Sequence[Payout]) -> None:
    why = "" if choice.reason is None else f", {choice.reason}"
    note(f"{action}: {_sum(found)}, {choice.status}{why}")
    for payout in found[:_NAMED]:
        note(f"  {payout.out_trade_no}  {yuan(payout.amount_fen)} yuan  {payout.payee_masked}")
    if len(found) > _NAMED:
        note(f"  and {len(found) - _NAMED} more")


def _page(
    action: Action,
    found: Sequence[Payout],
    done: Sequence[Payout],
    failed: Sequence[tuple[Payout, str]],
) -> Page:
    document: dict[str, object] = {
        "action": action,
        "chosen": len(found),
        "chosen_fen": _fen(found),
        "done": len(done),
        "done_fen": _fen(done),
        "failed": [{"id": p.id, "out_trade_no": p.out_trade_no, "error": why} for p, why in failed],
    }
    told = f"{action}: done for {_sum(done)}"
    if not failed:
        return Page(document, told)
    rows = [(p.id, p.out_trade_no, why) for p, why in failed]
    left = f"{told}; not for {_sum([p for p, _ in failed])}"
    return Page(document, table(_FAILED, rows), left)


def _sum(found: Sequence[Payout]) -> str:
    fen = _fen(found)
    return f"{counted(len(found), 'payout')}, {yuan(fen)} yuan ({fen} fen)"


def _fen(found: Sequence[Payout]) -> int:
    return sum(payout.amount_fen for payout in found)
