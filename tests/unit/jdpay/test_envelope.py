import base64
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from asn1crypto import cms

from tests.unit.jdpay.conftest import SIGNATURES, Openssl
from worker.jdpay.certificates import JdCertificate, MerchantIdentity, load_jd, load_merchant
from worker.jdpay.envelope import Style, seal

PLAINTEXT = SIGNATURES[1]["canonical"].encode()
SIGNED_AT = datetime(2024, 1, 5, 1, 30, tzinfo=UTC)
STYLES = [
    Style("sha1", attributes=True),
    Style("sha1", attributes=False),
    Style("sha256", attributes=True),
    Style("sha256", attributes=False),
]


@pytest.fixture(scope="module")
def merchant(pfx: Callable[..., bytes]) -> MerchantIdentity:
    """
    The merchant of the throw-away pfx.
    """
    return load_merchant(pfx(), "secret1")


@pytest.fixture(scope="module")
def jd(keys: Path) -> JdCertificate:
    """
    The throw-away JD certificate.
    """
    return load_jd((keys / "jd.crt").read_bytes())


@pytest.mark.parametrize("style", STYLES, ids=repr)
def test_openssl_opens(
    style: Style,
    merchant: MerchantIdentity,
    jd: JdCertificate,
    keys: Path,
    openssl: Openssl,
) -> None:
    """
    What openssl decrypts and verifies are the exact canonical bytes.
    """
    envelope = base64.b64decode(seal(PLAINTEXT, merchant, jd, SIGNED_AT, style))
    signed = openssl(
        *("cms", "-decrypt", "-inform", "DER", "-binary"),
        *("-inkey", keys / "jd.key", "-recip", keys / "jd.crt"),
        stdin=envelope,
    )
    plaintext = openssl(
        *("cms", "-verify", "-inform", "DER", "-binary", "-noverify"),
        *("-nointern", "-certfile", keys / "merchant.crt"),
        stdin=signed,
    )

    assert plaintext == PLAINTEXT


@pytest.mark.parametrize("style", STYLES, ids=repr)
def test_signed_details(
    style: Style,
    merchant: MerchantIdentity,
    jd: JdCertificate,
    keys: Path,
    openssl: Openssl,
) -> None:
    """
    The signed part is attached, version 1, rsaEncryption, with the signer's certificate alone.
    """
    der = openssl(
        *("cms", "-decrypt", "-inform", "DER", "-binary"),
        *("-inkey", keys / "jd.key", "-recip", keys / "jd.crt"),
        stdin=base64.b64decode(seal(PLAINTEXT, merchant, jd, SIGNED_AT, style)),
    )
    signed = cms.ContentInfo.load(der, strict=True)["content"]
    (info,) = signed["signer_infos"]

    assert signed["version"].native == "v1"
    assert len(signed["certificates"]) == 1
    assert signed["crls"].native is None
    assert info["sid"].name == "issuer_and_serial_number"
    assert info["digest_algorithm"]["algorithm"].native == style.digest
    assert info["signature_algorithm"]["algorithm"].dotted == "1.2.840.113549.1.1.1"
    names = {attribute["type"].native for attribute in info["signed_attrs"]}
    expected = {"content_type", "signing_time", "message_digest"} if style.attributes else set()
    assert names == expected
    assert der == cms.ContentInfo.load(der).copy().dump(force=True)  # definite lengths


def test_envelope_details(merchant: MerchantIdentity, jd: JdCertificate) -> None:
    """
    The envelope is what JD's library reads by position: v0, one recipient, 3DES, primitive [0].
    """
    text = seal(PLAINTEXT, merchant, jd, SIGNED_AT)
    der = base64.b64decode(text, validate=True)
    envelope = cms.ContentInfo.load(der, strict=True)["content"]
    (recipient,) = envelope["recipient_infos"]
    content = envelope["encrypted_content_info"]
    algorithm = recipient.chosen["key_encryption_algorithm"]["algorithm"]

    assert "\n" not in text
    assert envelope["version"].native == "v0"
    assert recipient.name == "ktri"
    assert recipient.chosen["version"].native == "v0"
    assert recipient.chosen["rid"].name == "issuer_and_serial_number"
    assert algorithm.dotted == "1.2.840.113549.1.1.1"
    assert content["content_type"].dotted == "1.2.840.113549.1.7.1"
    assert content["content_encryption_algorithm"]["algorithm"].dotted == "1.2.840.113549.3.7"
    assert content["encrypted_content"].method == 0  # primitive
    assert content["encrypted_content"].dump()[0] == 0x80
    assert der[1] == 0x82  # a definite length in two bytes


def test_every_envelope_is_fresh(merchant: MerchantIdentity, jd: JdCertificate) -> None:
    """
    The same text is sealed under a new key and a new IV each time.
    """
    first, second = (seal(PLAINTEXT, merchant, jd, SIGNED_AT) for _ in range(2))

    assert first != second
