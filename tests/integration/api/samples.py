"""
Jobs, and problems as they are told.
"""

from typing import Any

from werkzeug.test import TestResponse

ACCOUNT = "620000000000000002"


def a_job(number: str = "ORDER0001", **changes: Any) -> dict[str, Any]:
    """
    A job with all that it must have.
    """
    fields = {
        "out_trade_no": number,
        "amount_fen": 12_345,
        "payee_account_no": ACCOUNT,
        "payee_account_name": "张三丰",
        "payee_bank_code": "CMB",
        "payee_account_type": "P",
        "subject": "withdrawal 42",
    }
    return fields | changes


def problem(response: TestResponse) -> tuple[int, str]:
    """
    Status and code of a problem, whose form is that of RFC 9457.
    """
    told = response.json
    assert response.content_type == "application/problem+json"
    assert told is not None
    assert told["status"] == response.status_code
    assert told["type"] == f"urn:problem-type:payouts:{told['code']}"
    assert told["title"]
    assert told["detail"]
    assert told["remedy"]
    return response.status_code, told["code"]


def places(response: TestResponse) -> set[str]:
    """
    Where a request is wrong: in its body, or in its query.
    """
    assert response.json is not None
    return {e.get("pointer") or f"?{e['parameter']}" for e in response.json["errors"]}
