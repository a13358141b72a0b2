"""
An order, as the sandbox's books know it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from worker.sandbox.behaviour import Intake
from worker.sandbox.saying import Query, Submit
from worker.sandbox.scenarios import Scenario
from worker.sandbox.script import Story
from worker.sandbox.trade import Step

#: A merchant may send another each time; it does not say what is to be paid.
_NOT_CONTENT = frozenset({"request_datetime"})


@dataclass(frozen=True, slots=True)
class Order:
    """
    A number that was transmitted at least once, as it is at one moment.
    """

    #: As sent. They hold the payee's data, and are never shown.
    request: Mapping[str, str] = field(repr=False)
    scenario: Scenario
    trade_no: str
    #: When it first came.
    received_at: datetime
    #: Takes the place of the scenario.
    story: Story | None = None
    #: Which of the story's answers the last query got, counted from 1.
    query_place: int = 0
    #: None while it is not booked: to a query, such a trade does not exist.
    step: Step | None = None
    #: When it was paid or closed.
    decided_at: datetime | None = None
    transmissions: int = 1
    queries: int = 0
    notifications: int = 0
    acknowledged: int = 0

    @property
    def number(self) -> str:
        """
        The merchant's number for it, its `out_trade_no`.
        """
        return self.request["out_trade_no"]

    @property
    def amount_fen(self) -> int:
        """
        What is to be paid.
        """
        return int(self.request["trade_amount"])

    @property
    def content(self) -> dict[str, str]:
        """
        What must not change when a number comes again.
        """
        return {name: text for name, text in self.request.items() if name not in _NOT_CONTENT}

    @property
    def said_to_submit(self) -> Submit | None:
        """
        What its story answers to the transmission that it has just had.
        """
        return self.story.submit(self.transmissions) if self.story else None

    @property
    def said_to_query(self) -> Query | None:
        """
        What its story answers to the query that it has just had.
        """
        if self.story is None or not self.query_place:
            return None
        return self.story.queries[self.query_place - 1]

    @property
    def may_be_booked(self) -> bool:
        """
        Whether the transmission that it has just had gets it into the books.
        """
        if self.story:
            return self.story.books(self.transmissions)
        match self.scenario.intake:
            case Intake.BOOKED:
                return True
            case Intake.MISSED_ONCE:
                return self.transmissions > 1
            case Intake.REFUSED | Intake.ASTRAY:
                return False

    def to_json(self, debits: int) -> dict[str, object]:
        """
        The order as the books show it: without its payee.
        """
        return {
            "out_trade_no": self.number,
            "trade_no": self.trade_no,
            "amount_fen": self.amount_fen,
            "status": self.step.status if self.step else None,
            "since": self.step.at.isoformat() if self.step else None,
            "refund_fen": self.step.refund_fen if self.step else 0,
            "debits": debits,
            "transmissions": self.transmissions,
            "scenario": None if self.story else self.scenario.name,
            "story": self.story.name if self.story else None,
            "queries": self.queries,
            "notifications": self.notifications,
            "acknowledged": self.acknowledged,
        }
