"""
Handing payouts over: the same acceptance as that of the entry task, answered after its commit.
"""

from collections.abc import Mapping, Sequence
from typing import assert_never

from pydantic import ValidationError

from worker.intake.faults import told
from worker.intake.message import take
from worker.payouts.acceptance import Accepted, Broken, Conflict, Invalid, Same
from worker.payouts.errors import NoSuchPayout, NotAllowed
from worker.usecases.accept import Acceptor
from worker.usecases.own_payouts import OwnPayouts, Withdrawal
from worker.views.own_payout import Payout
from worker.web.api import problems
from worker.web.api.models import Cancellation
from worker.web.api.operations import CANCEL, CREATE, Answer, Asked, Handler, Operation
from worker.web.api.problems import Code, Refused


class AcceptApi:
    """
    What the process that accepts can do.
    """

    def __init__(self, acceptor: Acceptor, withdrawal: Withdrawal, own: OwnPayouts) -> None:
        self._acceptor = acceptor
        self._withdrawal = withdrawal
        self._own = own

    @property
    def handlers(self) -> Mapping[Operation, Handler]:
        """
        Who answers what.
        """
        return {CREATE: self._create, CANCEL: self._cancel}

    def _create(self, asked: Asked) -> Answer:
        taken = take(self._acceptor, asked.body, asked.producer)
        match taken:
            case Accepted():
                status = 201
            case Same():
                status = 200
            case Conflict(reason, faults):
                raise _refused(Code(reason), faults)
            case Invalid(faults):
                raise _refused(Code.INVALID, faults)
            case Broken():
                raise Refused(Code.FAULT, "the job could not be taken; our log says where")
            case _:
                assert_never(taken)
        assert isinstance(asked.body, Mapping)
        return Answer(Payout.of(self._own.find(asked.producer, asked.body["out_trade_no"])), status)

    def _cancel(self, asked: Asked) -> Answer:
        why = _cancellation(asked.body).why
        try:
            cancelled = self._withdrawal.cancel(asked.producer, asked.number, why)
        except NoSuchPayout:
            raise Refused(Code.NOT_FOUND, "you have no payout of this number") from None
        except NotAllowed as fault:
            raise Refused(Code.NOT_ALLOWED, str(fault)) from None
        return Answer(Payout.of(cancelled))


def _cancellation(body: object) -> Cancellation:
    try:
        return Cancellation.model_validate(body)
    except ValidationError as error:
        raise _refused(Code.INVALID, [*told(error, "is not a field here")]) from None


def _refused(code: Code, faults: Sequence[str]) -> Refused:
    return Refused(code, "; ".join(faults), problems.in_body(faults))
