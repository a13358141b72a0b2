"""
What a story has JD say in one message, over what the sandbox would say there by itself.
"""

import enum
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema, model_validator

from worker.sandbox.near import unknown
from worker.sandbox.signing import UNSIGNED, Signature
from worker.sandbox.spans import Span
from worker.sandbox.trade import Cause, Status, Step

Fen = Annotated[int, Field(ge=0, le=999_999_999_999)]
Word = Annotated[str, Field(min_length=1, max_length=256)]
_FieldName = Annotated[str, Field(pattern=r"^[A-Za-z_][0-9A-Za-z_]{0,63}$")]
_FieldValue = Annotated[str, Field(max_length=1024)]

#: Every field that a message of the sandbox may hold: what a story can leave out.
FIELDS = frozenset(
    (
        *("bank_code", "biz_trade_no", "buyer_info", "card_type", "category_code"),
        *("confirm_amount", "customer_no", "is_success", "merchant_no", "notify_datetime"),
        *("out_trade_date", "out_trade_no", "pay_tool", "refund_amount", "response_code"),
        *("response_datetime", "response_message", "return_params", "seller_info"),
        *("trade_amount", "trade_class", "trade_currency", "trade_finish_date"),
        *("trade_finish_time", "trade_no", "trade_pay_date", "trade_pay_time"),
        *("trade_respcode", "trade_respmsg", "trade_status", "trade_subject"),
    )
)

_Known = Annotated[str, WithJsonSchema({"type": "string", "enum": sorted(FIELDS)})]

#: Those of them that a story names by keys of their own.
_NAMED = (
    *("response_code", "response_message", "trade_status", "trade_no", "trade_amount"),
    *("trade_currency", "refund_amount", "trade_respcode", "trade_respmsg"),
)


class Connection(enum.StrEnum):
    """
    What becomes of a connection that is not answered.
    """

    CUT = "cut"  #: closed without a byte
    HELD = "held"  #: open and silent


