"""
A job comes in: it is accepted, known already, or rejected with its trace.

Each way in ends here: the entry message of Celery's, and the HTTP API.
"""

import logging
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from worker.intake import jobs, sealing
from worker.payouts.acceptance import Acceptance, Broken, Conflict, Invalid
from worker.payouts.errors import InvalidJob, StoreUnavailable, UnusableSeal
from worker.payouts.model import Rejection
from worker.payouts.producers import DEFAULT_PRODUCER
from worker.payouts.sealed_job import Purpose
from worker.usecases.accept import Acceptor

log = logging.getLogger("jdpay_payouts.intake")

#: What may become of what came in as a job.
Taken = Acceptance | Invalid | Broken


@dataclass(frozen=True, slots=True)
class Receipt:
    """
    What became of a job, whose it was, and under which number; as far as it could be read.
    """

    taken: Taken
    producer: str | None = None
    out_trade_no: str | None = None


def receive(acceptor: Acceptor, message: dict[str, object]) -> Taken:
    """
    Take an entry message's keyword arguments, ``{"job": ...}``. Raises `StoreUnavailable` alone.

    A job is an object, which comes unsealed; or it is sealed, and a text.
    """
    job = message.get("job")
    if isinstance(job, str):
        return take_sealed(acceptor, job).taken
    return take(acceptor, job, DEFAULT_PRODUCER)


def take(acceptor: Acceptor, job: object, producer: str) -> Taken:
    """
    Make a producer's unsealed job a payout.

    Everything that is not accepted leaves a rejection, a fault of our own included. Only
    `StoreUnavailable` passes through: the job must then be tried again.
    """

    def described(reason: str, faults: tuple[str, ...]) -> Rejection:
        return jobs.rejection(job, reason, faults, producer)

    return _decided(acceptor, lambda: acceptor.accept(jobs.parse(job, producer)), described)


def take_sealed(
    acceptor: Acceptor,
    sealed: str,
    purpose: Purpose | None = None,
    out_trade_no: str | None = None,
) -> Receipt:
    """
    Do what a producer has sealed. Raises `StoreUnavailable` alone, as `take`.

    Where it came by an address that tells what for, or which payout's, it must be for that.
    """
    producer = number = None

    def described(reason: str, faults: tuple[str, ...]) -> Rejection:
        body = sealed.encode("utf-8", "surrogatepass")
        return jobs.described(body, reason, faults, number, producer)

    def accept() -> Acceptance:
        nonlocal producer, number
        opened = acceptor.open(sealed)
        producer, number = opened.producer, sealing.number_in(opened)
        return acceptor.accept_sealed(opened, purpose, out_trade_no)

    return Receipt(_decided(acceptor, accept, described), producer, number)


def _decided(
    acceptor: Acceptor,
    accept: Callable[[], Acceptance],
    described: Callable[[str, tuple[str, ...]], Rejection],
) -> Taken:
    """
    What comes of a job; what does not become a payout leaves a rejection.
    """
    try:
        outcome = accept()
    except StoreUnavailable:
        raise
    except InvalidJob as error:
        acceptor.reject(described("invalid", error.faults))
        return Invalid(error.faults)
    except UnusableSeal as error:
        outcome = Conflict(error.reason, (f"seal: {error}",))
    except Exception as error:  # noqa: BLE001 (the border: the message would be gone)
        # The error's text may quote the job, so only its type and place are told.
        place = f"{type(error).__name__} at {_place(error)}"
        rejection = described("worker_fault", (f"job: {place}",))
        log.error(  # noqa: TRY400 (a traceback could quote the job)
            "a job could not be taken, by a fault of ours",
            extra={"detail": place, "out_trade_no": rejection.out_trade_no},
        )
        acceptor.reject(rejection)
        return Broken()
    if isinstance(outcome, Conflict):
        acceptor.reject(described(outcome.reason, outcome.faults))
    return outcome


def _place(error: Exception) -> str:
    *_, frame = traceback.extract_tb(error.__traceback__)
    return f"{Path(frame.filename).name}:{frame.lineno}"
