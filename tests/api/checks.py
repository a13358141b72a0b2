"""
What schemathesis asks beside its own: who a request is from, and what the other producer sees.

Loaded by schemathesis itself, as its hooks; the tokens are in the environment.
"""

import os
import unicodedata
from typing import Any

import requests
import schemathesis

_OWN_NAME = os.environ["OWN_NAME"]
_OWN = {"accept": os.environ["OWN_ACCEPT"], "read": os.environ["OWN_READ"]}
_OTHERS = {"accept": os.environ["OTHERS_ACCEPT"], "read": os.environ["OTHERS_READ"]}

#: A number that nobody has: it holds letters that no pattern generates here by chance.
_NOBODYS = "NOBODYHASTHISNUMBER0000000000001"


def _headers(tokens: dict[str, str], method: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {tokens['read' if method.upper() == 'GET' else 'accept']}"}


@schemathesis.auth(refresh_interval=None)
class _Tokens:
    """
    Each request shows the token of the scope that its operation takes.
    """

    def get(self, case: schemathesis.Case[Any], context: schemathesis.AuthContext) -> str:
        return _headers(_OWN, case.method)["Authorization"]

    def set(
        self, case: schemathesis.Case[Any], data: str, context: schemathesis.AuthContext
    ) -> None:
        case.headers["Authorization"] = data


@schemathesis.hook
def filter_body(context: schemathesis.HookContext, body: object) -> bool:
    """
    Leave out what is wrong by a rule that a JSON Schema cannot express.

    It cannot tell 1.0 from 1, and no amount is read from a number with a point; nor can it compare
    two fields.
    """
    if not isinstance(body, dict):
        return True
    amount_fen, owed_fen = body.get("amount_fen"), body.get("owed_fen")
    if isinstance(amount_fen, int) and isinstance(owed_fen, int) and owed_fen < amount_fen:
        return False
    return not any(isinstance(v, float) and v.is_integer() for v in body.values())


@schemathesis.hook
def map_body(context: schemathesis.HookContext, body: object) -> object:
    """
    Have texts hold what Unicode has, which no pattern can say.
    """
    return _assigned(body)


@schemathesis.hook
def map_query(context: schemathesis.HookContext, query: object) -> object:
    """
    The same where payouts of an obligation are asked for.
    """
    return _assigned(query)


def _assigned(values: object) -> object:
    if not isinstance(values, dict):
        return values
    return {
        name: "".join("x" if _is_beyond(one) else one for one in value)
        if isinstance(value, str)
        else value
        for name, value in values.items()
    }


def _is_beyond(character: str) -> bool:
    category = unicodedata.category(character)
    return category == "Cn" or (category in {"Cf", "Co"} and ord(character) > 0xFFFF)


@schemathesis.check
def another_producer_finds_nothing(
    ctx: schemathesis.CheckContext, response: schemathesis.Response, case: schemathesis.Case[Any]
) -> None:
    """
    Whatever payout is told to one producer, the other can neither see nor withdraw.
    """
    if not 200 <= response.status_code < 300:
        return
    told = response.json()
    payouts = told.get("payouts", [told] if "out_trade_no" in told else [])
    base = case.operation.base_url
    for number in {payout["out_trade_no"] for payout in payouts[:2]}:
        for method, path in (("GET", "/v1/payouts/{}"), ("POST", "/v1/payouts/{}/cancel")):
            answers = [
                requests.request(
                    method, base + path.format(one), headers=_headers(_OTHERS, method), timeout=30
                )
                for one in (number, _NOBODYS)
            ]
            assert [answer.status_code for answer in answers] == [404, 404]
            assert answers[0].content == answers[1].content


@schemathesis.check
def another_producer_hears_nothing(
    ctx: schemathesis.CheckContext, response: schemathesis.Response, case: schemathesis.Case[Any]
) -> None:
    """
    Whatever event is told to one producer is of its own, and the other is not told it.
    """
    events = response.json().get("events", []) if response.status_code == 200 else []
    assert {event["data"]["producer"] for event in events} <= {_OWN_NAME}
    for event in events[:2]:
        number = event["data"].get("out_trade_no")
        others = requests.get(
            f"{case.operation.base_url}/v1/events",
            {"limit": 100} | ({"number": number} if number else {}),
            headers=_headers(_OTHERS, "GET"),
            timeout=30,
        )
        assert event["id"] not in {one["id"] for one in others.json()["events"]}