class Part(BaseModel):
    """
    A piece of a script: no unknown keys, nothing converted.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Saying(Part):
    """
    The fields of one message, and how it is signed.
    """

    trade_status: Status | None = Field(
        None, description="Any other value, or an empty one, goes into `fields`."
    )
    trade_no: Word | None = Field(None, description="JD's number, if it is to be another one.")
    trade_amount: Fen | None = Field(None, description="In fen; else what was ordered.")
    trade_currency: Word | None = None
    refund_amount: Fen | None = Field(
        None, description="What has come back, in fen; with REFU only, else the whole amount."
    )
    trade_respcode: Word | None = Field(None, description="Why it was closed, e.g. BAC2000006.")
    trade_respmsg: Word | None = None
    fields: dict[_FieldName, _FieldValue | None] = Field(
        default_factory=dict, description="Any other signed fields, as they go over the wire."
    )
    without: tuple[_Known, ...] = Field((), description="The names of fields to leave out.")
    signature: Signature = Signature.GOOD

    @property
    def says_trade(self) -> bool:
        """
        Whether the message names a trade, if only to leave its status out.
        """
        return self.trade_status is not None or "trade_status" in {*self.fields, *self.without}

    @property
    def counts(self) -> bool:
        """
        Whether it is JD's word on the trade's status, which the books then follow.
        """
        return self.trade_status is not None and self.signature is Signature.GOOD

    def step(self, amount_fen: int, at: datetime) -> Step:
        """
        The step that the message reports; only where `trade_status` is said.
        """
        assert self.trade_status is not None
        told = amount_fen if self.refund_amount is None else self.refund_amount
        refund_fen = min(told, amount_fen) if self.trade_status is Status.REFU else 0
        has_cause = self.trade_respcode is not None or self.trade_respmsg is not None
        cause = Cause(self.trade_respcode or "", self.trade_respmsg or "") if has_cause else None
        return Step(at, self.trade_status, refund_fen, cause)

    def over(self, base: Mapping[str, str | None]) -> dict[str, str | None]:
        """
        The fields of `base` as this message has them.
        """
        said = {name: getattr(self, name, None) for name in _NAMED}
        named = {name: str(value) for name, value in said.items() if value is not None}
        whole = {**base, **named, **self.fields}
        return {name: value for name, value in whole.items() if name not in self.without}

    @model_validator(mode="after")
    def _check_fields(self) -> Self:
        named = [name for name in _NAMED if getattr(self, name, None) is not None]
        for name in _twice([*named, *self.fields, *self.without]):
            raise ValueError(f"{name} is given twice: as a key, in `fields`, in `without`")
        for name in self.without:
            if name in UNSIGNED:
                raise ValueError(f'{name} is not left out by `without`: write "signature": "none"')
            if name not in FIELDS:
                raise ValueError(unknown(f"without: {name!r} is no field", name, FIELDS))
        if UNSIGNED & self.fields.keys():
            raise ValueError("fields: the signature is chosen by `signature`")
        if self.refund_amount is not None and self.trade_status is not Status.REFU:
            raise ValueError(
                "refund_amount goes with trade_status REFU; with another, write it into `fields`"
            )
        return self


class Answer(Saying):
    """
    What is answered to one request: signed fields, a page, or nothing at all.
    """

    response_code: Word | None = Field(None, description="Else 0000. Any word may be a code.")
    response_message: Word | None = None
    http_status: int = Field(200, ge=200, le=599)
    body: str | None = Field(
        None, max_length=65_536, description="A page to answer instead of signed fields."
    )
    connection: Connection | None = Field(
        None, description="No answer: cut without a byte, or held open and silent."
    )
    delay: Span = Field(timedelta(0), description="How long the answer is held back first.")

    @property
    def is_page(self) -> bool:
        """
        Whether something else than signed fields is answered.
        """
        return self.body is not None or not (self.response_code or self.says_trade)

    @property
    def counts(self) -> bool:
        """
        Whether it is JD's word on the trade's status: only where it can be read at all.
        """
        is_read = self.connection is None and not self.is_page and self.http_status == 200
        return is_read and super().counts

    @model_validator(mode="after")
    def _check_kind(self) -> Self:
        fields = self.model_fields_set & {*_NAMED, "fields", "without", "signature"}
        if self.delay > _LONGEST_DELAY:
            raise ValueError("delay: at most 1h")
        if self.connection is not None:
            _refuse("a connection without an answer", fields | (self.model_fields_set & _PAGE))
            if self.connection is Connection.HELD and self.delay:
                raise ValueError("a held connection needs no delay: `--hang` says how long")
        elif self.body is not None:
            _refuse("a body", fields)
        elif self.is_page and (fields or self.http_status == 200):
            raise ValueError(
                "nothing is said: give trade_status or response_code, a body, an http_status other"
                " than 200, or a connection"
            )
        return self


class Submit(Answer):
    """
    The answer to one transmission of the order.
    """

    books: bool | None = Field(
        None,
        description="Whether this transmission takes the money, which one of a story's can do."
        " Without a word: the first that is answered 0000 with a trade_status.",
    )

    @property
    def accepts(self) -> bool:
        """
        Whether it says that the order was taken.
        """
        return self.connection is None and not self.is_page and self._is_processed

    @property
    def _is_processed(self) -> bool:
        return self.response_code in {None, "0000"} and self.says_trade


class Query(Answer):
    """
    The answer to one query, and to those after it until the next one's turn comes.
    """

    after: Span = Field(
        timedelta(0), description="Not before this, counted from the first transmission."
    )


class Notification(Saying):
    """
    One notification, sent once whatever is answered.
    """

    at: Span = Field(description="When, counted from the first transmission.")

    @model_validator(mode="after")
    def _check_status(self) -> Self:
        if not self.says_trade:
            raise ValueError("a notification has a trade_status, or leaves it out by `without`")
        if None in self.fields.values():
            raise ValueError("fields: a notification has no null; leave the field out by `without`")
        return self


_LONGEST_DELAY = timedelta(hours=1)
_PAGE = frozenset({"http_status", "body"})


def _refuse(kind: str, others: Iterable[str]) -> None:
    if found := sorted(others):
        raise ValueError(f"{kind} goes without {', '.join(found)}")


def _twice(names: list[str]) -> list[str]:
    return sorted({name for name in names if names.count(name) > 1})
