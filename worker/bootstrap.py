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
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import ParamSpec, TypeVar
from urllib.parse import urlsplit

from worker.broker.app import app
from worker.broker.dispatch import CeleryDispatcher
from worker.broker.high_water_mark import BrokerHighWaterMark
from worker.jdpay.certificates import load_jd, load_merchant
from worker.jdpay.client import JdPayClient
from worker.jdpay.deadline import steady
from worker.jdpay.envelope import Style
from worker.jdpay.errors import BadCertificate
from worker.jdpay.signature import SignKey
from worker.jdpay.transport import Transport
from worker.payouts.errors import SettingsError
from worker.settings import (
    AcceptanceSettings,
    Profile,
    ReceiverSettings,
    Settings,
    StoreSettings,
)
from worker.store.database import Database
from worker.store.keyring import Keyring
from worker.store.ledger import SqlLedger
from worker.usecases.accept import Acceptor
from worker.usecases.evidence import EvidenceHandler
from worker.usecases.maintenance import Maintenance
from worker.usecases.operate import Operator
from worker.usecases.ports import Dispatcher, Gateway
from worker.usecases.query import Querier
from worker.usecases.send import Sender
from worker.usecases.sweep import Sweeper

log = logging.getLogger("jdpay_payouts.bootstrap")

P = ParamSpec("P")
Part = TypeVar("Part")

#: One lock for all parts, since making one may take making another.
_making = threading.RLock()


def _once(make: Callable[P, Part]) -> Callable[P, Part]:
    """
    Make a part once a process, whichever of its threads asks first.
    """
    made = functools.cache(make)

    @functools.wraps(make)
    def get(*args: P.args, **kwargs: P.kwargs) -> Part:
        with _making:
            return made(*args, **kwargs)  # type: ignore[arg-type]

    get.cache_clear, get.cache_info = made.cache_clear, made.cache_info  # type: ignore[attr-defined]
    return get


@_once
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
    with contextlib.ExitStack() as unless_it_is_ours:
        opened = unless_it_is_ours.enter_context(database(settings))
        found = opened.checked_ledger(settings.profile, keyring(settings))
        unless_it_is_ours.pop_all()
    return found


def database(settings: StoreSettings) -> Database:
    """
    The configured database, whatever state it is in. Raises `SettingsError`.
    """
    return Database(settings.database_url.get_secret_value())


@_once
def handler(actor: str = "worker") -> EvidenceHandler:
    """
    What judges evidence; it holds no certificate and reaches no gateway.
    """
    settings = ReceiverSettings.load()
    return EvidenceHandler(ledger(), settings.customer_no, settings.limits, actor)


@_once
def sign_key() -> SignKey:
    """
    The key that notifications are verified with.
    """
    return SignKey(ReceiverSettings.load().sign_key.get_secret_value())


@_once
def dispatcher() -> Dispatcher:
    """
    What wakes workers through the broker.
    """
    return CeleryDispatcher(app)


@_once
def acceptor() -> Acceptor:
    """
    What takes jobs in. Raises `SettingsError` where the gateway is out of bounds.
    """
    settings = AcceptanceSettings.load()
    refuse_real_money(settings)
    return Acceptor(ledger(), dispatcher(), settings.terms, settings.limits, settings.review_list)


@_once
def sender() -> Sender:
    """
    What sends. The database is first asked whether it was restored.
    """
    maintenance().check_epoch()
    return Sender(handler(), ledger(), _gateway(), steady)


@_once
def querier() -> Querier:
    """
    What asks JD.
    """
    return Querier(handler(), ledger(), _gateway())


@_once
def sweeper() -> Sweeper:
    """
    What finds due work that no message announced.
    """
    return Sweeper(handler(), ledger(), dispatcher())


@_once
def maintenance() -> Maintenance:
    """
    What checks the service as a whole; the broker remembers how far the database had counted.
    """
    return Maintenance(handler(), ledger(), BrokerHighWaterMark(app))


def operator(who: str) -> Operator:
    """
    A person at work on this ledger.
    """
    return Operator(ledger(), who)


@_once
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


def keyring(settings: StoreSettings) -> Keyring:
    """
    The keys that seal payee data, newest first.
    """
    return Keyring([key.strip() for key in settings.keyring.get_secret_value().split(",")])


def refuse_real_money(settings: AcceptanceSettings) -> None:
    """
    Allow only a gateway on this host or a private network, in the sandbox profile.

    Jobs travel unsealed so far, so anyone who can write to the broker could cause a payment: not
    good enough for real money. Raises `SettingsError`.
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
