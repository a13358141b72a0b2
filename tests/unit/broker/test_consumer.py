"""
Messages that are no jobs of ours: each leaves a trace, none its content.
"""

import contextlib
import hashlib
import json
import logging
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import redis
from kombu.asynchronous import Hub
from kombu.exceptions import DecodeError

from tasks import consumer
from tests.factories import a_job
from worker import bootstrap
from worker.broker.names import TaskName
from worker.intake import jobs
from worker.logs import JsonFormatter
from worker.payouts.errors import StoreUnavailable
from worker.payouts.model import Rejection

ACCOUNT = a_job()["payee_account_no"]
SECRET = f'[[], {{"job": {{"payee_account_no": "{ACCOUNT}"}}}}, {{}}]'.encode()


class Message:
    """
    A message as kombu hands it over.
    """

    def __init__(self, body: Any = SECRET, headers: Any = None) -> None:
        self.body = body
        self.headers = {"task": TaskName.ENQUEUE.value} if headers is None else headers
        self.answers: list[str] = []

    def decode(self) -> Any:
        """
        The body, decoded.
        """
        try:
            return json.loads(self.body)
        except ValueError as error:
            raise DecodeError(f"cannot decode {self.body!r}") from error

    payload = property(decode)

    def ack(self) -> None:
        """
        Done with.
        """
        self.answers.append("ack")

    def reject(self, requeue: bool = False) -> None:
        """
        Back to the queue.
        """
        self.answers.append("requeue" if requeue else "reject")


class Receiver(consumer.Consumer):
    """
    Celery's consumer without its connection; what Celery sets in it, and its types leave out.
    """

    strategies: dict[str, Callable[..., None]]
    on_task_message: set[Callable[..., None]]
    _maximum_prefetch_restored: bool


class Ledger:
    """
    Keeps rejections, or is away.
    """

    def __init__(self) -> None:
        self.rejections: list[Rejection] = []
        self.error: Exception | None = None

    def reject(self, rejection: Rejection) -> None:
        """
        Keep it.
        """
        if self.error:
            raise self.error
        self.rejections.append(rejection)


@pytest.fixture
def ledger(monkeypatch: pytest.MonkeyPatch) -> Ledger:
    """
    The ledger that the consumer finds.
    """
    ledger = Ledger()
    monkeypatch.setattr(bootstrap, "ledger", lambda: ledger)
    monkeypatch.setattr(consumer, "_DATABASE_PAUSE", 0)
    return ledger


@pytest.fixture
def taken() -> list[Message]:
    """
    The messages that reached a task.
    """
    return []


@pytest.fixture
def receiver(ledger: Ledger, taken: list[Message]) -> consumer.Consumer:
    """
    Celery's consumer without its connection, with one task.
    """

    def strategy(message: Message, *_: object) -> None:
        _args, _kwargs, _embed = message.payload  # as Celery's own request does
        taken.append(message)

    receiver = Receiver.__new__(Receiver)
    receiver.strategies = {TaskName.ENQUEUE.value: strategy, TaskName.SUBMIT.value: strategy}
    receiver.on_task_message = set()
    receiver.connection_errors = (ConnectionError,)
    receiver._maximum_prefetch_restored = True
    return receiver


def deliver(receiver: consumer.Consumer, message: Message) -> None:
    """
    Hand over one message.
    """
    receiver.create_task_handler()(message)


