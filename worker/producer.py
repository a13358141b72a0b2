"""
Hands payouts over to the payout worker, each job sealed: copy this file into your application.

It takes Python 3.11, ``joserfc`` and ``celery[redis]``, and nothing of the worker's::

    producer = Producer.load("shop.key")
    sender = OverHttp("https://payouts.example")  # or OverCelery(app)
    spool = Spool("jobs.sqlite", producer)

    spool.put({"out_trade_no": "WITHDRAW0001", "amount_fen": 12345, ...})  # now it is on the disk
    spool.send(sender.pay)  # and again every few seconds, from a loop or cron
    spool.hear(event)  # each event that you are told: over Celery it alone is the yes

A number is one payout for ever: in doubt the same job goes out again, never under a new one. Who
keeps jobs in a database, beside the balance that they lower, seals and sends from there instead.
"""

import base64
import json
import os
import random
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Any, NamedTuple, Self
from urllib.parse import quote, urlsplit

from celery import Celery
from celery.exceptions import OperationalError
from joserfc import jwe, jws
from joserfc.errors import JoseError
from joserfc.jwk import OctKey, OKPKey

Job = Mapping[str, Any]
Chance = Callable[[], float]
_LONGEST_WAIT = 600.0  #: seconds between two tries
_BEGINNING = """PRAGMA synchronous = FULL; PRAGMA secure_delete = ON; CREATE TABLE IF NOT EXISTS
jobs (number TEXT PRIMARY KEY, job TEXT, answer TEXT, tries INTEGER, due REAL); BEGIN IMMEDIATE"""
# One that is due later than it can be was put off by a clock that went wrong.
_DUE = """SELECT number, job, tries FROM jobs
WHERE answer IS NULL AND (due <= ? OR due > ?) ORDER BY due LIMIT 1"""
#: Why a job is rejected for its seal's sake alone: it goes on, under a new one.
_OF_ITS_SEAL = {"expires: this moment has passed", "key_not_good", "misdirected"}
_ANSWER = """UPDATE jobs SET answer = ?, job = NULL
WHERE number = ? AND (answer IS NULL OR ? = 'accepted')"""


class ProducerError(Exception):
    """
    Anything that is raised here.
    """


class Unusable(ProducerError):
    """
    A key file or a job of which nothing can be made. Nothing was sent.
    """


class Undecided(ProducerError):
    """
    Neither a yes nor a no: repeat the same job under the same number.
    """


class Refused(ProducerError):
    """
    A clear no: nothing was accepted. `code` is one of the HTTP API's problems.
    """

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code


class Accepted(NamedTuple):
    """
    A durable yes, with the payout as it is. One that is not new was accepted before.
    """

    payout: Mapping[str, Any]
    is_new: bool


