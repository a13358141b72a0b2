"""
Events as the relay posts them, and as it never would.
"""

import json
import time
from collections.abc import Callable, Mapping

import pytest

from tests.examples.rules import Event
from worker.webhooks.signature import new_key, sign

KEY = new_key()

Headers = dict[str, str]


def posted(event: Event, *keys: str, at: float | None = None) -> tuple[bytes, Headers]:
    """
    Body and headers of a webhook's request, signed with these keys or with the right one.
    """
    body = json.dumps(event, ensure_ascii=False).encode()
    seconds = int(time.time() if at is None else at)
    return body, {
        "Content-Type": "application/json",
        "webhook-id": event["id"],
        "webhook-timestamp": str(seconds),
        "webhook-signature": sign(keys or (KEY,), event["id"], seconds, body),
    }


def _without(name: str) -> Callable[[Event], tuple[bytes, Headers]]:
    def made(event: Event) -> tuple[bytes, Headers]:
        body, headers = posted(event)
        return body, {k: v for k, v in headers.items() if k != name}

    return made


def _with(**changes: str) -> Callable[[Event], tuple[bytes, Headers]]:
    def made(event: Event) -> tuple[bytes, Headers]:
        body, headers = posted(event)
        return body, headers | {k.replace("_", "-"): v for k, v in changes.items()}

    return made


def _altered(event: Event) -> tuple[bytes, Headers]:
    body, headers = posted(event)
    return body.replace(b"360080000000000001", b"360080000000000002"), headers


#: What must be refused, whoever sends it.
FORGERIES: Mapping[str, Callable[[Event], tuple[bytes, Headers]]] = {
    "another's key": lambda event: posted(event, new_key()),
    "another body": _altered,
    "not utf-8": lambda event: (b"\xff" + posted(event)[0], posted(event)[1]),
    "ten minutes old": lambda event: posted(event, at=time.time() - 600),
    "of tomorrow": lambda event: posted(event, at=time.time() + 86_400),
    "another id": _with(webhook_id="f" * 32),
    "no id": _without("webhook-id"),
    "no time": _without("webhook-timestamp"),
    "no signature": _without("webhook-signature"),
    "no version": _with(webhook_signature="v1"),
    "no base64": _with(webhook_signature="v1,é"),
    "no number": _with(webhook_timestamp="now"),
}

EACH_FORGERY = pytest.mark.parametrize("forge", FORGERIES.values(), ids=FORGERIES)
