"""
Whether JD knows us: one harmless question, for the balance.

It is signed as payouts are, so it finds a wrong merchant number, sign key or address. It is not
sealed: whether JD accepts the pfx shows with the first payout alone.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime

from worker import bootstrap
from worker.cli.doctor.clocks import compared
from worker.cli.doctor.finding import Finding, fault, ok
from worker.jdpay import canonical, codes, request, times
from worker.jdpay.balance import available_fen
from worker.jdpay.errors import BadCertificate, BadFields, NoBalance
from worker.jdpay.fields import from_json
from worker.jdpay.signature import SHA_256, SignKey
from worker.jdpay.transport import Transport
from worker.payouts.errors import GatewayError
from worker.payouts.evidence import Meaning
from worker.payouts.money import yuan
from worker.settings import Settings

#: A person is waiting: shorter than for a payout, and tried once.
_PATIENCE_S = 15.0

_ADDRESS = "check PAYOUTS_GATEWAY_URL: JD's ends in /npp10, and only the calls' names follow it"
_SECURITY = (
    "PAYOUTS_CUSTOMER_NO, PAYOUTS_SIGN_KEY and PAYOUTS_PFX_FILE must all belong to one merchant of"
    " this gateway; compare each with what JD issued"
)

#: JD's own answers to the commonest faults, in our settings' names. Other codes have theirs in
#: the table of codes.
_CODES = {
    "ILLEGAL_SIGN": (
        "PAYOUTS_SIGN_KEY is not the key of PAYOUTS_CUSTOMER_NO, or the pfx is another merchant's;"
        " `payouts wire sign` shows what is signed"
    ),
    "ILLEGAL_SECURITY_PROFILE": _SECURITY,
    "ILLEGAL_SECUTITY_PROFILE": _SECURITY,  # as JD's gateway spells it
    "CUSTOMER_NOT_EXIST": "PAYOUTS_CUSTOMER_NO is not a merchant of this gateway; JD issued it",
    "CERT_EXPIRE": "export a new pfx from JD, replace PAYOUTS_PFX_FILE, restart the workers",
    "API0000003": (
        f"{_ADDRESS}. If the address is right, PAYOUTS_JD_CERT_FILE is another interface's"
        " certificate (npp_11_API2.cer, for one): install this gateway's"
    ),
}

#: Why no answer came, by the transport's word for it.
_UNANSWERED = {
    "name_unknown": "the host has no address: PAYOUTS_GATEWAY_URL or the merchant number is wrong",
    "refused": "nobody listens there: check host and port of PAYOUTS_GATEWAY_URL",
    "connect_timeout": "a firewall is in the way: let this host out, and register its IP with JD",
    "certificate_untrusted": (
        "PAYOUTS_CA_FILE must hold the authority that signed the gateway's TLS certificate; leave"
        " it unset for JD's own, and never switch the check off"
    ),
    "not_https": _ADDRESS,
    "tls": "what answers there does not speak TLS as it should: check the port, and any proxy",
    "http_502": "the gateway is down, or a field has a value that it does not know; try again",
    "http_404": _ADDRESS,
    "redirect": _ADDRESS,
}
_TRY_AGAIN = "try again; if it stays, check PAYOUTS_GATEWAY_URL and ask JD"


def gateway(clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> Iterator[Finding]:
    """
    JD tells us our balance.
    """
    settings = Settings.load()
    # What the worker may not talk to, the doctor does not talk to; `settings` says why.
    bootstrap.refuse_real_money(settings)
    url = f"{settings.gateway_url.rstrip('/')}/account_query"
    key = SignKey(settings.sign_key.get_secret_value())
    asked = request.account_query(settings.terms, clock())
    signed = {**asked, "sign_type": SHA_256, "sign_data": key.sign(canonical.write(asked))}
    try:
        body = _transport(settings).ask(url, signed)
        received = from_json(body)
    except BadCertificate as error:
        yield fault(str(error), "PAYOUTS_CA_FILE must be a PEM file of certificates, or unset")
    except GatewayError as error:
        yield fault(
            f"{url} gave no answer: {error.detail}", _UNANSWERED.get(error.detail, _TRY_AGAIN)
        )
    except BadFields:
        yield fault(f"{url} answers, but not as JD does", _ADDRESS)
    else:
        yield _told(received, body, key)
        there = times.read(canonical.signed_fields(received).get("response_datetime", ""))
        if there is not None and key.verify(received):
            yield compared("the gateway's", there, clock())


def remedy(code: str) -> str:
    """
    What to do about a code that JD answers.
    """
    return _CODES.get(code) or codes.look_up(code).remedy


def _told(received: Mapping[str, str | None], body: bytes, key: SignKey) -> Finding:
    code = canonical.signed_fields(received).get("response_code", "")
    listed = codes.look_up(code)
    is_verified = key.verify(received)
    if listed.meaning is not Meaning.PROCESSED:
        begin_epoch = "" if is_verified else "; its signature is not right by our sign key"
        return fault(f"JD answers {code[:64]!r}: {listed.says}{begin_epoch}", remedy(code))
    if not is_verified:
        return fault("JD's answer is not signed with our sign key", remedy("ILLEGAL_SIGN"))
    try:
        available = available_fen(body, key)
    except NoBalance as error:
        return fault(str(error), _TRY_AGAIN)
    return ok(f"JD knows us; {yuan(available)} yuan can be paid out")


def _transport(settings: Settings) -> Transport:
    return Transport(
        ca_file=str(settings.ca_file) if settings.ca_file else None,
        read_timeout=_PATIENCE_S,
        deadline=_PATIENCE_S,
        tries=1,
    )