BAD = [
    (Message(b"x" * (jobs.MAX_BODY_BYTES + 1)), "too_large"),
    (Message("\N{CJK UNIFIED IDEOGRAPH-5F20}" * (jobs.MAX_BODY_BYTES // 3 + 1)), "too_large"),
    (Message(headers={}), "not_a_task"),
    (Message(headers={"task": None}), "not_a_task"),
    (Message(headers={"task": ["payouts.enqueue"]}), "not_a_task"),
    (Message(headers="payouts.enqueue"), "not_a_task"),
    (Message(headers={"task": "payouts.other"}), "unknown_task"),
    (Message(headers={"task": "celery.backend_cleanup"}), "unknown_task"),
    (Message(f"not json {ACCOUNT}".encode()), "undecodable"),
    (Message(b"\xff\xfe" + ACCOUNT.encode()), "undecodable"),
    (Message(f"not json {ACCOUNT}"), "undecodable"),
    (Message(b'[[], {"job": {"amount_fen": 1, "amount_fen": 2}}, {}]'), "undecodable"),
    (Message(b'[[], {"job": {"amount_fen": NaN}}, {}]'), "undecodable"),
    (Message(b"null"), "invalid_task"),
]


@pytest.mark.parametrize(("message", "reason"), BAD)
def test_a_message_that_is_no_job_is_refused(
    receiver: consumer.Consumer,
    ledger: Ledger,
    taken: list[Message],
    message: Message,
    reason: str,
) -> None:
    """
    It is stored as a rejection with size, digest and reason, then acknowledged.
    """
    message.answers.clear()
    deliver(receiver, message)
    (rejection,) = ledger.rejections
    body = message.body.encode() if isinstance(message.body, str) else message.body

    assert (reason, len(body), hashlib.sha256(body).hexdigest()) == (
        rejection.reason,
        rejection.size_bytes,
        rejection.sha256,
    )
    assert message.answers == ["ack"]
    assert taken == []


@pytest.mark.parametrize(("message", "reason"), BAD)
def test_its_content_is_in_no_log(
    receiver: consumer.Consumer,
    ledger: Ledger,
    caplog: pytest.LogCaptureFixture,
    message: Message,
    reason: str,
) -> None:
    """
    Neither in a message nor in a field nor in a traceback, nor in the rejection.
    """
    caplog.set_level(logging.DEBUG)
    deliver(receiver, message)
    written = [JsonFormatter().format(record) for record in caplog.records]

    assert any(reason in line for line in written)
    assert [line for line in [*written, repr(ledger.rejections)] if ACCOUNT[4:-4] in line] == []


@pytest.mark.parametrize(
    "payload",
    [
        [[], ["6222021234567897312"], {}],  # keyword arguments that are none
        [[], "6222021234567897312", {}],
        [[], None, {}],
        [[]],  # not three parts
        {"job": 1},
        "text",
        "abc",  # three parts, of a kind
        [5, {}, {}],
        5,
    ],
)
def test_an_entry_message_without_arguments_is_refused(
    receiver: consumer.Consumer, ledger: Ledger, payload: object
) -> None:
    """
    Celery would fail it in the child, acknowledged and without a trace.
    """
    message = Message(json.dumps(payload).encode())
    deliver(receiver, message)

    assert (len(ledger.rejections), message.answers) == (1, ["ack"])


def test_the_next_message_is_served(
    receiver: consumer.Consumer, ledger: Ledger, taken: list[Message]
) -> None:
    """
    A bad message stops nobody.
    """
    handler = receiver.create_task_handler()
    good = Message()
    handler(Message(headers={}))
    handler(good)

    assert [good] == taken


def test_an_entry_messages_arguments_are_concealed(
    receiver: consumer.Consumer, taken: list[Message]
) -> None:
    """
    What events and Flower show of them is a placeholder, whatever the producer wrote there.
    """
    headers = {"task": TaskName.ENQUEUE.value, "argsrepr": ACCOUNT, "kwargsrepr": ACCOUNT}
    deliver(receiver, Message(headers=headers))

    assert (
        taken[0].headers["argsrepr"],
        taken[0].headers["kwargsrepr"],
    ) == ("()", consumer.CONCEALED)


def test_an_entry_message_is_neither_dropped_nor_delayed_by_its_headers(
    receiver: consumer.Consumer, taken: list[Message]
) -> None:
    """
    Celery drops an expired message without a trace; a job says `send_before` instead.
    """
    headers = {
        "task": TaskName.ENQUEUE.value,
        "expires": "2020-01-01T00:00:00+00:00",
        "eta": "2099-01-01T00:00:00+00:00",
        "timelimit": [0.001, 0.001],
    }
    deliver(receiver, Message(headers=headers))

    assert [taken[0].headers.get(name) for name in ("expires", "eta", "timelimit")] == [
        None,
        None,
        None,
    ]


def test_other_messages_keep_their_headers(
    receiver: consumer.Consumer, taken: list[Message]
) -> None:
    """
    A sweep that nobody took in time is dropped on purpose.
    """
    headers = {"task": TaskName.SUBMIT.value, "argsrepr": "(7,)", "expires": "2099-01-01"}
    deliver(receiver, Message(b"[[7], {}, {}]", dict(headers)))

    assert headers == taken[0].headers


def test_a_rejection_that_cannot_be_stored_keeps_the_message(
    receiver: consumer.Consumer, ledger: Ledger, caplog: pytest.LogCaptureFixture
) -> None:
    """
    The database is away: the message goes back to the queue, and its content nowhere.
    """
    ledger.error = StoreUnavailable("gone")
    message = Message(headers={})
    deliver(receiver, message)

    assert message.answers == ["requeue"]
    assert ACCOUNT not in caplog.text


@pytest.mark.parametrize(
    "name", ["on_decode_error", "on_unknown_message", "on_unknown_task", "on_invalid_task"]
)
def test_every_handler_of_celerys_that_prints_a_body_is_replaced(name: str) -> None:
    """
    The stock ones write the whole message into the log.
    """
    assert name in vars(consumer.Consumer)


@pytest.mark.parametrize(
    ("error", "raised"),
    [
        (redis.exceptions.ConnectionError("gone"), True),
        (redis.exceptions.TimeoutError("slow"), True),
        (KeyError("no such delivery"), False),
    ],
)
def test_a_lost_acknowledgement_ends_the_connection(
    receiver: consumer.Consumer, error: Exception, raised: bool
) -> None:
    """
    Else the message counts as in hand forever; any other fault must not loop.
    """
    message = Message(b"[[], {}, {}]")

    def fail() -> None:
        raise error

    message.ack = fail  # type: ignore[method-assign]
    deliver(receiver, message)
    expected: Any = (
        pytest.raises(redis.exceptions.RedisError) if raised else contextlib.nullcontext()
    )

    with expected:
        message.ack_log_error(logging.getLogger("x"))  # type: ignore[attr-defined]


def test_a_thread_answers_through_the_loop(receiver: consumer.Consumer) -> None:
    """
    A task's own thread would raise where nobody hears it; the loop's next turn ends the connection.
    """
    message = Message(b"[[], {}, {}]")
    answered_by: list[int] = []

    def fail() -> None:
        answered_by.append(threading.get_ident())
        raise redis.exceptions.ConnectionError("gone")

    message.ack = fail  # type: ignore[method-assign]
    receiver.hub = hub = Hub()
    deliver(receiver, message)
    with ThreadPoolExecutor(1) as pool:
        pool.submit(message.ack_log_error, logging.getLogger("x")).result()  # type: ignore[attr-defined]
    assert answered_by == []

    with pytest.raises(redis.exceptions.ConnectionError):
        hub.run_once()
    hub.close()
    assert answered_by == [threading.get_ident()]
