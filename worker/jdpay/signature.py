"""
The signature: a digest over the canonical string and the sign key.
"""

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field

from worker.jdpay import canonical
from worker.jdpay.errors import BadSignKey, UnsafeValue, UnsupportedDigest

#: What requests and replies carry. JD's notifications carry ``SHA``, which is SHA-1.
SHA_256 = "SHA-256"

#: Spelling of `sign_type` to digest. JD's demo has MD5 as well; it is refused on purpose.
DIGESTS = {
    "SHA": "sha1",
    "SHA1": "sha1",
    "SHA-1": "sha1",
    "SHA256": "sha256",
    "SHA-256": "sha256",
}


@dataclass(frozen=True, slots=True)
class SignKey:
    """
    The sign key that JD issues for a `customer_no`. Raises `BadSignKey` if it is empty.
    """

    text: str = field(repr=False)

    def __post_init__(self) -> None:
        if not self.text.strip():
            raise BadSignKey("the sign key is empty; JD issues one for each customer_no")

    def sign(self, text: str, sign_type: str = SHA_256) -> str:
        """
        The `sign_data` of a canonical string, in upper-case hex.

        Raises `UnsupportedDigest` or `UnsafeValue`.
        """
        if sign_type not in DIGESTS:
            raise UnsupportedDigest(f"sign_type is not one of {', '.join(DIGESTS)}")
        signed = canonical.encode(text + self.text)
        return hashlib.new(DIGESTS[sign_type], signed).hexdigest().upper()

    def verify(self, fields: Mapping[str, str | None]) -> bool:
        """
        Whether `sign_data` is right over all fields, by the digest that `sign_type` names.

        It is not where the same text could be another message's. Pass every field as received,
        unknown ones included. Takes the same time wherever the signatures differ; their case does
        not matter.
        """
        given = fields.get("sign_data") or ""
        if canonical.is_ambiguous(fields):
            return False
        try:
            expected = self.sign(canonical.write(fields), fields.get("sign_type") or "")
        except (UnsupportedDigest, UnsafeValue):
            return False
        # bytes.upper() touches ASCII alone: no other letter turns into a hex digit.
        received = given.encode("utf-8", "surrogatepass").upper()
        return hmac.compare_digest(received, expected.encode())