@dataclass(frozen=True, slots=True)
class Producer:
    """
    Who may ask for payouts of one merchant, by a key.
    """

    kid: str
    merchant: str
    profile: str
    _key: OctKey | OKPKey = field(repr=False)
    _recipient: OKPKey | None = field(repr=False)  #: none where the worker has the same key
    clock: Callable[[], datetime] = field(repr=False)

    @classmethod
    def load(cls, path: str, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> Self:
        """
        Read the file that `payouts producers keys add` made. Raises `Unusable`.
        """
        faults = (OSError, JoseError, LookupError, TypeError, ValueError)
        with suppress(*faults), os.fdopen(os.open(path, os.O_RDONLY), encoding="utf-8") as file:
            if os.fstat(file.fileno()).st_mode & 0o077:
                raise Unusable(f"others may use {path}: replace that key, and chmod 600 it")
            found = json.load(file)
            kid, merchant, profile = (str(found[name]) for name in ("kid", "merchant", "profile"))
            if found["kty"] == "oct":
                secret = base64.urlsafe_b64decode(found["k"] + "=")
                if len(secret) == 32:
                    return cls(kid, merchant, profile, OctKey.import_key(secret), None, clock)
            own = OKPKey.import_key({name: found[name] for name in ("kty", "crv", "x", "d")})
            recipient = OKPKey.import_key(found["recipient"])
            if (own.curve_name, recipient.curve_name) == ("Ed25519", "X25519") and recipient.kid:
                return cls(kid, merchant, profile, own, recipient, clock)
        raise Unusable(f"{path} cannot be read, or is no key file")

    def seal_cancel(self, number: str, why: str, lasting: timedelta = timedelta(hours=1)) -> str:
        """
        Seal the wish to withdraw a payout that was not sent. Raises `Unusable`.
        """
        return self.seal({"out_trade_no": number, "why": why}, lasting, "cancel")

    def seal(self, job: Job, lasting: timedelta = timedelta(days=1), purpose: str = "pay") -> str:
        """
        Seal a job, to be accepted within so long. Raises `Unusable`.
        """
        if not timedelta() < lasting <= timedelta(days=31):
            raise Unusable("a seal lasts for some time, and for 31 days at most")
        issued = self.clock()
        claims = {"purpose": purpose, "merchant": self.merchant, "profile": self.profile}
        claims |= {"issued": issued.isoformat(), "expires": (issued + lasting).isoformat()}
        try:
            text = json.dumps({**claims, "job": job}, ensure_ascii=False, allow_nan=False).encode()
        except (TypeError, ValueError):
            raise Unusable("a job is an object of JSON") from None
        kind = {"enc": "A256GCM", "typ": "payout+jwe"}
        if self._recipient is None:
            header = {"alg": "dir", "kid": self.kid, **kind}
            sealed = jwe.encrypt_compact(header, text, self._key, ["dir", "A256GCM"])
        else:
            header = {"alg": "Ed25519", "kid": self.kid, "typ": "payout+jws"}
            signed = jws.serialize_compact(header, text, self._key, ["Ed25519"])
            header = {"alg": "ECDH-ES", "kid": str(self._recipient.kid), **kind}
            sealed = jwe.encrypt_compact(header, signed, self._recipient, ["ECDH-ES", "A256GCM"])
        if len(sealed) > 65_536:
            raise Unusable("a sealed job has 64 KiB at most")
        return sealed


class OverCelery:
    """
    By the broker of an application of Celery, or of an address.

    What that sets for its own tasks (compression, routes, expiry, a prefix) is not for these.
    """

    def __init__(self, broker: Celery | str) -> None:
        if isinstance(broker, str):
            broker = Celery(broker=broker, set_as_current=False)
        conf = broker.conf
        # Whoever keeps the job repeats it; and nobody waits without an end.
        ends = {"max_retries": 0, "socket_connect_timeout": 5, "socket_timeout": 15}
        options = {**conf.broker_transport_options, **ends, "global_keyprefix": ""}
        self._app = Celery(broker=conf.broker_write_url or conf.broker_url, set_as_current=False)
        self._app.conf.update(broker_transport_options=options, broker_use_ssl=conf.broker_use_ssl)

    def pay(self, sealed: str) -> None:
        """
        Queue a sealed job. It may get lost there: an event is the yes. Raises `Undecided`.
        """
        named: dict[str, Any] = {"queue": "payouts.entry", "retry": False, "ignore_result": True}
        try:
            self._app.send_task("payouts.enqueue", kwargs={"job": sealed}, **named)
        except (OperationalError, OSError) as fault:
            raise Undecided(f"no broker took it: {fault}") from fault

    def cancel(self, _number: str, sealed: str) -> None:
        """
        Queue a sealed cancellation, likewise.
        """
        self.pay(sealed)


class OverHttp:
    """
    By the HTTP API, whose yes is durable. So many seconds of silence are no answer.
    """

    def __init__(self, url: str, silence: float = 15.0) -> None:
        self._url, self._silence = urlsplit(url), silence

    def pay(self, sealed: str) -> Accepted:
        """
        Hand a sealed job over. Raises `Refused` or `Undecided`.
        """
        return self._post("", sealed)

    def cancel(self, number: str, sealed: str) -> Accepted:
        """
        Hand a sealed cancellation over. Raises `Refused` or `Undecided`.
        """
        return self._post(f"/{quote(number, safe='')}/cancel", sealed)

    def _post(self, place: str, sealed: str) -> Accepted:
        host, path = self._url.netloc, f"{self._url.path.rstrip('/')}/v1/payouts{place}"
        connect = HTTPConnection if self._url.scheme == "http" else HTTPSConnection
        try:
            with closing(connect(host, timeout=self._silence)) as connection:
                connection.request("POST", path, sealed, {"Content-Type": "application/jose"})
                answer = connection.getresponse()
                told = json.load(answer)
        except (OSError, HTTPException, ValueError) as fault:
            raise Undecided(f"no answer: {fault}") from fault
        match answer.status, told:
            case 200 | 201, {"out_trade_no": _}:
                return Accepted(told, answer.status == 201)
            case 409 | 422, {"code": code, "detail": detail}:
                raise Refused(code, detail)
        raise Undecided(f"{answer.status} is neither a yes nor a no: {told}")


class Spool:
    """
    Jobs in a file, from before they are sent until they are answered. Processes may share it.
    """

    def __init__(self, path: str, producer: Producer, chance: Chance = random.random) -> None:
        self._path, self._producer, self._chance = path, producer, chance
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))  # it knows payees

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with closing(sqlite3.connect(self._path, 30, isolation_level=None)) as db:
            db.executescript(_BEGINNING)
            with db:
                yield db

    def put(self, job: Job) -> None:
        """
        Keep a job: it is on the disk when this returns. Raises `Unusable`.
        """
        self._producer.seal(job)
        number, text = job.get("out_trade_no"), json.dumps(job, sort_keys=True)
        if not isinstance(number, str):
            raise Unusable("a job has its number as `out_trade_no`")
        with self._transaction() as db:
            db.execute("INSERT OR IGNORE INTO jobs VALUES (?, ?, NULL, 0, 0)", [number, text])
            (kept,) = db.execute("SELECT job FROM jobs WHERE number = ?", [number]).fetchone()
        if kept != text:
            raise Unusable(f"{number} is the number of another job, or of one that was answered")

    def send(self, pay: Callable[[str], Accepted | None]) -> None:
        """
        Send each job that is due, sealed anew. Raises `Undecided` at the first without an answer.

        All without one are kept, and due again after waits that grow from seconds to ten minutes.
        """
        for number, job in iter(self._claim, None):
            try:
                if pay(self._producer.seal(json.loads(job))) is not None:
                    self._answer(number, "accepted")
            except Refused as refusal:
                self._answer(number, f"refused: {refusal}")

    def hear(self, event: Mapping[str, Any]) -> None:
        """
        Take in what an event says of a job, however often and late it comes.
        """
        told, faults = event["data"], event["data"].get("faults", [])
        is_no = event["type"] == "job.rejected"
        if not (is_no and _OF_ITS_SEAL.intersection(faults)):
            answer = f"refused: {', '.join(faults)}" if is_no else "accepted"
            self._answer(told.get("out_trade_no"), answer)

    def answers(self) -> dict[str, str | None]:
        """
        By number: `accepted`, `refused` and why, or nothing so far.
        """
        with self._transaction() as db:
            return dict(db.execute("SELECT number, answer FROM jobs ORDER BY number"))

    def _claim(self) -> tuple[str, str] | None:
        now = self._producer.clock().timestamp()
        with self._transaction() as db:
            for number, job, tries in db.execute(_DUE, [now, now + _LONGEST_WAIT]).fetchall():
                due = now + min(5 * 2**tries, _LONGEST_WAIT) * (0.5 + self._chance() / 2)
                db.execute("UPDATE jobs SET tries=tries+1, due=? WHERE number=?", [due, number])
                return number, job
        return None

    def _answer(self, number: str | None, answer: str) -> None:
        with self._transaction() as db:
            db.execute(_ANSWER, [answer, number, answer])
