"""
Events as producers are told of them: the same to a webhook, a queue, a command and the HTTP API.
"""

from datetime import datetime
from typing import Self

from pydantic import BaseModel, ConfigDict, Field

from worker.payouts import event as domain
from worker.payouts.event import EventType
from worker.payouts.model import CaseKind
from worker.payouts.policy.events import NOT_YET_REPAYABLE
from worker.payouts.status import PayoutStatus, Reason
from worker.views.texts import CASE_MEANINGS, MEANINGS

Document = dict[str, object]


class Data(BaseModel):
    """
    What was known of a payout, a job or a debt when it happened; what does not apply is left out.
    """

    model_config = ConfigDict(frozen=True)

    out_trade_no: str | None = Field(description="Your order number.")
    customer_no: str | None = Field(description="JD's number of the merchant who pays.")
    producer: str
    obligation: str | None = Field(description="What you owe, by the name that you gave it.")
    epoch: int = Field(description="Rises when the database was restored.")
    version: int = Field(description="Within an epoch, orders the events of one payout.")
    status: PayoutStatus | None
    meaning: str | None = Field(description="The status in a sentence; for people.")
    reason: Reason | None
    amount_fen: int | None
    returned_fen: int | None = Field(description="What the bank sent back so far, in fen.")
    case: CaseKind | None = Field(description="What a person of yours has to decide.")
    case_meaning: str | None
    safe_to_repay: bool | None = Field(
        description="Never true: what may be paid again is told by `obligation.freed` alone."
    )
    not_repayable_before: datetime | None
    faults: list[str] | None = Field(description="What is wrong with a job: fields and rules.")


class Event(BaseModel):
    """
    One thing that happened.
    """

    model_config = ConfigDict(frozen=True)

    id: str = Field(description="The same however often it is told.")
    type: EventType
    timestamp: datetime
    data: Data

    @classmethod
    def of(cls, event: domain.Event) -> Self:
        """
        What is told of an event.
        """
        is_back = event.type in NOT_YET_REPAYABLE
        data = Data(
            out_trade_no=event.out_trade_no,
            customer_no=event.customer_no,
            producer=event.producer,
            obligation=event.obligation,
            epoch=event.epoch,
            version=event.version,
            status=event.status,
            meaning=None if event.status is None else MEANINGS[event.status],
            reason=event.reason,
            amount_fen=event.amount_fen,
            returned_fen=event.returned_fen,
            case=event.case,
            case_meaning=None if event.case is None else CASE_MEANINGS[event.case],
            safe_to_repay=False if is_back else None,
            not_repayable_before=event.repayable_from if is_back else None,
            faults=list(event.faults) if event.type is EventType.REJECTED else None,
        )
        return cls(id=event.uid, type=event.type, timestamp=event.at, data=data)


def event(event: domain.Event) -> Document:
    """
    An event: its id, type, time, and what is known of its payout, job or debt then.
    """
    told: Document = Event.of(event).model_dump(mode="json", exclude_none=True)
    return told


def body(event: domain.Event) -> bytes:
    """
    The same as JSON, in UTF-8: what a webhook's signature is over.
    """
    return Event.of(event).model_dump_json(exclude_none=True).encode()
