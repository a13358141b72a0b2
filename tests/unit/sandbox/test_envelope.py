"""
Envelopes made by the `openssl` command, good ones and bad ones.
"""

import base64
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key
from cryptography.x509.oid import NameOID

from tests.unit.sandbox.openssl import ENCRYPT, SIGN, Merchant, certificate, openssl
from worker.sandbox.envelope import EnvelopeError, Opened, open_envelope
from worker.sandbox.keys import Keys

CONTENT = "customer_no=360080000000000001&payee_account_name=张三\r\n\0".encode()


def opened(keys: Keys, der: bytes) -> Opened:
    """
    Open as the gateway does.
    """
    text = base64.b64encode(der).decode()
    return open_envelope(text, keys.jd_key, keys.jd_cert, keys.merchant_cert)


def refusal(keys: Keys, der: bytes) -> str:
    """
    The words in which an envelope is refused.
    """
    with pytest.raises(EnvelopeError) as refused:
        opened(keys, der)
    return str(refused.value)


def expired_certificate(workplace: Path) -> tuple[Path, Path]:
    """
    A key with a certificate of the past, which `openssl req` does not make.
    """
    key_file, cert_file = certificate(workplace, "expired")
    key = load_pem_private_key(key_file.read_bytes(), password=None)
    assert isinstance(key, rsa.RSAPrivateKey)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "expired")])
    old = (
        x509.CertificateBuilder(name, name, key.public_key(), 7)
        .not_valid_before(datetime(2015, 7, 20, tzinfo=UTC))
        .not_valid_after(datetime(2016, 7, 19, tzinfo=UTC))
    )
    cert_file.write_bytes(old.sign(key, SHA256()).public_bytes(Encoding.PEM))
    return key_file, cert_file


@pytest.fixture(scope="module")
def sealed(merchant: Merchant) -> bytes:
    """
    A good envelope.
    """
    return merchant.encrypt(merchant.sign(CONTENT, *SIGN), *ENCRYPT)


@pytest.mark.parametrize("digest", ["sha1", "sha256"])
@pytest.mark.parametrize(
    "style",
    [
        pytest.param((), id="attributes"),
        pytest.param(("-noattr",), id="no attributes"),
        pytest.param(("-stream",), id="indefinite lengths"),
        pytest.param(("-keyid",), id="signer by key id"),
    ],
)
def test_good_signatures_open(
    keys: Keys, merchant: Merchant, digest: str, style: tuple[str, ...]
) -> None:
    """
    Every style of signature that JD's library takes opens, with the exact bytes.
    """
    signed = merchant.sign(CONTENT, "-nodetach", "-binary", "-md", digest, *style)
    result = opened(keys, merchant.encrypt(signed, *ENCRYPT))

    assert result.plaintext == CONTENT
    assert result.signer == keys.merchant_cert


def test_recipient_by_key_id_opens(keys: Keys, merchant: Merchant) -> None:
    """
    The recipient may be named by its key.
    """
    signed = merchant.sign(CONTENT, *SIGN)

    assert opened(keys, merchant.encrypt(signed, *ENCRYPT, "-keyid")).plaintext == CONTENT


def test_extra_certificates_are_ignored(keys: Keys, merchant: Merchant) -> None:
    """
    A second certificate in the message does no harm.
    """
    signed = merchant.sign(CONTENT, *SIGN, "-certfile", merchant.jd_cert)

    assert opened(keys, merchant.encrypt(signed, *ENCRYPT)).plaintext == CONTENT


def test_wrapped_base64_opens(keys: Keys, sealed: bytes) -> None:
    """
    Base64 in lines of 76 columns is taken.
    """
    text = base64.encodebytes(sealed).decode()
    result = open_envelope(text, keys.jd_key, keys.jd_cert, keys.merchant_cert)

    assert result.plaintext == CONTENT


def test_broken_base64_is_refused(keys: Keys, sealed: bytes) -> None:
    """
    A plus that became a space, a cut text and text that is no base64 at all are refused.
    """
    text = base64.b64encode(sealed).decode()
    for broken in (f"{text[:8]} {text[9:]}", text[:-3], "签"):
        with pytest.raises(EnvelopeError):
            open_envelope(broken, keys.jd_key, keys.jd_cert, keys.merchant_cert)


@pytest.mark.parametrize(
    "options",
    [
        pytest.param(("-binary", "-aes128"), id="AES"),
        pytest.param((*ENCRYPT, "-stream"), id="streamed"),
    ],
)
def test_wrong_encryption_is_refused(
    keys: Keys, merchant: Merchant, options: tuple[str, ...]
) -> None:
    """
    An envelope that JD's library cannot decrypt is refused.
    """
    signed = merchant.sign(CONTENT, *SIGN)

    assert refusal(keys, merchant.encrypt(signed, *options)) == "the envelope cannot be decrypted"


def test_oaep_is_refused(keys: Keys, merchant: Merchant) -> None:
    """
    RSA-OAEP key transport is refused.
    """
    recipient = ("-recip", merchant.jd_cert, "-keyopt", "rsa_padding_mode:oaep")
    signed = merchant.sign(CONTENT, *SIGN)
    der = openssl("cms", "-encrypt", "-outform", "DER", *ENCRYPT, *recipient, given=signed)

    assert refusal(keys, der) == "the envelope cannot be decrypted"


