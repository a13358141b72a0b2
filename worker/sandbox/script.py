"""
A script: the stories of single numbers or payees, written down beforehand.

A story takes the place of a scenario, and in it nothing happens by itself: what it does not say is
answered for a payout that was accepted and has the status that was told last: at first, that it
waits for the bank.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import timedelta
from typing import Annotated, Any, Self

from pydantic import Field, model_validator

from worker.sandbox.saying import Notification, Part, Query, Saying, Submit
from worker.sandbox.trade import Status

_Number = Annotated[str, Field(pattern=r"^[0-9A-Za-z_]{1,64}$")]
_Account = Annotated[str, Field(pattern=r"^[0-9A-Za-z-]{1,32}$")]


class Story(Part):
    """
    What JD answers and tells about one number, or about each number that pays one account.
    """

    name: str = Field(min_length=1, max_length=64, description="What errors and books call it.")
    out_trade_no: _Number | None = Field(None, description="Whose story it is: this number's ...")
    payee_account_no: _Account | None = Field(
        None, description="... or that of each number which pays this account."
    )
    submits: tuple[Submit, ...] = Field(
        (),
        json_schema_extra={"minItems": 1},
        description="The answers to the first transmission, the second, and so on. Further ones are"
        " taken as usual: booked, or a duplicate.",
    )
    queries: tuple[Query, ...] = Field(
        (),
        json_schema_extra={"minItems": 1},
        description="The answers to the first query, the second, and so on; the last one repeats.",
    )
    notifications: tuple[Notification, ...] = Field((), description="All that are sent.")

    def submit(self, place: int) -> Submit | None:
        """
        The answer to a transmission, counted from 1; None if the story has none.
        """
        return self.submits[place - 1] if place <= len(self.submits) else None

    def books(self, place: int) -> bool:
        """
        Whether a transmission, counted from 1, takes the money if none before it did.
        """
        return place > len(self.submits) or place == self.booking

    @property
    def booking(self) -> int | None:
        """
        Which of `submits` takes the money, counted from 1.
        """
        places = list(enumerate(self.submits, start=1))
        said = [place for place, submit in places if submit.books]
        meant = [place for place, submit in places if submit.books is None and submit.accepts]
        return next(iter(said + meant), None)

    def next_query(self, place: int, passed: timedelta) -> int:
        """
        The place of the answer to a query after that of the last one; 0 is before the first.
        """
        following = self.queries[place : place + 1]
        return place + 1 if following and following[0].after <= passed else place

    @model_validator(mode="after")
    def _check(self) -> Self:
        if (self.out_trade_no is None) is (self.payee_account_no is None):
            raise ValueError("give one of out_trade_no and payee_account_no: whose story it is")
        for key in self.model_fields_set & {"submits", "queries"}:
            if not getattr(self, key):
                raise ValueError(f"{key}: an empty list answers nothing; leave it out")
        if not (self.submits or self.queries or self.notifications):
            raise ValueError("nothing is told: give submits, queries or notifications")
        if sum(submit.books is True for submit in self.submits) > 1:
            raise ValueError("submits: a number takes the money once, so one may say books: true")
        if _falls(query.after for query in self.queries):
            raise ValueError("queries: `after` must not fall from one to the next")
        if self.submits and self.booking is None:
            for place, saying in self._sayings():
                if saying.counts and saying.trade_status in _TAKES_MONEY:
                    raise ValueError(
                        f"{place} says {saying.trade_status}, but no submit takes the money: write"
                        ' "books": true into the one that does'
                    )
        return self

    def _sayings(self) -> Iterator[tuple[str, Saying]]:
        kinds: dict[str, tuple[Saying, ...]] = {
            "submit": self.submits,
            "query": self.queries,
            "notification": self.notifications,
        }
        for kind, sayings in kinds.items():
            for place, saying in enumerate(sayings, start=1):
                yield f"{kind} {place}", saying


class Script(Part):
    """
    Stories, each of another number or account. A number's own story goes before its account's.
    """

    schema_address: str | None = Field(
        None, alias="$schema", description="For editors; it is not read."
    )
    stories: tuple[Story, ...]

    def story_of(self, out_trade_no: str, payee_account_no: str) -> Story | None:
        """
        The story of an order, if it has one.
        """
        by_account = None
        for story in self.stories:
            if story.out_trade_no == out_trade_no:
                return story
            if story.payee_account_no == payee_account_no:
                by_account = story
        return by_account

    @model_validator(mode="after")
    def _check(self) -> Self:
        for key in ("name", "out_trade_no", "payee_account_no"):
            values = Counter(getattr(story, key) for story in self.stories)
            del values[None]
            if any(times > 1 for times in values.values()):
                raise ValueError(f"two stories have the same {key}")
        return self


NO_SCRIPT = Script(stories=())

#: A trade of which this is said has been booked.
_TAKES_MONEY = frozenset({Status.FINI, Status.REFU})


def schema() -> dict[str, Any]:
    """
    The JSON Schema of a script.
    """
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **Script.model_json_schema(),
        "title": "A script for payouts sandbox",
    }


def _falls(spans: Iterable[timedelta]) -> bool:
    found = list(spans)
    return found != sorted(found)
