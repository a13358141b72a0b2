"""
The Flask app, for gunicorn: ``worker.web.app:create_app()``.
"""

from flask import Flask

from worker import bootstrap
from worker.jdpay.signature import SignKey
from worker.usecases.evidence import EvidenceHandler
from worker.web import receiver
from worker.web.boot import boot


def create_app() -> Flask:
    """
    Make the app from the environment, once the database can be reached.
    """
    return boot("receiver", lambda: build(bootstrap.handler("receiver"), bootstrap.sign_key()))


def build(handler: EvidenceHandler, sign_key: SignKey) -> Flask:
    """
    Make the app over given parts.
    """
    app = Flask("jdpay_payouts")
    app.config.update(
        EVIDENCE_HANDLER=handler, SIGN_KEY=sign_key, MAX_CONTENT_LENGTH=receiver.MAX_BODY_BYTES
    )
    app.register_blueprint(receiver.blueprint)
    return app