def test_another_recipient_is_refused(keys: Keys, merchant: Merchant) -> None:
    """
    An envelope for someone else is refused.
    """
    der = Merchant(merchant.key, merchant.cert, merchant.cert).encrypt(b"x", *ENCRYPT)

    assert refusal(keys, der) == "the envelope cannot be decrypted"


def test_unsigned_content_is_refused(keys: Keys, merchant: Merchant) -> None:
    """
    An envelope around text that nobody signed is refused.
    """
    assert refusal(keys, merchant.encrypt(CONTENT, *ENCRYPT)) == "the envelope cannot be decrypted"


def test_signature_in_base64_is_refused(keys: Keys, merchant: Merchant) -> None:
    """
    The signed message goes into the envelope as bytes, not as base64.
    """
    signed = base64.b64encode(merchant.sign(CONTENT, *SIGN))

    assert refusal(keys, merchant.encrypt(signed, *ENCRYPT)) == "the envelope cannot be decrypted"


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (("-binary", "-md", "sha1"), "the signature is detached"),
        ((*SIGN, "-nocerts"), "the signer's certificate is missing"),
        (
            ("-nodetach", "-binary", "-md", "sha512"),
            "the signature is not RSA over SHA-1 or SHA-256",
        ),
        (
            (*SIGN, "-keyopt", "rsa_padding_mode:pss"),
            "the signature is not PKCS#1 v1.5",
        ),
    ],
)
def test_wrong_signatures_are_refused(
    keys: Keys, merchant: Merchant, options: tuple[str, ...], expected: str
) -> None:
    """
    A signature in a form that JD's library does not take is refused.
    """
    signed = merchant.sign(CONTENT, *options)

    assert refusal(keys, merchant.encrypt(signed, *ENCRYPT)) == expected


@pytest.mark.parametrize("style", [(), ("-noattr",)])
def test_changed_content_is_refused(keys: Keys, merchant: Merchant, style: tuple[str, ...]) -> None:
    """
    Content that was changed after it was signed is refused, with attributes and without.
    """
    signed = merchant.sign(CONTENT, *SIGN, *style).replace(b"payee", b"qayee")

    assert refusal(keys, merchant.encrypt(signed, *ENCRYPT)) in {
        "the message digest does not match",
        "the signature does not verify",
    }


def test_another_signer_is_refused(keys: Keys, merchant: Merchant, workplace: Path) -> None:
    """
    A stranger's good signature is refused where the merchant is known, and named where not.
    """
    stranger = Merchant(*certificate(workplace, "stranger"), merchant.jd_cert)
    der = stranger.encrypt(stranger.sign(CONTENT, *SIGN), *ENCRYPT)

    assert refusal(keys, der) == "the signer is not the merchant"
    anyone = open_envelope(base64.b64encode(der).decode(), keys.jd_key, keys.jd_cert, None)
    assert anyone.signer.subject.rfc4514_string() == "CN=stranger"


@pytest.mark.parametrize("style", [(), ("-noattr",)])
def test_expired_signer(
    keys: Keys, merchant: Merchant, workplace: Path, style: tuple[str, ...]
) -> None:
    """
    An expired certificate is refused only if the message says when it was signed.
    """
    expired = Merchant(*expired_certificate(workplace), merchant.jd_cert)
    der = expired.encrypt(expired.sign(CONTENT, *SIGN, *style), *ENCRYPT)
    text = base64.b64encode(der).decode()
    if style:
        assert open_envelope(text, keys.jd_key, keys.jd_cert, None).plaintext == CONTENT
    else:
        with pytest.raises(EnvelopeError, match="not valid at the time"):
            open_envelope(text, keys.jd_key, keys.jd_cert, None)


def test_every_flipped_byte_is_refused_alike(keys: Keys, sealed: bytes) -> None:
    """
    No byte of the encrypted part can be changed unnoticed, and nothing but `EnvelopeError` comes.
    """
    accepted = []
    for place in range(len(sealed)):
        flipped = sealed[:place] + bytes([sealed[place] ^ 0x55]) + sealed[place + 1 :]
        try:
            result = opened(keys, flipped)
        except EnvelopeError:
            continue
        accepted.append((place, result.plaintext))

    # A few bytes say nothing that counts, such as the structure's version: the content stands.
    assert {plaintext for _, plaintext in accepted} <= {CONTENT}
    assert len(accepted) < 10


def test_every_cut_is_refused(keys: Keys, sealed: bytes) -> None:
    """
    A message that ends too early is refused wherever it ends.
    """
    for length in range(0, len(sealed), 7):
        assert refusal(keys, sealed[:length]) == "the envelope cannot be decrypted"


@pytest.mark.filterwarnings("ignore:Parsed a serial number")
def test_flipped_bytes_of_the_signed_message(keys: Keys, merchant: Merchant) -> None:
    """
    No change of the signed message gives other content, and nothing but `EnvelopeError` comes.
    """
    # Each place costs a run of `openssl`, so not all of them are tried.
    signed = merchant.sign(CONTENT, *SIGN)
    for place in range(0, len(signed), 40):
        flipped = signed[:place] + bytes([signed[place] ^ 0x55]) + signed[place + 1 :]
        try:
            result = opened(keys, merchant.encrypt(flipped, *ENCRYPT))
        except EnvelopeError:
            continue
        assert result.plaintext == CONTENT
