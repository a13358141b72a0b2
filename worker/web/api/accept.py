"""
Handing payouts over: the same acceptance as that of the entry task, answered after its commit.
"""

from collections.abc import Mapping, Sequence
from typing import assert_never

from pydantic import ValidationError

from worker.intake.faults import told
from worker.intake.message import Receipt, take, take_sealed
from worker.payouts.acceptance import Accepted, Broken, Conflict, Invalid, Same, Withdrawn
from worker.payouts.sealed_job import Purpose
from worker.usecases.accept import Acceptor
from worker.usecases.own_payouts import OwnPayouts
from worker.views.own_payout import Payout
from worker.web.api import problems
from worker.web.api.models import Cancellation
from worker.web.api.operations import CANCEL, CREATE, Answer, Asked, Handler, Operation
from worker.web.api.problems import Code, Refused


class AcceptApi:
    """
    What the process that accepts can do.
    """

    def __init__(self, acceptor: Acceptor, own: OwnPayouts) -> None:
        self._acceptor = acceptor
        self._own = own

    @property
    def handlers(self) -> Mapping[Operation, Handler]:
        """
        Who answers what.
        """
        return {CREATE: self._create, CANCEL: self._cancel}

    def _create(self, asked: Asked) -> Answer:
        if asked.sealed is not None:
            return self._take_sealed(asked.sealed, Purpose.PAY, None)
        taken = take(self._acceptor, asked.body, asked.producer)
        number = asked.body.get("out_trade_no") if isinstance(asked.body, Mapping) else None
        return self._answer(Receipt(taken, asked.producer, number))

    def _take_sealed(self, sealed: str, purpose: Purpose, number: str | None) -> Answer:
        return self._answer(take_sealed(self._acceptor, sealed, purpose, number))

    def _answer(self, receipt: Receipt) -> Answer:
        match receipt.taken:
            case Accepted():
                status = 201
            case Same() | Withdrawn():
                status = 200
            case Conflict(reason, faults):
                raise _refused(Code(reason), faults)
            case Invalid(faults):
                raise _refused(Code.INVALID, faults)
            case Broken():
                raise Refused(Code.FAULT, "the job could not be taken; our log says where")
            case _:
                assert_never(receipt.taken)
        assert receipt.producer is not None
        assert receipt.out_trade_no is not None
        return Answer(Payout.of(self._own.find(receipt.producer, receipt.out_trade_no)), status)

    def _cancel(self, asked: Asked) -> Answer:
        if asked.sealed is not None:
            return self._take_sealed(asked.sealed, Purpose.CANCEL, asked.number)
        why = _cancellation(asked.body).why
        withdrawn = self._acceptor.withdraw(asked.producer, asked.number, why)
        return self._answer(Receipt(withdrawn, asked.producer, asked.number))


def _cancellation(body: object) -> Cancellation:
    try:
        return Cancellation.model_validate(body)
    except ValidationError as error:
        raise _refused(Code.INVALID, [*told(error, "is not a field here")]) from None


def _refused(code: Code, faults: Sequence[str]) -> Refused:
    return Refused(code, "; ".join(faults), problems.in_body(faults))
