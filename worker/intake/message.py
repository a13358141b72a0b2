"""
The entry message: its job is accepted, known already, or rejected with its trace.
"""

import logging
import traceback
from pathlib import Path

from worker.intake import jobs
from worker.payouts.acceptance import Acceptance, Conflict
from worker.payouts.errors import InvalidJob, StoreUnavailable
from worker.payouts.producers import DEFAULT_PRODUCER
from worker.usecases.accept import Acceptor

log = logging.getLogger("jdpay_payouts.intake")


def receive(acceptor: Acceptor, message: dict[str, object]) -> Acceptance | None:
    """
    Take an entry message's keyword arguments, ``{"job": {...}}``; None if it was no valid job.

    Everything that is not accepted leaves a rejection, a fault of our own included. Only
    `StoreUnavailable` passes through: the message must then be tried again.
    """
    job = message.get("job")
    try:
        order = jobs.parse(job)
        outcome = acceptor.accept(order)
    except StoreUnavailable:
        raise
    except InvalidJob as error:
        acceptor.reject(jobs.rejection(job, "invalid", error.faults, DEFAULT_PRODUCER))
        return None
    except Exception as error:  # noqa: BLE001 (the border: the message would be gone)
        # The error's text may quote the job, so only its type and place are told.
        place = f"{type(error).__name__} at {_place(error)}"
        rejection = jobs.rejection(job, "worker_fault", (f"job: {place}",), DEFAULT_PRODUCER)
        log.error(  # noqa: TRY400 (a traceback could quote the job)
            "a job could not be taken, by a fault of ours",
            extra={"detail": place, "out_trade_no": rejection.out_trade_no},
        )
        acceptor.reject(rejection)
        return None
    if isinstance(outcome, Conflict):
        acceptor.reject(jobs.rejection(job, outcome.reason, outcome.faults, order.producer))
    return outcome


def _place(error: Exception) -> str:
    *_, frame = traceback.extract_tb(error.__traceback__)
    return f"{Path(frame.filename).name}:{frame.lineno}"
