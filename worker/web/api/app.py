"""
The Flask apps of the HTTP API, for gunicorn: ``worker.web.api.app:create_read_app()``.
"""

import logging
import traceback
from collections.abc import Callable, Mapping
from http import HTTPStatus
from pathlib import Path

from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException

from worker import acceptance, bootstrap
from worker.payouts.errors import StoreUnavailable
from worker.settings import AcceptanceSettings, MerchantSettings
from worker.usecases.own_payouts import OwnPayouts
from worker.usecases.ports import TokenReads
from worker.web.api import openapi
from worker.web.api.accept import AcceptApi
from worker.web.api.operations import Handler, Operation
from worker.web.api.problems import KINDS, Code, Refused
from worker.web.api.read import ReadApi
from worker.web.api.requests import MAX_BODY_BYTES, asked
from worker.web.boot import boot

log = logging.getLogger("jdpay_payouts.api")

#: When who finds the database away may try again, in seconds.
_AGAIN_AFTER = "2"


def create_accept_app() -> Flask:
    """
    Make the app that takes payouts in: it holds what acceptance needs, and nothing that sends.
    """
    return boot("HTTP API", _accept_app)


def create_read_app() -> Flask:
    """
    Make the app that tells producers of their payouts: it holds no key.
    """
    return boot("HTTP API", _read_app)


def _accept_app() -> Flask:
    acceptor, ledger = acceptance.answering_acceptor(), bootstrap.ledger()
    merchant = AcceptanceSettings.load().customer_no
    own = OwnPayouts(ledger, merchant)
    handlers = AcceptApi(acceptor, own).handlers
    return build(ledger, handlers, ledger.check_writable)


def _read_app() -> Flask:
    settings = MerchantSettings.load()
    ledger = bootstrap.keyless_ledger(settings)
    return build(ledger, ReadApi(OwnPayouts(ledger, settings.customer_no)).handlers, ledger.now)


def build(
    tokens: TokenReads, handlers: Mapping[Operation, Handler], check: Callable[[], object]
) -> Flask:
    """
    Make an app of some operations over given parts; `check` raises where it could not serve.
    """
    app = Flask("jdpay_payouts_api", static_folder=None)
    # One byte more shows that a body of unknown length is too large: Flask would cut it off.
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY_BYTES + 1
    app.url_map.merge_slashes = False
    document = openapi.text(handlers)

    def described() -> Response:
        return Response(document, content_type="application/json")

    def health() -> Response:
        check()
        return Response("ok", content_type="text/plain")

    _route(app, "/openapi.json", "GET", "openapi", described)
    _route(app, "/health", "GET", "health", health)
    for operation, handler in handlers.items():
        view = _view(operation, handler, tokens)
        rule = operation.path.replace("{number}", "<number>")
        _route(app, rule, operation.method, operation.name, view)
    app.register_error_handler(Refused, Refused.response)
    app.register_error_handler(StoreUnavailable, _away)
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(Exception, _fault)
    app.after_request(_private)
    return app


def _route(app: Flask, rule: str, method: str, name: str, view: Callable[..., Response]) -> None:
    app.add_url_rule(rule, name, view, methods=[method], provide_automatic_options=False)


def _view(operation: Operation, handler: Handler, tokens: TokenReads) -> Callable[..., Response]:
    def view(number: str = "") -> Response:
        answer = handler(asked(request, operation, tokens, number))
        body = answer.content.model_dump_json()
        return Response(body, answer.status, content_type="application/json")

    return view


def _private(response: Response) -> Response:
    response.headers["Cache-Control"] = "no-store"
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response


def _away(error: StoreUnavailable) -> Response:
    log.error("the database cannot be reached", extra={"detail": str(error)})
    told = {"Retry-After": _AGAIN_AFTER}
    return Refused(Code.UNAVAILABLE, "the database cannot be reached now", headers=told).response()


def _http(error: HTTPException) -> Response:
    """
    What Flask itself refuses: an address, a method, a body that is too large or broken off.
    """
    status = error.code or HTTPStatus.INTERNAL_SERVER_ERROR
    code = next((c for c, kind in KINDS.items() if kind.status == status), Code.UNREADABLE)
    headers = {n: v for n, v in error.get_headers() if n == "Allow"}
    return Refused(code, KINDS[code].title, headers=headers).response()


def _fault(error: Exception) -> Response:
    # The error's text may quote the request, so only its type and place are told.
    *_, frame = traceback.extract_tb(error.__traceback__)
    place = f"{type(error).__name__} at {Path(frame.filename).name}:{frame.lineno}"
    log.error("a request failed by a fault of ours", extra={"detail": place})
    return Refused(Code.FAULT, "the request failed; our log says where").response()
