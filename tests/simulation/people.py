"""
People at work: they look at what is stuck, decide, repeat themselves, and get in each other's way.
"""

import contextlib
from collections.abc import Callable
from itertools import count
from random import Random
from typing import Any

from tests.doubles.ledger import MemoryLedger
from tests.doubles.usecases import UseCases
from tests.factories import REVIEW_LIST, an_order
from tests.simulation.audited import row_of
from tests.simulation.deployment import MERCHANTS
from tests.simulation.moods import Mood
from tests.simulation.scheduler import Scheduler
from tests.simulation.story import Story
from worker.payouts.errors import NotAllowed, StaleTransition
from worker.payouts.model import Order, Payout, Terms
from worker.payouts.policy.actions import Action
from worker.payouts.status import PayoutStatus, Reason
from worker.usecases.operate import Operator

#: How often somebody else looks at the same payout at the same moment.
_TOGETHER = 0.25


class People:
    """
    The operators of one world. They do whatever they like, and the service allows.
    """

    def __init__(
        self,
        rng: Random,
        mood: Mood,
        scheduler: Scheduler,
        ledger: MemoryLedger,
        story: Story,
        *,
        use_cases: Callable[[str], UseCases],
        terms: Callable[[str], Terms],
        start: Callable[[str, Callable[[], None]], None],
        read_journals: Callable[[], bool],
    ) -> None:
        self._rng = rng
        self._mood = mood
        self._scheduler = scheduler
        self._ledger = ledger
        self._story = story
        self._use_cases = use_cases
        self._terms = terms
        self._start = start
        self._read_journals = read_journals
        self._replacements = count(1)
        #: The ledger as they reach it, past the failpoints.
        self.port: Any = None
        #: When one last did something, in seconds.
        self.acted_at = 0.0
        #: The jobs with which they wanted to pay instead.
        self.instead: list[Order] = []

    def begin(self) -> None:
        """
        Plan what they do on their own account.
        """
        for _ in range(self._rng.choice(self._mood.acts)):
            longest = self._rng.choice(self._mood.until)
            self._scheduler.after(self._rng.uniform(0, longest), self.act)

    def review(self, number: str) -> None:
        """
        Have one look at a payout, if it is there: most are let go, some withdrawn.
        """
        row = row_of(self._ledger, number)
        if row is None:
            return
        self.acted_at = self._scheduler.seconds
        action = self._rng.choice((Action.LET_GO, Action.LET_GO, Action.CANCEL))

        def work() -> None:
            with contextlib.suppress(NotAllowed, StaleTransition):
                Operator(self.port, "operator").act(action, row.id, "looked at")

        self._start("operator", work)

    def act(self) -> None:
        """
        Have one do something to some payout, and perhaps another one to the same.
        """
        rows = self._ledger.payouts(None, 100)
        if not rows:
            return
        self.acted_at = self._scheduler.seconds
        stuck = [row for row in rows if row.status in self._mood.looks_at]
        keen = self._rng.random() < (0.8 if self._mood.actions else 0.5)
        row = self._rng.choice(stuck if stuck and keen else list(rows))
        self._decide(row)
        if self._rng.random() < _TOGETHER:
            self._scheduler.after(self._rng.uniform(0, 0.1), lambda: self._decide(row))

    def resume(self) -> None:
        """
        Have one let sending go on.
        """
        self.acted_at = self._scheduler.seconds
        self._story.tell("operator", "resumes the channel")
        for merchant in MERCHANTS:
            self._ledger.resume(merchant, "operator", "operator")

    def pay_the_rest(self, row: Payout, amount_fen: int) -> str:
        """
        Have one do all that it takes to pay what came back; return what kept them from it.
        """
        refused = ""

        def work() -> None:
            nonlocal refused
            operator = Operator(self.port, "operator")
            if row.reason is Reason.NUMBER_TAKEN and not self._read_journals():
                return  # nothing tells that the trade was ours: two people decide on other proof
            self._use_cases(row.terms.customer_no).query(row.id)
            for case in self._ledger.dossier(row.id).open_cases:
                operator.close_case(case.id, Action.RESOLVE, "looked at")
            try:
                self._replace(operator, row, amount_fen)
            except NotAllowed as fault:
                refused = str(fault)

        self._start("operator", work)
        return refused

    def _decide(self, row: Payout) -> None:
        usual = (*Action, Action.REPLACE, Action.RELEASE, Action.RESOLVE)
        action = self._rng.choice(self._mood.actions or usual)
        amount_fen = self._rng.choice(
            (row.amount_fen, row.returned_fen or row.amount_fen, max(1, row.amount_fen // 3))
        )
        again = action is Action.RESEND and row.status is PayoutStatus.REFUSED
        asks_first, looks_first = self._rng.random() < 0.8, self._rng.random() < 0.4
        moves = again and self._mood.changes_settings and self._rng.random() < 0.5
        if self._rng.random() < (0.9 if again else self._mood.pauses):
            self._ledger.pause(row.terms.customer_no, "operator", "operator")
            longest = self._rng.choice(self._mood.paused_for)
            self._scheduler.after(self._rng.uniform(1, longest), self.resume)

        def work() -> None:
            operator = Operator(self.port, "operator")
            frees = action in {Action.RELEASE, Action.REPLACE}
            if asks_first and frees:
                self._use_cases(row.terms.customer_no).query(row.id)
            if action is Action.RESOLVE or (frees and looks_first):
                for case in self._ledger.dossier(row.id).open_cases:
                    with contextlib.suppress(NotAllowed, StaleTransition):
                        operator.close_case(case.id, Action.RESOLVE, "looked at")
            if action is Action.RESOLVE:
                return
            with contextlib.suppress(NotAllowed, StaleTransition):
                if moves:
                    operator.resend_at(row.id, self._terms(row.terms.customer_no), "wanted")
                elif action is Action.REPLACE:
                    self._replace(operator, row, amount_fen)
                else:
                    operator.act(action, row.id, "wanted")

        self._story.tell("operator", f"wants to {action}", row)
        self._start("operator", work)

    def _replace(self, operator: Operator, row: Payout, amount_fen: int) -> None:
        number = f"R-{next(self._replacements)}"
        order = an_order(number, amount_fen=amount_fen, obligation=row.obligation)
        self.instead.append(order)
        operator.replace(row.id, order, self._terms(row.terms.customer_no), "wanted", REVIEW_LIST)
