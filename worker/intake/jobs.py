"""
The job: what a producer sends to have someone paid.

Its fields carry the names of JD's own where JD has one. All faults of a job are named at once, each
with its field and the rule, and never with a value: a value may be someone's account number.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StrictInt,
    StrictStr,
    ValidationError,
)

from worker.intake import fields
from worker.intake.faults import told
from worker.jdpay import banks
from worker.payouts.errors import InvalidJob
from worker.payouts.model import Order, Payee, Rejection
from worker.payouts.money import MAX_FEN
from worker.payouts.producers import DEFAULT_PRODUCER

#: A larger entry message is refused before it is read.
MAX_BODY_BYTES = 256 * 1024


Text = Annotated[
    StrictStr,
    Field(min_length=1, json_schema_extra={"pattern": fields.PLAIN}),
    AfterValidator(fields.plain),
]

Number = Annotated[
    StrictStr,
    Field(json_schema_extra={"pattern": "^[0-9A-Za-z]{8,32}$"}),
    AfterValidator(fields.order_number),
]


#: A moment, with its zone.
Moment = Annotated[AwareDatetime, BeforeValidator(fields.written), AfterValidator(fields.storable)]


class Job(BaseModel):
    """
    One payout to a bank account.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True, title="Job")

    out_trade_no: Number = Field(
        description="Your order number, 8 to 32 letters or digits; the payout keeps it for life."
    )
    amount_fen: StrictInt = Field(ge=1, le=MAX_FEN, description="The amount in fen (0.01 yuan).")
    payee_account_no: Annotated[StrictStr, AfterValidator(fields.account_no)] = Field(
        description="The payee's account or card number.",
        json_schema_extra={"pattern": "^[0-9]{5,32}$"},
    )
    payee_account_name: Text = Field(max_length=100, description="The account holder's name.")
    payee_bank_code: Annotated[StrictStr, AfterValidator(fields.bank_code)] = Field(
        description="JD's short name of the bank, as CMB.",
        json_schema_extra=lambda schema: schema.update({"enum": [*sorted(banks.banks())]}),
    )
    payee_account_type: Literal["P", "C"] = Field(description="P: a person; C: a company (对公).")
    payee_card_type: Literal["DE", "CR"] = Field(
        default="DE", description="DE: debit; CR: credit, for persons only."
    )
    payee_branch_code: Annotated[StrictStr, AfterValidator(fields.digits(12, 12))] | None = Field(
        default=None,
        description="联行号: the bank branch. Required for a company.",
        json_schema_extra={"pattern": "^[0-9]{12}$"},
    )
    payee_branch_name: Text | None = Field(
        default=None, max_length=128, description="The branch's full name. Required for a company."
    )
    subject: Text = Field(max_length=100, description="What the payment is for; the bank shows it.")
    obligation: Text | None = Field(
        default=None,
        max_length=64,
        description="What you owe, by name; it is paid once. Default: out_trade_no.",
    )
    owed_fen: StrictInt | None = Field(
        default=None,
        ge=1,
        le=MAX_FEN,
        description="What is owed in all, where several payouts share it. Default: amount_fen.",
    )
    pay_tool: Annotated[StrictStr, AfterValidator(fields.pay_tool)] = Field(
        default="TRAN",
        description="TRAN: to a bank account. Nothing else is built.",
        json_schema_extra={"enum": ["TRAN"]},
    )
    biz_trade_no: Text | None = Field(
        default=None, max_length=64, description="Your business order; forwarded, may repeat."
    )
    return_params: Text | None = Field(
        default=None, max_length=256, description="JD echoes it in replies and notifications."
    )
    payee_mobile: Annotated[StrictStr, AfterValidator(fields.digits(5, 20))] | None = Field(
        default=None,
        description="Only if the bank shall text the payee.",
        json_schema_extra={"pattern": "^[0-9]{5,20}$"},
    )
    payee_id_type: Literal["ID", "HO", "TW", "CE", "SO", "BAP", "PA"] | None = Field(
        default=None, description="ID identity card, HO home-return permit, TW, CE, SO, BAP, PA."
    )
    payee_id_no: Text | None = Field(default=None, max_length=32)
    send_before: Moment | None = Field(
        default=None, description="Not to be sent for the first time after this; with its zone."
    )
    metadata: dict[
        Annotated[StrictStr, Field(min_length=1, max_length=40)],
        Annotated[StrictStr, Field(max_length=500)],
    ] = Field(
        default_factory=dict, max_length=20, description="Your own notes; JD never sees them."
    )


