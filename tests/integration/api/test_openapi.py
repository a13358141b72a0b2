"""
The OpenAPI document is made of what runs, whole, and shipped as it is served.
"""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from flask import Flask
from werkzeug.test import Client

from worker.cli import main
from worker.intake import jobs
from worker.web.api import openapi
from worker.web.api.operations import OPERATIONS, Operation
from worker.web.api.problems import KINDS, Code

ROOT = Path(__file__).parents[3]
SHIPPED = ROOT / "worker" / "web" / "openapi.json"


def served(app: Flask) -> dict[str, Any]:
    """
    What a process says of itself; it takes no token.
    """
    answer = Client(app).get("/openapi.json")
    assert (answer.status_code, answer.content_type) == (200, "application/json")
    found: dict[str, Any] = json.loads(answer.data)
    return found


def operations(document: dict[str, Any]) -> set[str]:
    """
    The names of its operations.
    """
    return {one["operationId"] for path in document["paths"].values() for one in path.values()}


def test_what_is_shipped_is_what_the_program_says() -> None:
    """
    The file beside the documents, and the command: both are this version's.
    """
    assert SHIPPED.read_text(encoding="utf-8") == openapi.text(), (
        "write it anew: payouts schema --api > worker/web/openapi.json"
    )
    assert CliRunner().invoke(main, ["schema", "--api"]).output == openapi.text()


def test_each_process_describes_what_it_serves(accepting: Flask, reading: Flask) -> None:
    """
    Its own operations and no other; together they are all.
    """
    accept, read = operations(served(accepting)), operations(served(reading))

    assert accept == {"createPayout", "cancelPayout"}
    assert read == {"listPayouts", "showPayout", "listEvents", "listBanks"}
    assert operations(openapi.document()) == accept | read == {one.name for one in OPERATIONS}


@pytest.mark.parametrize("one", OPERATIONS, ids=lambda one: one.name)
def test_each_part_that_is_named_is_there(one: Operation) -> None:
    """
    References, links and schemes lead somewhere, whichever operations are described.
    """
    for document in (openapi.document(), openapi.document([one])):
        text = json.dumps(document)
        schemas = document["components"]["schemas"]
        referred = {*re.findall(r'"#/components/schemas/(\w+)"', text)}
        assert referred == {*schemas}
        linked = re.findall(r'"operationId": "(\w+)", "parameters"', text)
        assert {*linked} <= operations(document)
        schemes = document["components"]["securitySchemes"]
        used = document["paths"][one.path][one.method.lower()]["security"]
        assert {name for need in used for name in need} <= {*schemes}


def test_the_schema_of_a_job_is_the_one_schema() -> None:
    """
    That of `payouts schema`, with the rules that span fields; and its example is a job.
    """
    document = openapi.document()
    told = document["components"]["schemas"]["Job"]

    assert told == {k: v for k, v in jobs.schema().items() if k != "$schema"}
    body = document["paths"]["/v1/payouts"]["post"]["requestBody"]
    assert jobs.parse(body["content"]["application/json"]["example"]).amount_fen == 12_345


def test_every_problem_is_described_where_it_can_come() -> None:
    """
    Each code is in the description of its status, with the problem's schema, in some operation.
    """
    described: set[str] = set()
    for path in openapi.document()["paths"].values():
        for one in path.values():
            for status, answer in one["responses"].items():
                if int(status) < 400:
                    continue
                assert [*answer["content"]] == ["application/problem+json"]
                codes = {Code(word) for word in re.findall(r"`(\w+)`", answer["description"])}
                assert {KINDS[code].status for code in codes} == {int(status)}
                described |= codes

    # What no operation is: another address, another method.
    assert described == {*Code} - {Code.METHOD_NOT_ALLOWED}


def test_no_schema_has_payee_data_to_tell() -> None:
    """
    What is told of a payout has no field of a payee's but the masked account and the bank.
    """
    told = {*openapi.document()["components"]["schemas"]["Payout"]["properties"]}
    job = {*jobs.schema()["properties"]}

    assert {name for name in told if name.startswith("payee")} == {
        *("payee_masked", "payee_bank_code"),
    }
    assert told & job == {
        *("out_trade_no", "amount_fen", "obligation", "send_before", "payee_bank_code"),
    }
