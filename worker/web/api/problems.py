"""
What went wrong with a request, as RFC 9457 has it: what, where, and what to do about it.

No problem quotes a value: a value may be someone's account number.
"""

import enum
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from flask import Response
from pydantic import BaseModel, Field

from worker.payouts.errors import PayoutError

MEDIA_TYPE = "application/problem+json"


class Code(enum.StrEnum):
    """
    What may go wrong. The word is part of the problem's `type`, and never changes its meaning.
    """

    UNREADABLE = "unreadable"
    UNAUTHENTICATED = "unauthenticated"
    FORBIDDEN = "forbidden"
    NOT_FOUND = "not_found"
    METHOD_NOT_ALLOWED = "method_not_allowed"
    NUMBER_REUSED = "number_reused"
    NUMBER_IN_USE = "number_in_use"
    OBLIGATION_TAKEN = "obligation_taken"
    EXPIRED = "expired"
    NOT_ALLOWED = "not_allowed"
    BAD_SEAL = "bad_seal"
    KEY_NOT_GOOD = "key_not_good"
    MISDIRECTED = "misdirected"
    UNSEALED = "unsealed"
    TOO_LARGE = "too_large"
    UNSUPPORTED_MEDIA_TYPE = "unsupported_media_type"
    INVALID = "invalid"
    FAULT = "fault"
    UNAVAILABLE = "unavailable"


@dataclass(frozen=True, slots=True)
class Kind:
    """
    What is always true of one code.
    """

    status: int
    title: str
    remedy: str


_NO_TOKEN = "Send `Authorization: Bearer TOKEN`; `payouts tokens issue` makes a token."  # noqa: S105

KINDS: Mapping[Code, Kind] = {
    Code.UNREADABLE: Kind(
        400, "The request cannot be read", "Send one JSON object in UTF-8, each key once."
    ),
    Code.UNAUTHENTICATED: Kind(401, "No valid token", _NO_TOKEN),
    Code.FORBIDDEN: Kind(
        403, "The token is good for something else", "Use a token of the scope that is named."
    ),
    Code.NOT_FOUND: Kind(
        404, "There is no such thing", "Check the address; a payout is found by its own producer."
    ),
    Code.METHOD_NOT_ALLOWED: Kind(
        405, "Nothing here takes this method", "Use a method that `Allow` names."
    ),
    Code.NUMBER_REUSED: Kind(
        409,
        "Another of your jobs has this number",
        "Find out which of the two is meant; what is new takes a new number.",
    ),
    Code.NUMBER_IN_USE: Kind(409, "Another application has this number", "Use another number."),
    Code.OBLIGATION_TAKEN: Kind(
        409,
        "The obligation has no room for this payout",
        "Do not pay it twice; if it was not paid, ask your operators.",
    ),
    Code.EXPIRED: Kind(409, "Its last moment has passed", "Decide whether it is still owed."),
    Code.NOT_ALLOWED: Kind(
        409, "Its state does not allow this", "Look what it is, and ask your operators."
    ),
    Code.BAD_SEAL: Kind(
        401,
        "No key that is known here sealed this",
        "Seal it with a key of `payouts producers keys`, in one of the two forms that are taken.",
    ),
    Code.KEY_NOT_GOOD: Kind(
        403, "The key that sealed this does not count", "Seal it with another key of yours."
    ),
    Code.MISDIRECTED: Kind(
        403, "This was sealed for somebody else", "Seal it for this merchant and this profile."
    ),
    Code.UNSEALED: Kind(
        403, "Only what is sealed moves money", "Seal it, and send it as `application/jose`."
    ),
    Code.TOO_LARGE: Kind(413, "The request is too large", "Send one job, of 256 KiB at most."),
    Code.UNSUPPORTED_MEDIA_TYPE: Kind(
        415,
        "The body is of another type",
        "Send JSON as `application/json`, and what is sealed as `application/jose`.",
    ),
    Code.INVALID: Kind(
        422, "The request breaks rules", "Correct each of `errors`, and send it again."
    ),
    Code.FAULT: Kind(
        500,
        "A fault of this program",
        "Nothing is known to be done. Send it again under the same number, and report the fault.",
    ),
    Code.UNAVAILABLE: Kind(
        503,
        "The database cannot be reached",
        "Nothing is known to be done. Send it again under the same number, in some seconds.",
    ),
}


class Error(BaseModel):
    """
    One thing that is wrong, and where.
    """

    detail: str
    pointer: str | None = Field(
        default=None, description="Where in the body: a JSON pointer, as a URI fragment."
    )
    parameter: str | None = Field(default=None, description="Which parameter of the query.")


class Problem(BaseModel):
    """
    What went wrong: what, where, and what to do about it.
    """

    type: str = Field(description="Names the kind of problem for programs.")
    title: str = Field(description="The kind of problem for people.")
    status: int
    code: Code = Field(description="The last word of `type`.")
    detail: str = Field(description="What is wrong this time.")
    remedy: str = Field(description="What to do about it.")
    errors: list[Error] = Field(description="Each thing that is wrong, where that can be told.")


class Refused(PayoutError):
    """
    A request ends with a problem.
    """

    def __init__(
        self,
        code: Code,
        detail: str,
        errors: Sequence[Error] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail
        self.errors = errors
        self.headers = headers or {}

    def response(self) -> Response:
        """
        The problem as an answer.
        """
        kind = KINDS[self.code]
        problem = Problem(
            type=f"urn:problem-type:payouts:{self.code}",
            title=kind.title,
            status=kind.status,
            code=self.code,
            detail=self.detail,
            remedy=kind.remedy,
            errors=list(self.errors),
        )
        body = problem.model_dump_json(exclude_none=True)
        return Response(body, kind.status, self.headers, content_type=MEDIA_TYPE)


_FIELD = re.compile(r"([a-z_.]+): (.*)", re.DOTALL)


def in_body(faults: Sequence[str]) -> list[Error]:
    """
    The faults of a job, each with its place.
    """
    return [_in_body(fault) for fault in faults]


def _in_body(fault: str) -> Error:
    match = _FIELD.fullmatch(fault)
    if match is None or match[1] == "job":
        return Error(detail=fault, pointer="#")
    # What is compared with a payout is named by the parts of an order: its payee's account is a
    # field of the job's.
    return Error(detail=match[2], pointer=f"#/{match[1].replace('.', '_')}")
