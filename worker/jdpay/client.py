"""
The three calls of JD's 代付 interface, as the gateway of the payouts domain.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from worker.jdpay import canonical, envelope, request
from worker.jdpay.answer import from_reply
from worker.jdpay.balance import available_fen
from worker.jdpay.certificates import JdCertificate, MerchantIdentity
from worker.jdpay.signature import SHA_256, SignKey
from worker.jdpay.transport import Transport
from worker.payouts.errors import NotSent
from worker.payouts.evidence import Answer
from worker.payouts.health import CertificateKind
from worker.payouts.model import Order, Terms


class JdPayClient:
    """
    JD Pay for one merchant: implements `worker.usecases.ports.Gateway`.

    Where and as whom it speaks comes with each payout's terms; it speaks at `addresses` alone,
    whatever a row says. Each thread of each process has
    connections of its own, so one object may serve many, and may be made before a fork.
    """

    def __init__(
        self,
        *,
        key: SignKey,
        merchant: MerchantIdentity,
        jd_certificate: JdCertificate,
        transport: Transport,
        addresses: frozenset[str],
        style: envelope.Style | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._key = key
        self._merchant = merchant
        self._jd_certificate = jd_certificate
        self._transport = transport
        self._addresses = addresses
        self._style = style or envelope.Style()
        self._clock = clock

    @property
    def valid_until(self) -> Mapping[CertificateKind, datetime]:
        """
        The last moment of each certificate that it uses.
        """
        return {
            CertificateKind.MERCHANT: self._merchant.certificate.not_valid_after_utc,
            CertificateKind.JD: self._jd_certificate.certificate.not_valid_after_utc,
        }

    def render(self, order: Order, terms: Terms, requested_at: datetime) -> str:
        """
        Write the canonical text that pays the order. Raises `UnsafeValue`, naming the field.
        """
        return request.render(order, terms, requested_at)

    def submit(self, request: str, terms: Terms, before_connect: Callable[[], None]) -> Answer:
        """
        Sign, seal and send a canonical text. Raises `NotSent` or `MaybeSent`.
        """
        sealed = envelope.seal(
            canonical.encode(request),
            self._merchant,
            self._jd_certificate,
            self._clock(),
            self._style,
        )
        outer = {
            "customer_no": terms.customer_no,
            "sign_type": SHA_256,
            "sign_data": self._key.sign(request),
            "encrypt_type": "RSA",
            "encrypt_data": sealed,
        }
        reply = self._transport.post(self._url(terms, "defray_pay"), outer, before_connect)
        return from_reply(reply, self._key)

    def query(self, out_trade_no: str, terms: Terms, asked_at: datetime) -> Answer:
        """
        Ask what became of a number. Raises `NotSent` or `MaybeSent`.
        """
        fields = request.trade_query(out_trade_no, terms, asked_at)
        return from_reply(self._ask("trade_query", terms, fields), self._key)

    def balance(self, terms: Terms, asked_at: datetime) -> int:
        """
        The fen that the merchant can still pay out; it may be below zero.

        Raises `NoBalance` where JD did not tell it, `NotSent` or `MaybeSent`.
        """
        fields = request.account_query(terms, asked_at)
        return available_fen(self._ask("account_query", terms, fields), self._key)

    def _ask(self, call: str, terms: Terms, fields: Mapping[str, str]) -> bytes:
        sign_data = self._key.sign(canonical.write(fields))
        signed = {**fields, "sign_type": SHA_256, "sign_data": sign_data}
        return self._transport.ask(self._url(terms, call), signed)

    def _url(self, terms: Terms, call: str) -> str:
        """
        Where a call goes. Raises `NotSent` if the settings do not allow that address.
        """
        return f"{where(terms, self._addresses)}/{call}"


def where(terms: Terms, allowed: frozenset[str]) -> str:
    """
    The address at which a payout's calls are made. Raises `NotSent` if it is not an allowed one.
    """
    address = terms.gateway_url.rstrip("/")
    if address not in allowed:
        raise NotSent("foreign_address")
    return address
