"""
The answers of a story.
"""

from dataclasses import replace
from datetime import datetime

from worker.sandbox import replies
from worker.sandbox.orders import Order
from worker.sandbox.replies import Answer, Cut, Fields, Held, Page, common
from worker.sandbox.saying import Answer as Said
from worker.sandbox.saying import Connection, Query, Submit
from worker.sandbox.signing import SignType, signed_as
from worker.sandbox.trade import Status, Step


def submit_answer(order: Order, said: Submit, now: datetime, key: str) -> Answer:
    """
    What a story answers to a transmission.
    """
    code, message = _words(said)
    if said.says_trade:
        told = replace(order, step=_step(order, said, now))
        return _answer(said, replies.submitted(told, code, message, now), key)
    return _answer(said, common(code, message, order.number, now), key)


def query_answer(order: Order, said: Query, now: datetime, key: str) -> Answer:
    """
    What a story answers to a query.
    """
    code, message = _words(said)
    base = common(code, message, order.number, now)
    if said.says_trade:
        step = _step(order, said, now)
        base = {**replies.queried(replace(order, step=step), step, now), **base}
    return _answer(said, base, key)


def _words(said: Said) -> tuple[str, str]:
    code = said.response_code or "0000"
    return code, said.response_message or ("成功" if code == "0000" else code)


def _step(order: Order, said: Said, now: datetime) -> Step:
    """
    The step that an answer reports, with the time at which the books know it to be taken.
    """
    known = order.step or Step(now, Status.WPAR)
    if said.trade_status is None:
        return known
    at = known.at if said.trade_status is known.status else now
    return said.step(order.amount_fen, at)


def _answer(said: Said, base: Fields, key: str) -> Answer:
    delay = said.delay.total_seconds()
    match said.connection:
        case Connection.CUT:
            return Cut(delay)
        case Connection.HELD:
            return Held()
    if said.is_page:
        page = f"<html><body>{said.http_status}</body></html>" if said.body is None else said.body
        return Page(said.http_status, "text/html;charset=UTF-8", page.encode(), delay)
    fields = signed_as(said.over(base), key, SignType.SHA256, said.signature)
    return replace(replies.json_page(fields), status=said.http_status, delay_seconds=delay)