def parse(job: object, producer: str = DEFAULT_PRODUCER) -> Order:
    """
    Turn a producer's job into an order. Raises `InvalidJob` with every fault.
    """
    if not isinstance(job, Mapping):
        raise InvalidJob(("job: must be an object",))
    faults = list(_across_fields(job))
    try:
        checked = Job.model_validate(job)
    except ValidationError as error:
        faults = [*told(error, "is not a field of a job"), *faults]
    if faults:
        raise InvalidJob(tuple(faults))
    return _order(checked, producer)


def rejection(job: object, reason: str, faults: tuple[str, ...], producer: str) -> Rejection:
    """
    Describe a job that is not accepted, without its content.
    """
    text = job if isinstance(job, str) else json.dumps(job, ensure_ascii=False, default=str)
    body = text.encode("utf-8", "surrogatepass")
    return described(body, reason, faults, number_in(job), producer)


def described(
    body: bytes,
    reason: str,
    faults: tuple[str, ...],
    out_trade_no: str | None = None,
    producer: str | None = None,
) -> Rejection:
    """
    Describe a message by its size and SHA-256 alone.
    """
    return Rejection(
        reason=reason,
        faults=faults,
        size_bytes=len(body),
        sha256=hashlib.sha256(body).hexdigest(),
        out_trade_no=out_trade_no,
        producer=producer,
    )


def schema() -> dict[str, Any]:
    """
    The JSON Schema of a job, with the rules that span fields.
    """
    written = Job.model_json_schema()
    written["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    company = _given("payee_branch_code", "payee_branch_name")
    company["properties"]["payee_card_type"] = {"const": "DE"}
    written["allOf"] = [
        {"if": {"properties": {"payee_account_type": {"const": "C"}}}, "then": company},
        {"if": _given("payee_id_no"), "then": _given("payee_id_type")},
        {"if": _given("payee_id_type"), "then": _given("payee_id_no")},
    ]
    return written


def _given(*names: str) -> dict[str, Any]:
    """
    Ask for fields that are there and not null.
    """
    return {"required": [*names], "properties": {name: {"type": "string"} for name in names}}


def _across_fields(job: Mapping[str, object]) -> Iterator[str]:
    if job.get("payee_account_type") == "C":
        for name in ("payee_branch_code", "payee_branch_name"):
            if job.get(name) is None:
                yield f"{name}: is required for a company account"
        if job.get("payee_card_type") == "CR":
            yield "payee_card_type: a company account has no credit card; use DE"
    owed_fen, amount_fen = job.get("owed_fen"), job.get("amount_fen")
    if isinstance(owed_fen, int) and isinstance(amount_fen, int) and owed_fen < amount_fen:
        yield "owed_fen: is less than amount_fen, and no payout pays more than is owed"
    if (job.get("payee_id_no") is None) is not (job.get("payee_id_type") is None):
        yield "payee_id_no: goes together with payee_id_type"


def number_in(job: object) -> str | None:
    """
    The order number in what is perhaps no job, if it can be one.
    """
    number = job.get("out_trade_no") if isinstance(job, Mapping) else None
    if isinstance(number, str) and number.isascii() and number.isalnum() and len(number) <= 32:
        return number
    return None


def _order(job: Job, producer: str) -> Order:
    return Order(
        out_trade_no=job.out_trade_no,
        amount_fen=job.amount_fen,
        subject=job.subject,
        payee=Payee(
            account_no=job.payee_account_no,
            account_name=job.payee_account_name,
            bank_code=job.payee_bank_code,
            account_type=job.payee_account_type,
            card_type=job.payee_card_type,
            branch_code=job.payee_branch_code,
            branch_name=job.payee_branch_name,
            mobile=job.payee_mobile,
            id_type=job.payee_id_type,
            id_no=job.payee_id_no,
        ),
        obligation=job.obligation or job.out_trade_no,
        owed_fen=job.owed_fen,
        producer=producer,
        biz_trade_no=job.biz_trade_no,
        return_params=job.return_params,
        send_before=job.send_before,
        metadata=dict(job.metadata),
    )
