"""
`payouts wire`: look at what goes over the wire, offline.

Needs no configuration, broker or database. Every command reads one JSON object of fields on
standard input. Exit codes: 0 good, 1 bad signature or bad data, 2 usage.
"""

import functools
import json
import sys
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, NoReturn

import click
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from cryptography.x509 import (
    Certificate,
    load_der_x509_certificate,
    load_pem_x509_certificate,
)

from worker.jdpay import canonical, certificates, envelope, fields, notice
from worker.jdpay.errors import BadCertificate, BadFields, BadSignKey, WireError
from worker.jdpay.signature import DIGESTS, SHA_256, SignKey

_File = click.Path(exists=True, dir_okay=False, path_type=Path)
_Command = Callable[..., None]


@click.group()
def wire() -> None:
    """
    Sign, verify, seal and open JD Pay messages, offline.
    """


def _as_json(command: _Command) -> _Command:
    """
    Give a command `--json`, and turn its wire errors into exit code 1.
    """

    @click.option("--json", "as_json", is_flag=True, help="Print exactly one JSON document.")
    @functools.wraps(command)
    def run(*, as_json: bool, **options: object) -> None:
        try:
            command(as_json=as_json, **options)
        except WireError as fault:
            if as_json:
                _print_json({"error": str(fault)})
            _fail(str(fault))

    return run


def _keyed(command: _Command) -> _Command:
    """
    Give a command its sign key, by value or by file, as `key`.
    """

    @click.option(
        "--key", "key_text", help="The sign key. For test keys: others can see command lines."
    )
    @click.option("--key-file", type=_File, help="A file that holds the sign key.")
    @functools.wraps(command)
    def run(*, key_text: str | None, key_file: Path | None, **options: object) -> None:
        if (key_text is None) == (key_file is None):
            raise click.UsageError("Give either --key or --key-file.")
        text = _line(key_file) if key_file else key_text
        command(key=SignKey(text or ""), **options)

    return run


@wire.command()
@click.option("--sign-type", type=click.Choice(list(DIGESTS)), default=SHA_256, show_default=True)
@_as_json
@_keyed
def sign(*, key: SignKey, sign_type: str, as_json: bool) -> None:
    """
    Print the canonical string of the fields, and its sign_data.
    """
    text = canonical.write(fields.from_json(_stdin()))
    sign_data = key.sign(text, sign_type)
    if as_json:
        _print_json({"canonical": text, "sign_data": sign_data})
    else:
        click.echo(text)
        click.echo(sign_data)


@wire.command()
@click.option("--form", is_flag=True, help="Read a raw notification body instead of JSON.")
@_as_json
@_keyed
def verify(*, key: SignKey, form: bool, as_json: bool) -> None:
    """
    Check the signature of a reply, or of a notification, over all its fields.
    """
    fault = "the signature is not right over these fields by this key"
    try:
        received, valid = _form(_stdin(), key) if form else _reply(_stdin(), key)
    except BadFields as unreadable:
        received, valid, fault = {}, False, str(unreadable)
    if as_json:
        _print_json({"valid": valid, "fields": received})
    elif valid:
        click.echo("valid")
    if not valid:
        _fail(fault)


@wire.command()
@click.option("--pfx", type=_File, required=True, help="The merchant's PKCS#12 file.")
@click.option("--password-file", type=_File, required=True, help="A file that holds its password.")
@click.option("--jd-cert", type=_File, required=True, help="JD's certificate, DER or PEM.")
@click.option("--digest", type=click.Choice(["sha1", "sha256"]), default="sha1", show_default=True)
@click.option("--no-attributes", is_flag=True, help="Leave out the signed attributes.")
@_as_json
def seal(
    *,
    pfx: Path,
    password_file: Path,
    jd_cert: Path,
    digest: Literal["sha1", "sha256"],
    no_attributes: bool,
    as_json: bool,
) -> None:
    """
    Print the encrypt_data of the canonical string of the fields, adding none.
    """
    given = fields.from_json(_stdin())
    canonical.refuse_unsafe(given)
    merchant = certificates.load_merchant(_bytes(pfx), _line(password_file))
    jd = certificates.load_jd(_bytes(jd_cert))
    for warning in (*merchant.warnings, *jd.warnings):
        click.echo(f"warning: {warning}", err=True)
    style = envelope.Style(digest, attributes=not no_attributes)
    plaintext = canonical.encode(canonical.write(given))
    sealed = envelope.seal(plaintext, merchant, jd, datetime.now(UTC), style)
    if as_json:
        _print_json({"encrypt_data": sealed})
    else:
        click.echo(sealed)


