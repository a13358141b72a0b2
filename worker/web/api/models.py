"""
What goes over the HTTP API beside jobs and payouts.
"""

import re
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from worker.intake.jobs import Moment, Number, Text
from worker.payouts.own import Wanted
from worker.payouts.status import PayoutStatus
from worker.views.events import Event
from worker.views.own_payout import Payout

_ASKED = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

_WHOLE = re.compile(r"[0-9]{1,12}", re.ASCII)
#: No installation has so many events.
MAX_POSITION = 999_999_999_999


def _whole(value: object) -> object:
    """
    Refuse what a number in an address is not written as.
    """
    if isinstance(value, str) and not _WHOLE.fullmatch(value):
        raise ValueError("must be a whole number")
    return value


class Filter(BaseModel):
    """
    Which payouts are listed: those of which all that is given is true.
    """

    model_config = _ASKED

    status: PayoutStatus | None = Field(default=None, description="Only those with this status.")
    obligation: Text | None = Field(
        default=None, max_length=64, description="Only those that pay this obligation."
    )
    accepted_from: Moment | None = Field(
        default=None, description="Only those accepted then or later; with its zone."
    )
    accepted_before: Moment | None = Field(
        default=None, description="Only those accepted earlier; with its zone."
    )
    cursor: Number | None = Field(
        default=None, description="`next_cursor` of the page before this one."
    )
    limit: Annotated[int, BeforeValidator(_whole)] = Field(
        default=50, ge=1, le=100, description="So many at most."
    )

    @property
    def wanted(self) -> Wanted:
        """
        The same without the paging.
        """
        return Wanted(
            self.status, self.obligation, self.accepted_from, self.accepted_before, self.cursor
        )


class EventFilter(BaseModel):
    """
    Which events are listed: those of which all that is given is true.
    """

    model_config = _ASKED

    after: Annotated[int, BeforeValidator(_whole)] = Field(
        default=0, ge=0, le=MAX_POSITION, description="`next_after` of the page before this one."
    )
    number: Number | None = Field(default=None, description="Only those of this payout.")
    limit: Annotated[int, BeforeValidator(_whole)] = Field(
        default=50, ge=1, le=100, description="So many at most."
    )


class Events(BaseModel):
    """
    One page of events, in the order in which they were announced.
    """

    events: list[Event]
    next_after: int = Field(description="Ask for what comes after this, now or later.")


class Cancellation(BaseModel):
    """
    Why a payout is withdrawn.
    """

    model_config = _ASKED

    why: Text = Field(
        default="withdrawn by its producer",
        max_length=200,
        description="The reason, for the record; one line, and nobody's name or number.",
    )


class Payouts(BaseModel):
    """
    One page of payouts.
    """

    payouts: list[Payout]
    next_cursor: str | None = Field(description="Leads to the next page; null on the last one.")


class Bank(BaseModel):
    """
    A bank that JD pays to.
    """

    code: str = Field(description="As in `payee_bank_code`.")
    name: str
    note: str


class Banks(BaseModel):
    """
    The banks that JD pays to.
    """

    banks: list[Bank]
