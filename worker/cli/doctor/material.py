"""
What is configured: the settings, and the certificates that they name.
"""

import difflib
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509

from worker.bootstrap import refuse_real_money
from worker.cli.doctor.finding import Finding, fault, ok, warning
from worker.cli.doctor.forms import conversion, leaf, reordering
from worker.cli.faults import explain
from worker.jdpay.certificates import JdCertificate, load_jd, load_merchant
from worker.jdpay.errors import BadCertificate, WrongPassword
from worker.payouts.errors import SettingsError
from worker.settings import PREFIX, Settings


def settings() -> Iterator[Finding]:
    """
    All settings are there and possible, and the gateway is one that may be used.
    """
    yield from _misspelt()
    try:
        found = Settings.load()
    except SettingsError as error:
        _, *faults = str(error).splitlines()
        for line in faults:
            yield fault(line.strip(), "set it in the environment (see .env.example)")
        return
    try:
        refuse_real_money(found)
    except SettingsError as error:
        name = "the name in PAYOUTS_GATEWAY_URL or the merchant number is wrong, or DNS is"
        yield fault(str(error), name if "not known" in str(error) else "see README, going live")
        return
    yield ok(f"complete, for the {found.profile} profile and merchant {found.customer_no}")
    listed = len(found.review_list.account_nos)
    yield ok(f"payee accounts on the review list (PAYOUTS_REVIEW_ACCOUNTS): {listed}")


def merchant_certificate() -> Iterator[Finding]:
    """
    The pfx opens, and its certificate is in date.
    """
    found = Settings.load()
    try:
        merchant = load_merchant(found.pfx_file.read_bytes(), found.pfx_password.get_secret_value())
    except OSError as error:
        yield fault(explain(error), "PAYOUTS_PFX_FILE must name the merchant's pfx")
        return
    except WrongPassword as error:
        yield fault(str(error), "check PAYOUTS_PFX_PASSWORD: it belongs to PAYOUTS_PFX_FILE")
        return
    except BadCertificate as error:
        yield fault(str(error), "check PAYOUTS_PFX_FILE")
        return
    end = merchant.certificate.not_valid_after_utc
    if end < datetime.now(UTC):
        yield fault(
            f"the merchant's certificate expired on {end:%Y-%m-%d}: JD answers CERT_EXPIRE or"
            " ILLEGAL_SECURITY_PROFILE",
            "export a new pfx from JD and replace PAYOUTS_PFX_FILE, then restart the workers",
        )
        return
    for told in merchant.warnings:
        yield warning(told, "get a new one from JD before payouts are refused")
    if not merchant.warnings:
        yield ok(f"valid until {end:%Y-%m-%d}")


def jd_certificate() -> Iterator[Finding]:
    """
    JD's certificate can be read. Its date is only worth a warning: JD has used expired ones.
    """
    found = Settings.load()
    try:
        content = found.jd_cert_file.read_bytes()
        jd = load_jd(content)
    except OSError as error:
        yield fault(explain(error), "PAYOUTS_JD_CERT_FILE must name JD's certificate")
        return
    except BadCertificate as error:
        yield _unreadable(found.jd_cert_file, content, error)
        return
    if _is_ours(found, jd):
        yield fault(
            "the certificate is our own, of PAYOUTS_PFX_FILE: JD could open nothing",
            "PAYOUTS_JD_CERT_FILE must be the certificate that JD sent",
        )
        return
    if (several := _bundled(content)) and leaf(several) > 0:
        yield fault(
            f"the first of {len(several)} certificates in the file issued another one of them, and"
            " the first is what requests are sealed for",
            f"JD's own alone belongs there: {reordering(several, found.jd_cert_file)}",
        )
        return
    for told in jd.warnings:
        yield warning(told, "works for now; ask JD whether there is a newer one")
    if not jd.warnings:
        yield ok(f"valid until {jd.certificate.not_valid_after_utc:%Y-%m-%d}")


def _unreadable(path: Path, content: bytes, error: BadCertificate) -> Finding:
    """
    What the file is instead, where that is known, and the command that makes a certificate of it.
    """
    known = conversion(content, path)
    if known is None:
        return fault(str(error), "PAYOUTS_JD_CERT_FILE must be the file that JD sent, DER or PEM")
    what, remedy = known
    unread, _, _ = str(error).partition(";")
    return fault(f"{unread}: the file {what}", remedy)


def _is_ours(found: Settings, jd: JdCertificate) -> bool:
    """
    Whether the certificate holds the key that we sign with; False where our own cannot be read.
    """
    try:
        ours = load_merchant(found.pfx_file.read_bytes(), found.pfx_password.get_secret_value())
    except (OSError, BadCertificate):
        return False
    return ours.key.public_key().public_numbers() == jd.key.public_numbers()


def _bundled(content: bytes) -> list[x509.Certificate]:
    """
    The certificates of a PEM file; none of a DER file, which holds one.
    """
    try:
        return x509.load_pem_x509_certificates(content)
    except ValueError:
        return []


def _misspelt() -> Iterator[Finding]:
    """
    A name that nothing reads leaves its default in force, silently.
    """
    known = {PREFIX + name.upper() for name in Settings.model_fields}
    for name in sorted(name for name in os.environ if name.startswith(PREFIX)):
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            remedy = f"did you mean {near[0]}?" if near else "remove it"
            yield warning(f"{name} is no setting and has no effect", remedy)
