"""
Events as producers are told of them: the same to a webhook, a queue, a command and the API.
"""

import json

from worker.payouts.event import Event, EventType
from worker.payouts.policy.events import NOT_YET_REPAYABLE
from worker.views.formats import iso
from worker.views.texts import CASE_MEANINGS, MEANINGS

Document = dict[str, object]


def event(event: Event) -> Document:
    """
    An event: its id, type, time, and what is known of its payout, job or debt then.
    """
    return {
        "id": event.uid,
        "type": event.type,
        "timestamp": iso(event.at),
        "data": {name: value for name, value in _data(event).items() if value is not None},
    }


def body(told: Event) -> bytes:
    """
    The same as JSON, in UTF-8: what a webhook's signature is over.
    """
    return json.dumps(event(told), ensure_ascii=False, separators=(",", ":")).encode()


def _data(event: Event) -> Document:
    about: Document = {
        "out_trade_no": event.out_trade_no,
        "customer_no": event.customer_no,
        "producer": event.producer,
        "obligation": event.obligation,
        "epoch": event.epoch,
        "version": event.version,
        "status": event.status,
        "meaning": None if event.status is None else MEANINGS[event.status],
        "reason": event.reason,
        "amount_fen": event.amount_fen,
        "returned_fen": event.returned_fen,
    }
    if event.case is not None:
        about |= {"case": event.case, "case_meaning": CASE_MEANINGS[event.case]}
    if event.type in NOT_YET_REPAYABLE:
        about |= {"safe_to_repay": False, "not_repayable_before": iso(event.repayable_from)}
    if event.type is EventType.REJECTED:
        about["faults"] = list(event.faults)
    return about
