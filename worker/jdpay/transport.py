"""
One request and its answer, and the knowledge whether it may have arrived.
"""

import contextlib
import http.client
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import urlencode, urlsplit

import requests
import tenacity
import urllib3.exceptions

from worker.jdpay import trust
from worker.jdpay.deadline import DeadlineAdapter, Limits, steady
from worker.jdpay.kept import Kept
from worker.payouts.errors import GatewayError, MaybeSent, NotSent

_HEADERS = {
    "Content-Type": "application/x-www-form-urlencoded; charset=UTF-8",
    "Accept-Encoding": "identity",
}
_ONCE = {**_HEADERS, "Connection": "close"}

_CHUNK_BYTES = 16 * 1024

#: What requests raises, and what it may let through from below.
_FAULTS = (
    requests.RequestException,
    urllib3.exceptions.HTTPError,
    http.client.HTTPException,
    OSError,
    ValueError,
)

#: The causes that come before the first byte of a request: no connection (a name that is unknown
#: is one kind of it), a connection too slow to make, and a certificate that does not verify.
_UNSENT: tuple[tuple[type[Exception], str], ...] = (
    (urllib3.exceptions.NameResolutionError, "name_unknown"),
    (urllib3.exceptions.NewConnectionError, "refused"),
    (urllib3.exceptions.ConnectTimeoutError, "connect_timeout"),
    (ssl.SSLCertVerificationError, "certificate_untrusted"),
)

#: The word for an ambiguous fault: the first class that fits, else `fault`.
_AMBIGUOUS: tuple[tuple[type[Exception], str], ...] = (
    (requests.exceptions.Timeout, "read_timeout"),
    (requests.exceptions.SSLError, "tls"),
    (requests.exceptions.ChunkedEncodingError, "cut"),
    (requests.exceptions.ContentDecodingError, "bad_encoding"),
    (requests.exceptions.ConnectionError, "connection_lost"),
)

