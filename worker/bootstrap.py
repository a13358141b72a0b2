"""
The composition root: where settings become working parts.

Here is what stands on the database alone, for commands and the receiver; what the broker is needed
for to take jobs in is in `worker.acceptance`, and what JD is needed for in `worker.service`, so
that a command does not load them. Each part is made once a process, when something first asks for
it; a forked child makes its own database connections.
"""

import contextlib
import functools
import ipaddress
import secrets
import socket
import threading
from collections.abc import Callable
from typing import Generic, ParamSpec, TypeVar
from urllib.parse import urlsplit

from worker.jdpay import notice
from worker.jdpay.answer import from_reply
from worker.jdpay.mending import differences
from worker.jdpay.request import render
from worker.jdpay.signature import SignKey
from worker.payouts.errors import SettingsError
from worker.payouts.evidence import Answer, Source
from worker.payouts.person import Person
from worker.payouts.record import Message
from worker.settings import (
    AcceptanceSettings,
    DatabaseSettings,
    ReceiverSettings,
    StoreSettings,
)
from worker.store.database import Database
from worker.store.keyring import Keyring
from worker.store.ledger import SqlLedger
from worker.usecases.audit import Reader
from worker.usecases.controls import Controller
from worker.usecases.decide import Decider
from worker.usecases.evidence import EvidenceHandler
from worker.usecases.group_commit import GroupCommit
from worker.usecases.job_keys import KeyRegistrar
from worker.usecases.mend import Mender
from worker.usecases.operate import Operator
from worker.usecases.producers import Registrar

P = ParamSpec("P")
Part = TypeVar("Part")

#: One lock for all parts, since making one may take making another.
_making = threading.RLock()


class Once(Generic[P, Part]):
    """
    Makes a part once a process, whichever of its threads asks first.
    """

    def __init__(self, make: Callable[P, Part]) -> None:
        functools.update_wrapper(self, make)
        made = functools.cache(make)
        self._made = made
        self.cache_clear = made.cache_clear
        self.cache_info = made.cache_info

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> Part:
        """
        The part, made if it was not yet.
        """
        with _making:
            return self._made(*args, **kwargs)  # type: ignore[arg-type]


@Once
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


def keyless_ledger(settings: DatabaseSettings) -> SqlLedger:
    """
    A ledger for who only reads, and holds no key. Raises `SettingsError` or `ProfileMismatch`.
    """
    with contextlib.ExitStack() as unless_it_is_ours:
        opened = unless_it_is_ours.enter_context(database(settings))
        found = opened.keyless_ledger(settings.profile)
        unless_it_is_ours.pop_all()
    return found


def database(settings: DatabaseSettings) -> Database:
    """
    The configured database, whatever state it is in. Raises `SettingsError`.
    """
    return Database(settings.database_url.get_secret_value())


@Once
def handler(actor: str = "worker") -> EvidenceHandler:
    """
    What judges evidence; it holds no certificate and reaches no gateway.
    """
    settings = ReceiverSettings.load()
    return EvidenceHandler(ledger(), settings.customer_no, settings.limits, actor, GroupCommit)


@Once
def sign_key() -> SignKey:
    """
    The key that notifications are verified with.
    """
    return SignKey(ReceiverSettings.load().sign_key.get_secret_value())


def reader() -> Reader:
    """
    What reads the merchant's stored messages anew, by the key that verifies them today.
    """
    merchant, key = ReceiverSettings.load().customer_no, sign_key()

    def read(message: Message) -> Answer | None:
        if message.customer_no != merchant:
            return None
        raw = message.evidence.answer.raw
        if message.evidence.source is Source.NOTIFICATION:
            return notice.read(raw, key).answer
        return from_reply(raw, key)

    return read


def operator(person: Person) -> Operator:
    """
    A person at work on this ledger.
    """
    return Operator(ledger(), person.who)


def decider(person: Person) -> Decider:
    """
    One of two people who decide on proof from outside.
    """
    return Decider(ledger(), person)


def controller(person: Person) -> Controller:
    """
    A person who sets limits and denies payees.
    """
    return Controller(ledger(), person)


def mender(person: Person) -> Mender:
    """
    A person who has a refused request rendered anew.
    """
    return Mender(ledger(), person.who, render, differences)


def registrar(person: Person) -> Registrar:
    """
    A person who registers producers and issues their tokens.
    """
    return Registrar(ledger(), person.who)


def key_registrar(person: Person) -> KeyRegistrar:
    """
    A person who registers the keys of producers.
    """
    return KeyRegistrar(ledger(), person, secrets.token_bytes)


def keyring(settings: StoreSettings) -> Keyring:
    """
    The keys that seal payee data, newest first.
    """
    return Keyring([key.strip() for key in settings.keyring.get_secret_value().split(",")])


def addresses(settings: AcceptanceSettings) -> frozenset[str]:
    """
    The only addresses to which anything is sent, whatever a row says.
    """
    urls = (settings.gateway_url, *(settings.former_gateway_urls or "").split(","))
    return frozenset(url.rstrip("/") for url in urls if url)


def refuse_real_money(settings: AcceptanceSettings) -> None:
    """
    Allow only a gateway on this host or a private network, in either profile.

    In the live profile all is as strict as with real money, so that it can be rehearsed; but what
    strangers write to the broker can still stop a worker. Raises `SettingsError`.
    """
    for url in sorted(addresses(settings)):
        named = "PAYOUTS_GATEWAY_URL"
        if url != settings.terms.gateway_url:
            named = "PAYOUTS_FORMER_GATEWAY_URLS"
        _refuse_public(urlsplit(url).hostname or "", named)


def _refuse_public(host: str, variable: str) -> None:
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:  # the latter for what cannot be a name
        raise SettingsError(f"{variable}: the host {host} is not known") from error
    for *_, address in found:
        where = ipaddress.ip_address(str(address[0]).partition("%")[0])
        if not (where.is_loopback or where.is_private):
            raise SettingsError(
                f"{variable}: {host} is a public address, and the worker sends nothing"
                " there yet: rehearse with the sandbox, in the live profile too"
            )
