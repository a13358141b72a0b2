"""
What happened, one line each: every effect with what it was given and what came of it.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from functools import singledispatch

from tests.simulation.books import Trade
from worker.payouts.claim import Claims
from worker.payouts.evidence import Answer
from worker.payouts.model import Attempt, Dossier, Order, Payout, Terms
from worker.payouts.news import News
from worker.payouts.update import Update


@singledispatch
def brief(value: object) -> str:
    """
    A value in a few words.
    """
    return "…" if callable(value) else str(value)


@brief.register
def _(value: datetime) -> str:
    return f"{value:%d %H:%M:%S}"


@brief.register
def _(value: Terms) -> str:
    return "terms"


@brief.register
def _(value: Order) -> str:
    return f"{value.out_trade_no} of {value.amount_fen} fen"


@brief.register
def _(value: Payout) -> str:
    return f"#{value.id} v{value.version} {value.status}"


@brief.register
def _(value: Dossier) -> str:
    cases = "".join(f", case {case.kind}" for case in value.open_cases)
    return f"{brief(value.payout)}, {len(value.evidence)} pieces{cases}"


@brief.register
def _(value: Claims) -> str:
    return ", ".join(brief(claim.attempt) for claim in value.claims) or "nothing"


@brief.register
def _(value: Sequence) -> str:  # type: ignore[type-arg]
    return value if isinstance(value, str) else f"[{', '.join(map(brief, value))}]"


@brief.register
def _(value: News) -> str:
    told = f" {brief(value.told.answer)}" if value.told else ""
    ended = f" {value.ending.outcome}" if value.ending else ""
    return f"of #{value.payout_id}{ended}{told}"


@brief.register
def _(value: Attempt) -> str:
    return f"attempt {value.number} of #{value.payout_id}"


@brief.register
def _(value: Answer) -> str:
    words = [
        "signed" if value.verified else "UNSIGNED",
        value.meaning,
        value.number,
        value.amount_fen and f"{value.amount_fen} fen",
        value.trade_status,
        value.refund_fen is not None and f"back {value.refund_fen} fen",
    ]
    return " ".join(str(word) for word in words if word)


@brief.register
def _(value: Update) -> str:
    cases = "".join(f", case {note.kind}" for note in value.cases)
    return f"{value.status} ({value.reason}){cases}"


@brief.register
def _(value: Trade) -> str:
    steps = ", ".join(f"{step.status} at {step.at:.0f} s" for step in value.steps)
    return f"{value.number} of {value.amount_fen} fen: {steps}"


class Story:
    """
    The lines, if anyone wants them.
    """

    def __init__(self, now: Callable[[], datetime], *, wanted: bool) -> None:
        self._now = now
        self._wanted = wanted
        self.lines: list[str] = []

    def tell(self, who: str, *what: object) -> None:
        """
        Add a line.
        """
        if self._wanted:
            words = " ".join(brief(word) for word in what)
            self.lines.append(f"{self._now():%d %H:%M:%S.%f}  {who:22}  {words}")

    def tell_effect(self, who: str, effect: str, args: tuple[object, ...], result: object) -> None:
        """
        Add a line about an effect that came through.
        """
        if self._wanted:
            given = ", ".join(brief(arg) for arg in args)
            came = "" if result is None else f" = {brief(result)}"
            self.tell(who, f"{effect}({given}){came}")
