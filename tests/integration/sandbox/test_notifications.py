"""
Notifications, to a real receiver.
"""

from tests.integration.sandbox.client import Client, wait_for
from tests.integration.sandbox.receiver import Receiver
from worker.sandbox.scenarios import SCENARIOS

ACCOUNT = {scenario.name: scenario.account_no for scenario in SCENARIOS}


def send(client: Client, receiver: Receiver, number: str, name: str) -> None:
    """
    Order one scenario, to be notified to the receiver.
    """
    client.pay(
        out_trade_no=number, payee_account_no=ACCOUNT[name], notify_url=f"{receiver.url}?a=1"
    )


# The scenario, and all that the receiver hears of it, given that it acknowledges everything.
HEARD = [
    ("paid_at_once", ["FINI"]),
    ("paid_later", ["FINI"]),
    ("closed_later", ["CLOS"]),
    ("no_result", []),
    ("no_notifications", []),
    ("duplicated_notifications", ["FINI"] * 15),
    ("reordered_notifications", ["REFU", "FINI"]),
    ("forged_notification", ["CLOS?", "FINI"]),
    ("returned_notified", ["FINI", "REFU"]),
    ("returned_silent", ["FINI"]),
    ("partial_return", ["FINI", "REFU"]),
]


def test_what_is_heard(client: Client, receiver: Receiver) -> None:
    """
    Every scenario's notifications come in its order, and none comes after the last.
    """
    numbers = {name: f"HEARD_{name}" for name, _ in HEARD}
    for name, number in numbers.items():
        send(client, receiver, number, name)
    # It goes on for the longest of all, and is ordered last: after it, there is silence.
    last = "HEARD_LAST"
    send(client, receiver, last, "duplicated_notifications")
    wait_for(lambda: len(receiver.of(last)) == 15)
    expected = {numbers[name]: statuses for name, statuses in HEARD}
    wait_for(lambda: {number: receiver.of(number) for number in expected} == expected)

    assert client.row("HEARD_duplicated_notifications")["notifications"] == 15
    assert client.row("HEARD_paid_later")["acknowledged"] == 1


def test_unacknowledged(client: Client, receiver: Receiver, number: str) -> None:
    """
    Without the exact acknowledgement a notification comes five times in all.
    """
    answers = {"A": (200, b"ok"), "B": (200, b"success\n"), "C": (500, b"success")}
    for suffix, answer in answers.items():
        receiver.answers[number + suffix, "FINI"] = answer
        send(client, receiver, number + suffix, "paid_later")
    for suffix in answers:
        wait_for(lambda: client.row(number + suffix)["notifications"] == 5)  # noqa: B023 - at once

        assert receiver.of(number + suffix) == ["FINI"] * 5
        assert client.row(number + suffix)["acknowledged"] == 0


def test_a_return_starts_anew(client: Client, receiver: Receiver, number: str) -> None:
    """
    A return takes over from a success that was never acknowledged, and has an answer of its own.
    """
    receiver.answers[number, "FINI"] = (503, b"")
    send(client, receiver, number, "returned_notified")
    wait_for(lambda: client.row(number)["acknowledged"] == 1)

    assert receiver.of(number) == ["FINI", "FINI", "FINI", "REFU"]


def test_a_dead_receiver(client: Client, number: str, free_port: int) -> None:
    """
    A receiver that is not there is a failed delivery, five times.
    """
    client.pay(out_trade_no=number, notify_url=f"http://127.0.0.1:{free_port}/")
    wait_for(lambda: client.row(number)["notifications"] == 5)

    assert client.row(number)["acknowledged"] == 0


def test_dropped(client: Client, receiver: Receiver, number: str) -> None:
    """
    What falls due while notifications are dropped is never sent; what comes later is.
    """
    client.switch(drop_notifications=True)
    try:
        send(client, receiver, number, "returned_notified")
        wait_for(lambda: client.row(number)["status"] == "REFU")
    finally:
        client.switch(drop_notifications=False)
    wait_for(lambda: client.row(number)["acknowledged"] == 1)

    assert receiver.of(number) == ["REFU"]


def test_fields_on_the_wire(client: Client, receiver: Receiver, number: str) -> None:
    """
    A notification repeats what the order said, and names JD's number.
    """
    send(client, receiver, number, "partial_return")
    wait_for(lambda: "REFU" in receiver.of(number))
    told = next(
        fields
        for fields in receiver.received
        if fields["out_trade_no"] == number and fields["trade_status"] == "REFU"
    )

    assert told["trade_no"] == client.row(number)["trade_no"]
    assert (told["trade_amount"], told["refund_amount"]) == ("12345", "6172")
    assert told["trade_subject"] == "测试代付 A+B"
    assert told["return_params"] == "batch+7"
