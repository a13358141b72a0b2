"""
The composition root's largest part: what a worker sends and asks JD with.

Whoever imports it has loaded Celery and what speaks to JD: a worker does before its children are
forked and its threads start. A forked child keeps the certificates that its parent read.
"""

import contextlib
import logging
import os
from collections.abc import Iterator
from pathlib import Path

from worker.acceptance import dispatcher
from worker.bootstrap import (
    Once,
    addresses,
    handler,
    ledger,
    open_ledger,
    refuse_real_money,
)
from worker.broker.app import app
from worker.broker.high_water_mark import BrokerHighWaterMark
from worker.in_flight import InFlight
from worker.intake.sealing import SealedJobs
from worker.jdpay.certificates import load_jd, load_merchant
from worker.jdpay.client import JdPayClient
from worker.jdpay.deadline import steady
from worker.jdpay.envelope import Style
from worker.jdpay.errors import BadCertificate
from worker.jdpay.signature import SignKey
from worker.jdpay.transport import Transport
from worker.payouts.errors import SettingsError
from worker.processes import MOST_IN_FLIGHT
from worker.settings import Settings
from worker.store.journal import FileJournal
from worker.usecases.epochs import Epochs
from worker.usecases.maintenance import Maintenance
from worker.usecases.ports import Gateway, Journal
from worker.usecases.query import Querier
from worker.usecases.send import Sender
from worker.usecases.sweep import Sweeper

log = logging.getLogger("jdpay_payouts.service")


def check() -> None:
    """
    Raise what would keep a worker from accepting, sending or asking; note as whom it runs.

    Leaves no connection behind: the worker's children are forked after it. A certificate that has
    expired is only logged, because JD refuses it and queries go on without it.
    """
    settings = Settings.load()
    refuse_real_money(settings)
    client = gateway(settings)
    ledger = open_ledger(settings)
    try:
        # Whoever can be this user can do what it does, so it approves no decision about money.
        ledger.note_service(os.getuid())
        ledger.note_certificates(settings.customer_no, client.valid_until)
    finally:
        ledger.close()


@Once
def sender() -> Sender:
    """
    What sends. The database is first asked whether it was restored.
    """
    _epochs().check(_journal())
    parts = handler(), ledger(), _gateway(), _epochs(), _journal()
    return Sender(*parts, steady=steady, opener=SealedJobs())


@Once
def querier() -> Querier:
    """
    What asks JD.
    """
    return Querier(handler(), ledger(), _gateway(), Settings.load().sweep_every)


@Once
def in_flight() -> InFlight:
    """
    The requests that this process has in flight.
    """
    return InFlight(MOST_IN_FLIGHT)


@Once
def sweeper() -> Sweeper:
    """
    What finds due work that no message announced.
    """
    return Sweeper(handler(), ledger(), dispatcher(), Settings.load().sweep_every)


@Once
def maintenance() -> Maintenance:
    """
    What checks the service as a whole.
    """
    return Maintenance(handler(), ledger(), _epochs())


@Once
def _epochs() -> Epochs:
    """
    What notices a restored database; the broker remembers how far it had come.
    """
    return Epochs(ledger(), BrokerHighWaterMark(app), handler().limits)


@Once
def _journal() -> Journal:
    settings = Settings.load()
    return FileJournal(settings.journal, ledger().seals, settings.journal_keep)


@Once
def _gateway() -> Gateway:
    settings = Settings.load()
    refuse_real_money(settings)
    return gateway(settings)


def gateway(settings: Settings) -> JdPayClient:
    """
    JD Pay for this merchant; reading the pfx takes about 40 ms.

    Raises `SettingsError` or `BadCertificate`, which name the setting.
    """
    with _naming("PAYOUTS_PFX_FILE or PAYOUTS_PFX_PASSWORD"):
        password = settings.pfx_password.get_secret_value()
        merchant = load_merchant(_content("PAYOUTS_PFX_FILE", settings.pfx_file), password)
    with _naming("PAYOUTS_JD_CERT_FILE"):
        jd = load_jd(_content("PAYOUTS_JD_CERT_FILE", settings.jd_cert_file))
    for warning in (*merchant.warnings, *jd.warnings):
        log.warning(warning)
    deadline = settings.http_deadline.total_seconds()
    return JdPayClient(
        key=SignKey(settings.sign_key.get_secret_value()),
        merchant=merchant,
        jd_certificate=jd,
        transport=Transport(
            ca_file=str(settings.ca_file) if settings.ca_file else None,
            connect_timeout=min(5.0, deadline),
            read_timeout=min(30.0, deadline),
            deadline=deadline,
            margin=settings.lease_margin.total_seconds(),
        ),
        addresses=addresses(settings),
        style=Style(digest=settings.envelope_digest.value, attributes=settings.envelope_attributes),
    )


def _content(variable: str, path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise SettingsError(f"{variable}: cannot read {path}: {error.strerror}") from error


@contextlib.contextmanager
def _naming(variables: str) -> Iterator[None]:
    try:
        yield
    except BadCertificate as error:
        raise type(error)(f"{variables}: {error}") from error
