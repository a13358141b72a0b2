"""
The Flask app, for gunicorn: ``worker.web.app:create_app()``.
"""

from flask import Flask

from worker import bootstrap, logs
from worker.jdpay.signature import SignKey
from worker.usecases.evidence import EvidenceHandler
from worker.web import receiver


def create_app() -> Flask:
    """
    Make the app from the environment.
    """
    logs.configure("INFO")
    return build(bootstrap.handler("receiver"), bootstrap.sign_key())


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
