"""
How a worker takes messages off the queue: what is no job of ours leaves a trace, never its content.

Celery's own handlers print the whole body of a message that they cannot use. These store a
rejection with size, SHA-256 and reason instead, and the next message is served.
"""

import functools
import logging
import threading
import time
from collections.abc import Callable
from typing import Any

import redis
from celery.exceptions import InvalidTaskError
from celery.worker import consumer
from kombu.exceptions import DecodeError

from worker import bootstrap
from worker.broker.names import TaskName
from worker.intake import jobs, json_text
from worker.payouts.errors import StoreError, UnreadableJobs

log = logging.getLogger("jdpay_payouts.consumer")

#: What events, and so Flower, show in place of an entry message's arguments.
CONCEALED = "{'job': '…'}"

#: How long the worker pauses where not even a rejection can be stored, in seconds.
_DATABASE_PAUSE = 1.0


class Consumer(consumer.Consumer):
    """
    Celery's consumer with its message handlers replaced.
    """

    #: Set by Celery: what the transport raises when the broker is gone.
    connection_errors: tuple[type[Exception], ...]
    #: Set by Celery: its event loop.
    hub: Any

    def create_task_handler(self, *args: Any, **kwargs: Any) -> Callable[[Any], None]:
        """
        Return the callback for each message: screened first, then Celery's own.
        """
        handle = super().create_task_handler(*args, **kwargs)
        loop = threading.get_ident()

        def on_task_received(message: Any) -> None:
            message.ack_log_error = functools.partial(self._end, loop, message.ack)
            message.reject_log_error = functools.partial(self._end, loop, message.reject)
            headers = message.headers
            if len(_body(message)) > jobs.MAX_BODY_BYTES:
                self._refuse(message, "too_large")
            elif not isinstance(headers, dict) or not isinstance(headers.get("task"), str):
                self._refuse(message, "not_a_task")
            else:
                try:
                    if headers["task"] == TaskName.ENQUEUE:
                        _screen(message)
                    handle(message)
                except (DecodeError, UnreadableJobs) as error:
                    self._refuse(message, "undecodable", error)
                except InvalidTaskError as error:
                    self._refuse(message, "invalid_task", error)
                except Exception as error:  # noqa: BLE001 (the border: any header may be hostile)
                    self._refuse(message, "unusable", error)

        return on_task_received

    def on_decode_error(self, message: Any, exc: Exception) -> None:
        """
        Refuse a message whose body is not what its headers say.
        """
        self._refuse(message, "undecodable", exc)

    def on_unknown_message(self, body: object, message: Any) -> None:
        """
        Refuse a message that asks for nothing.
        """
        self._refuse(message, "not_a_task")

    def on_unknown_task(self, body: object, message: Any, exc: Exception) -> None:
        """
        Refuse a message for a task that does not exist here.
        """
        self._refuse(message, "unknown_task", exc)

    def on_invalid_task(self, body: object, message: Any, exc: Exception) -> None:
        """
        Refuse a message whose arguments cannot be passed on.
        """
        self._refuse(message, "invalid_task", exc)

    def _end(
        self,
        loop: int,
        answer: Callable[..., None],
        logger: logging.Logger,
        _errors: object = None,
        *options: object,
        **named: object,
    ) -> None:
        """
        Answer a message in the thread of the loop, which alone notices that a connection is lost.

        A task that is a thread of its own would raise it where nobody hears it.
        """
        ending = functools.partial(_answer, answer, logger, *options, **named)
        if threading.get_ident() == loop:
            ending()
        else:
            self.hub.call_soon(ending)

    def _refuse(self, message: Any, reason: str, error: Exception | None = None) -> None:
        described = jobs.described(_body(message), reason, _kind(error))
        log.warning(
            "message refused",
            extra={
                "action": "refused",
                "reason": reason,
                "size_bytes": described.size_bytes,
                "sha256": described.sha256,
            },
        )
        try:
            bootstrap.ledger().reject(described)
        except StoreError:
            log.exception("the rejection could not be stored; the message stays on the queue")
            time.sleep(_DATABASE_PAUSE)
            message.reject_log_error(log, self.connection_errors, requeue=True)
        else:
            message.ack_log_error(log, self.connection_errors)


def _answer(
    answer: Callable[..., None], logger: logging.Logger, *options: object, **named: object
) -> None:
    """
    Acknowledge a message or send it back, and let a lost connection end the connection.

    Celery would log it and go on with a message that counts as in hand forever; once as many of
    them are in hand as may be, the worker takes no more and watches no socket, so that nothing
    tells it that the broker is back. Raised here, the error makes Celery connect again.
    """
    try:
        answer(*options, **named)
    except (redis.exceptions.ConnectionError, redis.exceptions.TimeoutError):
        logger.warning("a message's end was lost with the broker; connecting anew")
        raise
    except Exception as error:  # noqa: BLE001 (the border: it must stop no other message)
        logger.warning("a message could not be ended: %s", type(error).__name__)


#: Headers with which Celery would drop, delay or kill an entry message without a trace. A job says
#: `send_before` instead.
_DROPPED = ("expires", "eta", "timelimit")


def _screen(message: Any) -> None:
    """
    Make an entry message fit to be taken: arguments of the right kind, concealed in events.

    Raises `InvalidTaskError` for arguments that cannot be passed on, which Celery would only find
    in the child, after it was acknowledged; a `DecodeError`; or `UnreadableJobs` for a body that
    others may read otherwise.
    """
    match message.payload:
        case [[*_], dict(), *_]:
            pass
        case _:
            raise InvalidTaskError
    json_text.parse(_body(message))
    for name in _DROPPED:
        message.headers.pop(name, None)
    message.headers |= {"argsrepr": "()", "kwargsrepr": CONCEALED}


def _body(message: Any) -> bytes:
    body = message.body
    if isinstance(body, str):
        return body.encode("utf-8", "surrogatepass")
    return body if isinstance(body, bytes) else repr(body).encode()


def _kind(error: Exception | None) -> tuple[str, ...]:
    """
    Name only the error's type: its text may quote the message. Our own reader's does not.
    """
    if isinstance(error, UnreadableJobs):
        return (f"message: {error}",)
    return () if error is None else (f"message: {type(error).__name__}",)
