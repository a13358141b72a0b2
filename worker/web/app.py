"""
The Flask app, for gunicorn: ``worker.web.app:create_app()``.
"""

from flask import Flask

from worker import bootstrap, logs, startup
from worker.jdpay.signature import SignKey
from worker.usecases.evidence import EvidenceHandler
from worker.web import receiver

#: What gunicorn takes as "failed to boot": it ends. After anything else it starts a worker anew.
_BOOT_FAILURE = 3

#: How long one of gunicorn's workers waits for the database, in seconds: less than the 30 after
#: which gunicorn takes it for hung. The next one waits on.
_PATIENCE = 15.0


def create_app() -> Flask:
    """
    Make the app from the environment, once the database can be reached.
    """
    logs.configure("INFO")
    return startup.when_usable(
        "receiver",
        lambda: build(bootstrap.handler("receiver"), bootstrap.sign_key()),
        fault_code=_BOOT_FAILURE,
        patience=_PATIENCE,
        longest_pause=2.0,
    )


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