@wire.command("open")
@click.option("--sandbox-dir", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--jd-key", type=_File, help="The private key that plays JD, PEM.")
@click.option("--jd-cert", type=_File, help="Its certificate, DER or PEM.")
@click.option("--merchant-cert", type=_File, help="The only signer to accept, DER or PEM.")
@_as_json
def open_(
    *,
    sandbox_dir: Path | None,
    jd_key: Path | None,
    jd_cert: Path | None,
    merchant_cert: Path | None,
    as_json: bool,
) -> None:
    """
    Decrypt and verify an encrypt_data with the sandbox's key.

    Reads {"encrypt_data": "..."} or the bare base64. --sandbox-dir stands for the three files.
    """
    # Imported here: opening is the sandbox's own code, which nothing else here needs.
    from worker.sandbox.envelope import EnvelopeError, open_envelope  # noqa: PLC0415

    if sandbox_dir is not None:
        jd_key = sandbox_dir / "jd_key.pem"
        jd_cert = sandbox_dir / "jd_cert.pem"
        merchant_cert = sandbox_dir / "merchant_cert.pem"
    if jd_key is None or jd_cert is None:
        raise click.UsageError("Give --sandbox-dir, or --jd-key and --jd-cert.")
    key, recipient = _private_key(jd_key), _certificate(jd_cert)
    signer = None if merchant_cert is None else _certificate(merchant_cert)
    try:
        opened = open_envelope(_encrypt_data(_stdin()), key, recipient, signer)
        plaintext = opened.plaintext.decode()
    except (EnvelopeError, UnicodeDecodeError) as fault:
        raise BadFields(f"encrypt_data: {fault}") from None
    if as_json:
        _print_json({"plaintext": plaintext, "signer": opened.signer.subject.rfc4514_string()})
    else:
        click.echo(plaintext)
        click.echo(f"signed by {opened.signer.subject.rfc4514_string()}", err=True)


def _reply(body: bytes, key: SignKey) -> tuple[Mapping[str, str | None], bool]:
    received = fields.from_json(body)
    return received, key.verify(received)


def _form(body: bytes, key: SignKey) -> tuple[Mapping[str, str | None], bool]:
    # The line end is the shell's: a form has none.
    body = body.rstrip(b"\r\n")
    verified = notice.verified_fields(body, key)
    if verified is not None:
        return verified, True
    return fields.from_form(body, fields.FORM_DECODERS[0]), False


def _encrypt_data(text: bytes) -> str:
    if not text.lstrip().startswith(b"{"):
        return text.decode("ascii", "replace").strip()
    found = fields.from_json(text).get("encrypt_data")
    if not found:
        raise BadFields("encrypt_data is missing")
    return found


def _private_key(path: Path) -> RSAPrivateKey:
    try:
        key = load_pem_private_key(_bytes(path), None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise BadCertificate(f"{path} is not a PEM private key without a password") from None
    if not isinstance(key, RSAPrivateKey):
        raise BadCertificate(f"{path} holds no RSA key")
    return key


def _certificate(path: Path) -> Certificate:
    data = _bytes(path)
    loader = load_pem_x509_certificate if b"-----BEGIN" in data else load_der_x509_certificate
    try:
        return loader(data)
    except ValueError:
        raise BadCertificate(f"{path} is not a certificate, DER or PEM") from None


def _line(path: Path) -> str:
    try:
        return _bytes(path).decode().rstrip("\r\n")
    except UnicodeDecodeError:
        raise BadSignKey(f"{path} is not UTF-8 text") from None


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as fault:
        raise BadCertificate(f"{path} cannot be read: {fault.strerror}") from None


def _stdin() -> bytes:
    return sys.stdin.buffer.read()


def _print_json(document: Mapping[str, object]) -> None:
    click.echo(json.dumps(document))


def _fail(message: str) -> NoReturn:
    click.echo(f"error: {message}", err=True)
    sys.exit(1)
