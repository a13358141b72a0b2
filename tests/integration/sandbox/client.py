"""
A merchant's client made of `requests`, `hashlib` and the `openssl` command.
"""

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import requests

from tests.unit.sandbox.openssl import Merchant
from tests.unit.sandbox.orders import MERCHANT, order
from worker.sandbox.running import Sandbox

UNSIGNED = {"sign_type", "sign_data", "encrypt_type", "encrypt_data"}


def canonical(fields: dict[str, Any]) -> str:
    """
    JD's canonical string, worked out here.
    """
    return "&".join(f"{n}={v}" for n, v in sorted(fields.items()) if n not in UNSIGNED and v)


def sign(text: str) -> str:
    """
    The signature of a request or a reply.
    """
    return hashlib.sha256(f"{text}test".encode()).hexdigest().upper()


def wait_for(condition: Callable[[], bool], seconds: float = 5.0) -> None:
    """
    Look again and again until something is true; fail if it does not become so.
    """
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.01)


@dataclass(frozen=True)
class Client:
    """
    Talks to one sandbox over verified TLS.
    """

    sandbox: Sandbox
    ca_file: str
    merchant: Merchant

    def post(self, path: str, form: dict[str, str], timeout: float = 5.0) -> requests.Response:
        """
        Post a form.
        """
        url = f"{self.sandbox.origin}{path}"
        return requests.post(url, data=form, verify=self.ca_file, timeout=timeout)

    def sealed(self, fields: dict[str, str]) -> dict[str, str]:
        """
        The outer form of an order.
        """
        text = canonical(fields)
        return {
            "customer_no": MERCHANT,
            "sign_type": "SHA-256",
            "sign_data": sign(text),
            "encrypt_type": "RSA",
            "encrypt_data": self.merchant.seal(text.encode()),
        }

    def send(self, timeout: float = 5.0, **changes: str) -> requests.Response:
        """
        Send the good order with changes.
        """
        return self.post("/npp10/defray_pay", self.sealed(order(**changes)), timeout)

    def pay(self, **changes: str) -> dict[str, Any]:
        """
        Send the good order with changes, and read the signed reply.
        """
        return verified(self.post("/npp10/defray_pay", self.sealed(order(**changes))))

    def query(self, number: str, **changes: str) -> dict[str, Any]:
        """
        Ask for a trade, and read the signed answer.
        """
        fields = {
            "customer_no": MERCHANT,
            "request_datetime": "20240105T100000",
            "trade_type": "T_AGD",
            "out_trade_no": number,
            **changes,
        }
        sent = {name: value for name, value in fields.items() if value}
        return verified(self.post("/npp10/trade_query", signed(sent)))

    def books(self) -> dict[str, Any]:
        """
        What the sandbox booked.
        """
        url = f"{self.sandbox.origin}/sandbox/books"
        books: dict[str, Any] = requests.get(url, verify=self.ca_file, timeout=5).json()
        return books

    def row(self, number: str) -> dict[str, Any]:
        """
        The books' row for one number.
        """
        rows = [row for row in self.books()["orders"] if row["out_trade_no"] == number]
        found: dict[str, Any] = rows[0]
        return found

    def switch(self, **switches: bool) -> None:
        """
        Change what is wrong with the channel.
        """
        url = f"{self.sandbox.origin}/sandbox/switches"
        answer = requests.post(url, json=switches, verify=self.ca_file, timeout=5)

        assert answer.json().items() >= switches.items()


def signed(fields: dict[str, str]) -> dict[str, str]:
    """
    The same fields with their signature.
    """
    return {**fields, "sign_type": "SHA-256", "sign_data": sign(canonical(fields))}


def verified(response: requests.Response) -> dict[str, Any]:
    """
    A reply whose form and signature are right.
    """
    reply: dict[str, Any] = response.json()

    assert response.status_code == 200
    assert all(value is None or isinstance(value, str) for value in reply.values())
    assert reply["sign_type"] == "SHA-256"
    assert reply["sign_data"] == sign(canonical(reply))
    return reply
