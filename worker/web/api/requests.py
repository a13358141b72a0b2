"""
A request, read: who asks, for what, and with which content. Each part is checked, or it is refused.
"""

from pydantic import BaseModel, ValidationError
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Request

from worker.intake import jobs, json_text
from worker.intake.faults import told
from worker.payouts.errors import BadToken, UnreadableJobs, WrongScope
from worker.payouts.producers import Scope
from worker.usecases.ports import TokenReads
from worker.usecases.producers import identify
from worker.web.api.operations import Asked, Operation
from worker.web.api.problems import Code, Error, Refused

#: A larger body is refused, and not read further.
MAX_BODY_BYTES = jobs.MAX_BODY_BYTES

_JSON, _JOSE = "application/json", "application/jose"


def asked(request: Request, operation: Operation, tokens: TokenReads, number: str) -> Asked:
    """
    What a request asks for. Raises `Refused`; who shows no token hears of nothing else.

    What a producer has sealed says itself whose it is, and takes no token.
    """
    if operation.sealed_for is not None and request.mimetype == _JOSE:
        _query(request.args, operation.query)
        return Asked("", number, sealed=_content(request).decode("ascii", "replace").strip())
    producer = _producer(request, operation.scope, tokens)
    return Asked(producer, number, _query(request.args, operation.query), _body(request, operation))


def _producer(request: Request, scope: Scope, tokens: TokenReads) -> str:
    shown = request.authorization
    if shown is None or shown.type != "bearer" or not shown.token:
        raise Refused(Code.UNAUTHENTICATED, "no token was sent", headers=_challenge())
    try:
        return identify(tokens, shown.token, scope)
    except WrongScope as fault:
        told = _challenge("insufficient_scope")
        raise Refused(Code.FORBIDDEN, str(fault), headers=told) from None
    except BadToken as fault:
        told = _challenge("invalid_token")
        raise Refused(Code.UNAUTHENTICATED, str(fault), headers=told) from None


def _challenge(error: str | None = None) -> dict[str, str]:
    realm = 'Bearer realm="payouts"'
    return {"WWW-Authenticate": realm if error is None else f'{realm}, error="{error}"'}


def _query(given: "MultiDict[str, str]", model: type[BaseModel] | None) -> BaseModel | None:
    # A filter that is misspelt, or given twice, would list what nobody asked for.
    faults = [f"{name}: is given twice" for name, all_ in given.lists() if len(all_) > 1]
    parsed = None
    try:
        parsed = (model or _Nothing).model_validate(given.to_dict())
    except ValidationError as error:
        faults += told(error, "is no parameter here")
    if faults:
        errors = [_in_query(fault) for fault in faults]
        raise Refused(Code.INVALID, "; ".join(faults), errors)
    return None if model is None else parsed


class _Nothing(BaseModel, extra="forbid"):
    """
    An operation that takes no query.
    """


def _in_query(fault: str) -> Error:
    name, _, rule = fault.partition(": ")
    return Error(detail=rule, parameter=name)


def _content(request: Request) -> bytes:
    content = request.get_data(cache=False)
    if len(content) > MAX_BODY_BYTES:
        raise Refused(Code.TOO_LARGE, "the body has more than 256 KiB")
    return content


def _body(request: Request, operation: Operation) -> object:
    if operation.body is None:
        return None
    content = _content(request)
    if not content and not operation.needs_body:
        return {}
    if request.mimetype != _JSON:
        raise Refused(Code.UNSUPPORTED_MEDIA_TYPE, f"the body must be {_JSON}")
    try:
        return json_text.parse(content)
    except UnreadableJobs as fault:
        raise Refused(Code.UNREADABLE, str(fault), [Error(detail=str(fault))]) from None
