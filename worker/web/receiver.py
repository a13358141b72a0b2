"""
The notification receiver: verified, stored, and only then acknowledged.

JD sends a notification again until it reads ``success``, at most five times; so that word is said
only for what is committed. Anything that does not verify gets an error and changes nothing; it may
bring the follow-up query of the payout that it names forward.
"""

import logging

from flask import Blueprint, Response, current_app, request
from werkzeug.exceptions import RequestEntityTooLarge

from worker.jdpay import notice
from worker.jdpay.signature import SignKey
from worker.payouts.errors import StoreError, StoreUnavailable
from worker.usecases.evidence import EvidenceHandler

log = logging.getLogger("jdpay_payouts.receiver")

#: JD's notifications take about 1 KiB.
MAX_BODY_BYTES = 64 * 1024

blueprint = Blueprint("receiver", __name__)


def _answer(word: str, status: int) -> Response:
    return Response(word, status, mimetype="text/plain")


@blueprint.post("/jdpay/notify")
def notify() -> Response:
    """
    Take one notification.
    """
    handler: EvidenceHandler = current_app.config["EVIDENCE_HANDLER"]
    key: SignKey = current_app.config["SIGN_KEY"]
    found = notice.read(request.get_data(), key)
    if found.unverified_claim is not None:
        log.warning("a notification did not verify", extra={"action": "notification_unverified"})
        if found.unverified_claim.out_trade_no is not None:
            handler.hurry(found.unverified_claim.out_trade_no)
        return _answer("fail", 400)
    if not handler.notify(found.answer):
        log.warning("a notification is not ours", extra={"action": "notification_foreign"})
        return _answer("fail", 400)
    return _answer("success", 200)


@blueprint.get("/health")
def health() -> Response:
    """
    Whether the ledger takes work: one that can only be read is no better than none.
    """
    handler: EvidenceHandler = current_app.config["EVIDENCE_HANDLER"]
    handler.check_ledger()
    return _answer("ok", 200)


@blueprint.errorhandler(StoreError)
def _store_failed(error: StoreError) -> Response:
    # Not acknowledged, so JD sends it again.
    if isinstance(error, StoreUnavailable):
        log.error("the database cannot be reached", extra={"detail": str(error)})
    else:
        log.error("the ledger refused", extra={"detail": f"{type(error).__name__}: {error}"})
    return _answer("fail", 503)


@blueprint.errorhandler(RequestEntityTooLarge)
def _too_large(_error: RequestEntityTooLarge) -> Response:
    return _answer("fail", 413)
