"""
The composition root: the one place where settings become working parts.

Each part is made once a process, when something first asks for it; a forked child makes its own
database connections, and keeps the certificates that its parent read.
"""

import contextlib
import functools
import ipaddress
import logging
import socket
from urllib.parse import urlsplit

from worker.broker.app import app
from worker.broker.dispatch import CeleryDispatcher
from worker.broker.high_water_mark import BrokerWitness
from worker.jdpay.certificates import load_jd, load_merchant
from worker.jdpay.client import JdPayClient
from worker.jdpay.envelope import Style
from worker.jdpay.signature import SignKey
from worker.jdpay.transport import Transport
from worker.settings import Profile, ReceiverSettings, Settings, SettingsError, StoreSettings
from worker.store import migrate
from worker.store.engine import create_engine
from worker.store.keyring import Keyring
from worker.store.ledger import SqlLedger
from worker.store.stamp import ensure_keyring, ensure_profile
from worker.usecases.evidence import Clerk
from worker.usecases.ports import Dispatcher
from worker.usecases.service import Payouts
from worker.usecases.watch import Watch

log = logging.getLogger("jdpay_payouts.bootstrap")


@functools.cache
def ledger() -> SqlLedger:
    """
    The ledger, its schema current and its profile and keys ours.

    Raises `SettingsError`, `ProfileMismatch` or `WrongKey`.
    """
    return open_ledger(StoreSettings.load())


def open_ledger(settings: StoreSettings) -> SqlLedger:
    """
    A ledger over given settings, after the same checks.
    """
    try:
        engine = create_engine(settings.database_url.get_secret_value())
    except ValueError as error:
        raise SettingsError(f"PAYOUTS_DATABASE_URL: {error}") from error
    with contextlib.ExitStack() as unless_it_is_ours:
        unless_it_is_ours.callback(engine.dispose)
        if not migrate.is_current(engine):
            raise SettingsError("the database schema is not current; run `payouts migrate`")
        ensure_profile(engine, settings.profile)
        keys = keyring(settings)
        ensure_keyring(engine, keys)
        unless_it_is_ours.pop_all()
    return SqlLedger(engine, keys)


@functools.cache
def clerk(actor: str = "worker") -> Clerk:
    """
    What weighs evidence; it holds no certificate and reaches no gateway.
    """
    settings = ReceiverSettings.load()
    return Clerk(ledger(), settings.customer_no, settings.rules, actor)


@functools.cache
def sign_key() -> SignKey:
    """
    The key that notifications are verified with.
    """
    return SignKey(ReceiverSettings.load().sign_key.get_secret_value())


@functools.cache
def payouts() -> Payouts:
    """
    The use cases of a sending worker, which first looks whether the database was restored.
    """
    watch().check_epoch()
    return payouts_for(Settings.load(), clerk(), CeleryDispatcher(app))


@functools.cache
def watch() -> Watch:
    """
    What looks after the whole, with the broker as its witness.
    """
    return Watch(clerk(), BrokerWitness(app))


def payouts_for(settings: Settings, clerk: Clerk, dispatcher: Dispatcher) -> Payouts:
    """
    The use cases over given parts. Raises `SettingsError` where the gateway is out of bounds.
    """
    refuse_real_money(settings)
    return Payouts(clerk, gateway(settings), dispatcher, settings.terms)


def gateway(settings: Settings) -> JdPayClient:
    """
    JD Pay for this merchant; reading the pfx takes about 40 ms. Raises `WireError` trees.
    """
    password = settings.pfx_password.get_secret_value()
    merchant = load_merchant(settings.pfx_file.read_bytes(), password)
    jd = load_jd(settings.jd_cert_file.read_bytes())
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
        style=Style(digest=settings.envelope_digest.value, attributes=settings.envelope_attributes),
    )


def keyring(settings: StoreSettings) -> Keyring:
    """
    The keys that seal payee data, newest first.
    """
    return Keyring([key.strip() for key in settings.keyring.get_secret_value().split(",")])


def refuse_real_money(settings: Settings) -> None:
    """
    Allow only a gateway on this host or a private network, in the sandbox profile.

    Jobs travel unsealed so far, so whoever can write to the broker could cause a payment: that is
    no state to hold real money in. Raises `SettingsError`.
    """
    if settings.profile is not Profile.SANDBOX:
        raise SettingsError("PAYOUTS_PROFILE: only sandbox works until jobs travel sealed")
    host = urlsplit(settings.gateway_url).hostname or ""
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:  # the latter for what cannot be a name
        raise SettingsError(f"PAYOUTS_GATEWAY_URL: the host {host} is not known") from error
    for *_, address in found:
        where = ipaddress.ip_address(str(address[0]).partition("%")[0])
        if not (where.is_loopback or where.is_private):
            raise SettingsError(
                f"PAYOUTS_GATEWAY_URL: {host} is a public address, and the worker sends nothing"
                " there until jobs travel sealed; use the sandbox"
            )
