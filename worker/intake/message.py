"""
A job comes in: it is accepted, known already, or rejected with its trace.

Each way in ends here: the entry message of Celery's, and the HTTP API.
"""

import logging
import traceback
from pathlib import Path

from worker.intake import jobs
from worker.payouts.acceptance import Acceptance, Broken, Conflict, Invalid
from worker.payouts.errors import InvalidJob, StoreUnavailable
from worker.payouts.producers import DEFAULT_PRODUCER
from worker.usecases.accept import Acceptor

log = logging.getLogger("jdpay_payouts.intake")

#: What may become of what came in as a job.
Taken = Acceptance | Invalid | Broken


def receive(acceptor: Acceptor, message: dict[str, object]) -> Taken:
    """
    Take an entry message's keyword arguments, ``{"job": {...}}``. Raises `StoreUnavailable` alone.
    """
    return take(acceptor, message.get("job"), DEFAULT_PRODUCER)


def take(acceptor: Acceptor, job: object, producer: str) -> Taken:
    """
    Make a producer's job a payout.

    Everything that is not accepted leaves a rejection, a fault of our own included. Only
    `StoreUnavailable` passes through: the job must then be tried again.
    """
    try:
        outcome = acceptor.accept(jobs.parse(job, producer))
    except StoreUnavailable:
        raise
    except InvalidJob as error:
        acceptor.reject(jobs.rejection(job, "invalid", error.faults, producer))
        return Invalid(error.faults)
    except Exception as error:  # noqa: BLE001 (the border: the message would be gone)
        # The error's text may quote the job, so only its type and place are told.
        place = f"{type(error).__name__} at {_place(error)}"
        rejection = jobs.rejection(job, "worker_fault", (f"job: {place}",), producer)
        log.error(  # noqa: TRY400 (a traceback could quote the job)
            "a job could not be taken, by a fault of ours",
            extra={"detail": place, "out_trade_no": rejection.out_trade_no},
        )
        acceptor.reject(rejection)
        return Broken()
    if isinstance(outcome, Conflict):
        acceptor.reject(jobs.rejection(job, outcome.reason, outcome.faults, producer))
    return outcome


def _place(error: Exception) -> str:
    *_, frame = traceback.extract_tb(error.__traceback__)
    return f"{Path(frame.filename).name}:{frame.lineno}"