#: Seconds before the next try: random, up to 0.2, then 0.4.
_SHORTLY = tenacity.wait_random_exponential(multiplier=0.2, max=2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Transport:
    """
    How requests travel. Times are seconds; `deadline` holds for one try from connect to last byte.

    `ca_file` is a PEM file of the authorities to trust in place of the public ones. `margin` is how
    long after it was asked for a connection may be opened: what a lease has to spare.
    `sleep` and `wait` belong to the pause before a connection is tried again.
    """

    ca_file: str | None = None
    connect_timeout: float = 5.0
    read_timeout: float = 30.0
    deadline: float = 45.0
    margin: float = 30.0
    body_limit: int = 1024 * 1024
    tries: int = 3
    wait: tenacity.wait.WaitBaseT = _SHORTLY
    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = steady

    _context: ssl.SSLContext = field(init=False, repr=False)
    _kept: Kept = field(init=False, repr=False, default_factory=Kept)

    def __post_init__(self) -> None:
        # Set as a frozen class's own constructor would.
        object.__setattr__(self, "_context", trust.context(self.ca_file))

    def post(
        self, url: str, fields: Mapping[str, str], before_connect: Callable[[], None]
    ) -> bytes:
        """
        POST form fields over a fresh connection and return the whole body of a 200.

        Only a connection that was never made is tried again. `before_connect` runs immediately
        before each try; what it raises passes through, and that try sent nothing. Raises `NotSent`
        or `MaybeSent`.
        """
        return self._tried(url, fields, before_connect, self._afresh)

    def ask(self, url: str, fields: Mapping[str, str]) -> bytes:
        """
        POST what may be repeated: as `post`, but over the connection that this thread kept, if any.

        Where that one is lost, it is asked once more over a fresh one.
        """
        return self._tried(url, fields, _always, self._over_the_kept)

    def _tried(
        self,
        url: str,
        fields: Mapping[str, str],
        before_connect: Callable[[], None],
        send: Callable[[str, bytes, float], bytes],
    ) -> bytes:
        if urlsplit(url).scheme != "https":
            raise NotSent("not_https")
        body = urlencode(fields).encode()
        for attempt in tenacity.Retrying(
            retry=tenacity.retry_if_exception_type(NotSent),
            stop=tenacity.stop_after_attempt(self.tries),
            wait=self.wait,
            sleep=self.sleep,
            reraise=True,
        ):
            asked_at = self.clock()
            before_connect()
            with attempt:
                return send(url, body, asked_at + self.margin)
        raise AssertionError("the loop above returns or raises")

    def _afresh(self, url: str, body: bytes, latest: float) -> bytes:
        # No connection that might be closing is ever used for what must not be repeated.
        with contextlib.closing(self._adapter()) as adapter:
            return self._exchange(adapter, url, body, latest, _ONCE)

    def _over_the_kept(self, url: str, body: bytes, latest: float) -> bytes:
        kept = self._kept.take(self.clock())
        if kept is not None:
            try:
                return self._keeping(kept, url, body, latest)
            except MaybeSent as fault:
                if not _is_closed(fault.__cause__):
                    raise
        return self._keeping(self._adapter(), url, body, latest)

    def _keeping(self, adapter: DeadlineAdapter, url: str, body: bytes, latest: float) -> bytes:
        # What fails is not kept: urllib3 has closed its connection.
        answer = self._exchange(adapter, url, body, latest, _HEADERS)
        self._kept.put(adapter, self.clock())
        return answer

    def _adapter(self) -> DeadlineAdapter:
        return DeadlineAdapter(self._context, Limits(self.clock, self.read_timeout))

    def _exchange(
        self,
        adapter: DeadlineAdapter,
        url: str,
        body: bytes,
        latest: float,
        headers: Mapping[str, str],
    ) -> bytes:
        # A session of its own: no cookie is kept, and neither proxies, .netrc nor CA settings of
        # the environment can divert a payment. It is not closed, since that closes the adapter.
        session = requests.Session()
        session.trust_env = False
        session.mount("https://", adapter)
        adapter.limits.latest = latest
        adapter.limits.deadline = self.clock() + self.deadline
        try:
            with session.post(
                url,
                data=body,
                headers=headers,
                timeout=(self.connect_timeout, self.read_timeout),
                allow_redirects=False,
                stream=True,
            ) as response:
                return self._body(response)
        except _FAULTS as fault:
            raise _classified(fault) from fault

    def _body(self, response: requests.Response) -> bytes:
        if response.is_redirect or 300 <= response.status_code < 400:
            raise MaybeSent("redirect")
        if response.status_code != 200:
            raise MaybeSent(f"http_{response.status_code}")
        body = bytearray()
        for chunk in response.iter_content(_CHUNK_BYTES):
            body += chunk
            if len(body) > self.body_limit:
                raise MaybeSent("too_large")
        if not body:
            # Headers that were cut look like a complete answer without a body.
            raise MaybeSent("empty")
        return bytes(body)


def _always() -> None:
    # A question may be asked by anyone at any time: it needs no lease.
    return


_CLOSED = (urllib3.exceptions.ProtocolError, ssl.SSLError)

_WRAPPINGS = (
    requests.RequestException,
    urllib3.exceptions.MaxRetryError,
    urllib3.exceptions.SSLError,
)


def _classified(fault: Exception) -> GatewayError:
    root = _root(fault)
    for kind, word in _UNSENT:
        if isinstance(root, kind):
            return NotSent(word)
    return MaybeSent(next((word for kind, word in _AMBIGUOUS if isinstance(fault, kind)), "fault"))


def _is_closed(fault: BaseException | None) -> bool:
    """
    Whether a fault is how it shows that the server had closed a connection before it was asked.
    """
    return isinstance(fault, requests.ConnectionError) and isinstance(_root(fault), _CLOSED)


def _root(fault: BaseException) -> BaseException:
    """
    What ended the connection, taken out of the wrappings that requests and urllib3 put around it.

    Goes by the slots that they document, never by `__context__`: that may be an older fault which
    was being handled when this request began.
    """
    inner = fault.args[0] if fault.args else None
    if isinstance(fault, urllib3.exceptions.MaxRetryError):
        inner = fault.reason
    if isinstance(fault, _WRAPPINGS) and isinstance(inner, BaseException):
        return _root(inner)
    return fault
