"""
The OpenAPI document, made of the operations and of the models that they take and give.
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from importlib.metadata import version
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from worker.intake import jobs
from worker.payouts.producers import Scope
from worker.web.api.operations import OPERATIONS, Operation
from worker.web.api.problems import KINDS, MEDIA_TYPE, Code, Problem

#: What may go wrong with any operation.
_ANYWHERE = (Code.UNAUTHENTICATED, Code.FORBIDDEN, Code.FAULT, Code.UNAVAILABLE)

_ABOUT = (
    "Hand payouts over, and look at your own. Two processes serve it, each at an address of its"
    " own: `payouts api --accept` takes tokens of the scope `accept`, `payouts api --read` those"
    " of the scope `read`. Amounts are whole fen, times are UTC."
)

#: What leads from a payout that was told to what may be done with it.
_NUMBER = {"number": "$response.body#/out_trade_no"}
_LEADS_TO = ("showPayout", "cancelPayout")


def document(operations: Iterable[Operation] = OPERATIONS) -> dict[str, Any]:
    """
    The document of some operations, by default of all.
    """
    described = tuple(operations)
    names = {operation.name for operation in described}
    paths: dict[str, dict[str, Any]] = defaultdict(dict)
    for one in described:
        paths[one.path][one.method.lower()] = _operation(one, names)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Payouts",
            "version": version("jdpay-payout-worker"),
            "description": _ABOUT,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "paths": dict(paths),
        "components": {
            "schemas": _schemas(described),
            "securitySchemes": {
                _scheme(scope): {
                    "type": "http",
                    "scheme": "bearer",
                    "description": f"A token of the scope `{scope}`.",
                }
                for scope in sorted({one.scope for one in described})
            },
        },
    }


def text(operations: Iterable[Operation] = OPERATIONS) -> str:
    """
    The same as it is served and shipped.
    """
    return json.dumps(document(operations), ensure_ascii=False, indent=1) + "\n"


def _scheme(scope: Scope) -> str:
    return f"{scope}Token"


def _operation(one: Operation, names: set[str]) -> dict[str, Any]:
    described: dict[str, Any] = {
        "operationId": one.name,
        "summary": one.summary,
        "description": one.description,
        # What is sealed says itself whose it is.
        "security": [{_scheme(one.scope): []}, *([{}] if one.sealed_for else [])],
        "parameters": [*_parameters(one)],
        "responses": {
            **{str(status): _answer(one, told, names) for status, told in one.answers.items()},
            **_problems(one),
        },
    }
    if one.body is not None:
        content = _content("application/json", one.body)
        if one.example is not None:
            content["application/json"]["example"] = dict(one.example)
        if one.sealed_for is not None:
            content["application/jose"] = {"schema": {"type": "string", "pattern": _COMPACT}}
        described["requestBody"] = {"required": one.needs_body, "content": content}
    return described


def _parameters(one: Operation) -> Iterable[dict[str, Any]]:
    if "{number}" in one.path:
        yield {
            "name": "number",
            "in": "path",
            "required": True,
            "description": "The order number, `out_trade_no`.",
            "schema": {"type": "string", "pattern": "^[0-9A-Za-z]{8,32}$"},
        }
    if one.query is None:
        return
    schema = one.query.model_json_schema(ref_template=_REF)
    for name, rule in schema["properties"].items():
        # A parameter that is not given is null to us; on the wire there is no null.
        (kind, *_) = rule.pop("anyOf", [rule])
        told = rule.pop("description")
        yield {
            "name": name,
            "in": "query",
            "required": name in schema.get("required", ()),
            "description": told,
            "schema": {
                k: v
                for k, v in {**rule, **kind}.items()
                if k not in {"title"} and not (k == "default" and v is None)
            },
        }


def _answer(one: Operation, told: str, names: set[str]) -> dict[str, Any]:
    answer = {"description": told, "content": _content("application/json", one.content)}
    if one.body is not None:
        links = {
            name: {"operationId": name, "parameters": dict(_NUMBER)}
            for name in _LEADS_TO
            if name in names
        }
        answer["links"] = links
    return answer


def _problems(one: Operation) -> Mapping[str, Any]:
    by_status: dict[int, list[Code]] = defaultdict(list)
    for code in (*one.problems, *_ANYWHERE):
        by_status[KINDS[code].status].append(code)
    return {
        str(status): {
            "description": f"{HTTPStatus(status).phrase}: {', '.join(f'`{c}`' for c in codes)}.",
            "content": _content(MEDIA_TYPE, Problem),
        }
        for status, codes in sorted(by_status.items())
    }


#: A compact JWE.
_COMPACT = r"^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*(\.[A-Za-z0-9_-]+){3}$"

_REF = "#/components/schemas/{model}"


def _content(media_type: str, model: type[BaseModel]) -> dict[str, Any]:
    return {media_type: {"schema": {"$ref": _REF.format(model=model.__name__)}}}


def _schemas(described: Iterable[Operation]) -> dict[str, Any]:
    used: dict[type[BaseModel], None] = {Problem: None}
    for one in described:
        used |= {m: None for m in (one.content, one.body, one.query) if m is not None}
    _, made = models_json_schema([(m, "validation") for m in used], ref_template=_REF)
    schemas: dict[str, Any] = made["$defs"]
    if jobs.Job in used:
        # With the rules that span fields.
        schemas["Job"] = {k: v for k, v in jobs.schema().items() if k != "$schema"}
    for query in (one.query for one in described if one.query is not None):
        del schemas[query.__name__]
    return dict(sorted(schemas.items()))
