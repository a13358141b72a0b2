"""
What can be asked of the HTTP API.

Routes, the check of tokens and the OpenAPI document are all made of these operations.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from pydantic import BaseModel

from worker.intake.jobs import Job
from worker.payouts.producers import Scope
from worker.payouts.sealed_job import Purpose
from worker.views.own_payout import Payout
from worker.web.api.models import Banks, Cancellation, EventFilter, Events, Filter, Payouts
from worker.web.api.problems import Code


@dataclass(frozen=True, slots=True)
class Asked:
    """
    A request, its parts checked as the operation says.
    """

    #: Who shows a token; nobody has to where the body is sealed.
    producer: str
    #: The order number in the address.
    number: str = ""
    query: BaseModel | None = None
    #: The JSON value of the body; an empty object where none had to be sent.
    body: object = field(default=None, repr=False)
    #: A body that its producer sealed: it says itself whose it is.
    sealed: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Answer:
    """
    What came of it.
    """

    content: BaseModel
    status: int = 200


Handler = Callable[[Asked], Answer]


@dataclass(frozen=True, eq=False)
class Operation:
    """
    One operation. `path` is as OpenAPI has it; statuses in `answers` tell what each means.
    """

    name: str
    method: str
    path: str
    scope: Scope
    summary: str
    description: str
    answers: Mapping[int, str]
    content: type[BaseModel]
    #: What may go wrong beside what may go wrong everywhere.
    problems: Sequence[Code] = ()
    query: type[BaseModel] | None = None
    body: type[BaseModel] | None = None
    needs_body: bool = False
    #: What a sealed body is for, where one is taken.
    sealed_for: Purpose | None = None
    example: Mapping[str, object] | None = None


CREATE = Operation(
    name="createPayout",
    method="POST",
    path="/v1/payouts",
    scope=Scope.ACCEPT,
    summary="Hand a payout over",
    description=(
        "Answered once the payout is committed: it is then durable, and paid at most once. The"
        " number is the key of the request: repeat it as often as you like. A job that you have"
        " sealed needs no token; an unsealed one is taken in the sandbox profile only."
    ),
    body=Job,
    needs_body=True,
    sealed_for=Purpose.PAY,
    example={
        "out_trade_no": "WITHDRAW20261123001",
        "amount_fen": 12345,
        "payee_account_no": "620000000000000002",
        "payee_account_name": "张三",
        "payee_bank_code": "CMB",
        "payee_account_type": "P",
        "subject": "withdrawal 42",
        "obligation": "withdrawal-42",
    },
    answers={
        201: "It is a payout now.",
        200: "It is a payout already, with the same content.",
    },
    content=Payout,
    problems=(
        *(Code.UNREADABLE, Code.TOO_LARGE, Code.UNSUPPORTED_MEDIA_TYPE, Code.INVALID),
        *(Code.NUMBER_REUSED, Code.NUMBER_IN_USE, Code.OBLIGATION_TAKEN, Code.EXPIRED),
        *(Code.BAD_SEAL, Code.KEY_NOT_GOOD, Code.MISDIRECTED, Code.UNSEALED),
    ),
)

CANCEL = Operation(
    name="cancelPayout",
    method="POST",
    path="/v1/payouts/{number}/cancel",
    scope=Scope.ACCEPT,
    summary="Withdraw a payout that was not sent",
    description=(
        "Possible while it is `queued` or `held`. One that is withdrawn already stays as it is."
        " Its obligation stays taken until an operator frees it."
    ),
    body=Cancellation,
    sealed_for=Purpose.CANCEL,
    answers={200: "It is withdrawn, and will not be sent."},
    content=Payout,
    problems=(
        *(Code.UNREADABLE, Code.TOO_LARGE, Code.UNSUPPORTED_MEDIA_TYPE, Code.INVALID),
        *(Code.NOT_FOUND, Code.NOT_ALLOWED, Code.EXPIRED),
        *(Code.BAD_SEAL, Code.KEY_NOT_GOOD, Code.MISDIRECTED, Code.UNSEALED),
    ),
)

SHOW = Operation(
    name="showPayout",
    method="GET",
    path="/v1/payouts/{number}",
    scope=Scope.READ,
    summary="Show one payout",
    description="One of your own, by its order number; another application's is not found.",
    answers={200: "What is known of it now."},
    content=Payout,
    problems=(Code.NOT_FOUND,),
)

LIST = Operation(
    name="listPayouts",
    method="GET",
    path="/v1/payouts",
    scope=Scope.READ,
    summary="List payouts",
    description=(
        "Your own, the last accepted first, a page at a time: pass `next_cursor` on as `cursor`."
        " What is accepted meanwhile does not shift the pages behind."
    ),
    query=Filter,
    answers={200: "One page of them."},
    content=Payouts,
    problems=(Code.INVALID, Code.NOT_FOUND),
)

EVENTS = Operation(
    name="listEvents",
    method="GET",
    path="/v1/events",
    scope=Scope.READ,
    summary="List events",
    description=(
        "What happened to your own payouts, jobs and debts, in one order: pass `next_after` on as"
        " `after`, and nothing is missed or told twice. A relay has to run, which announces them."
    ),
    query=EventFilter,
    answers={200: "One page of them; empty where nothing is new."},
    content=Events,
    problems=(Code.INVALID,),
)

BANKS = Operation(
    name="listBanks",
    method="GET",
    path="/v1/banks",
    scope=Scope.READ,
    summary="List banks",
    description="The codes that a job may have as `payee_bank_code`.",
    answers={200: "All of them, by code."},
    content=Banks,
)

#: All of them, those of the process that accepts first.
OPERATIONS = (CREATE, CANCEL, LIST, SHOW, EVENTS, BANKS)
