"""
The way in for a job: accepted, known already, or rejected with its trace.
"""

import logging
import traceback
from pathlib import Path

from sqlalchemy.exc import SQLAlchemyError

from worker.intake import job as entry
from worker.payouts.acceptance import Acceptance, Conflict
from worker.usecases.service import Payouts

log = logging.getLogger("jdpay_payouts.door")


def receive(payouts: Payouts, message: dict[str, object]) -> Acceptance | None:
    """
    Take an entry message's keyword arguments, ``{"job": {...}}``; None if it was no valid job.

    Everything that is not accepted leaves a rejection, a fault of our own included. Only the
    database's own errors pass through: the message must then be tried again.
    """
    job = message.get("job")
    try:
        order = entry.parse(job)
        outcome = payouts.accept(order)
    except SQLAlchemyError:
        raise
    except entry.InvalidJob as error:
        payouts.reject(entry.rejection(job, "invalid", error.faults, "unsealed"))
        return None
    except Exception as error:  # noqa: BLE001 (the border: the message would be gone)
        # The error's text may quote the job, so only its type and place are told.
        place = f"{type(error).__name__} at {_place(error)}"
        log.error("a job could not be taken, by a fault of ours", extra={"detail": place})  # noqa: TRY400
        payouts.reject(entry.rejection(job, "worker_fault", (f"job: {place}",), "unsealed"))
        return None
    if isinstance(outcome, Conflict):
        payouts.reject(entry.rejection(job, outcome.reason, outcome.faults, order.producer))
    return outcome


def _place(error: Exception) -> str:
    *_, frame = traceback.extract_tb(error.__traceback__)
    return f"{Path(frame.filename).name}:{frame.lineno}"
