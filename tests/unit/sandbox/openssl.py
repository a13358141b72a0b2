"""
A merchant played by the `openssl` command: what it makes owes nothing to our own code.
"""

import base64
import subprocess
from dataclasses import dataclass
from pathlib import Path

#: As JD's demo signs and encrypts.
SIGN = ("-nodetach", "-binary", "-md", "sha1")
ENCRYPT = ("-binary", "-des3")


def openssl(*arguments: object, given: bytes = b"") -> bytes:
    """
    Run `openssl`, which must succeed, and return what it printed.
    """
    command = ["openssl", *map(str, arguments)]
    return subprocess.run(command, input=given, capture_output=True, check=True).stdout


def certificate(directory: Path, name: str, *options: str) -> tuple[Path, Path]:
    """
    Make someone's key and self-signed certificate.
    """
    key, cert = directory / f"{name}.key", directory / f"{name}.pem"
    made = ("-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", cert, "-subj", f"/CN={name}")
    openssl("req", "-x509", *made, *options)
    return key, cert


@dataclass(frozen=True)
class Merchant:
    """
    Whoever has a key and a certificate, and wants to be paid attention to by JD.
    """

    key: Path
    cert: Path
    jd_cert: Path

    @classmethod
    def of(cls, keys: Path, workplace: Path) -> "Merchant":
        """
        The real one, from the files that the sandbox made for it.
        """
        key = workplace / "merchant.key"
        unpack = ("-nodes", "-nocerts", "-passin", f"file:{keys / 'merchant.password'}")
        key.write_bytes(openssl("pkcs12", "-in", keys / "merchant.pfx", *unpack))
        return cls(key, keys / "merchant_cert.pem", keys / "jd_cert.pem")

    def sign(self, content: bytes, *options: object) -> bytes:
        """
        A signed message, DER.
        """
        signer = ("-signer", self.cert, "-inkey", self.key)
        return openssl("cms", "-sign", "-outform", "DER", *signer, *options, given=content)

    def encrypt(self, content: bytes, *options: object) -> bytes:
        """
        An enveloped message for JD, DER.
        """
        command = ("cms", "-encrypt", "-outform", "DER", *options)
        return openssl(*command, "-recip", self.jd_cert, given=content)

    def seal(self, content: bytes) -> str:
        """
        What goes on the wire as `encrypt_data`.
        """
        return base64.b64encode(self.encrypt(self.sign(content, *SIGN), *ENCRYPT)).decode()
