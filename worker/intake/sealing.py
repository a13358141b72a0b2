"""
A sealed job is opened: a JWE of the producer's, in one of two forms and in no other.

Either the producer shares a key with us, which encrypts; or it shares none: it signs with a key of
its own, and encrypts what it signed for our public key.
"""

import base64
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from joserfc import jwe, jws
from joserfc.errors import JoseError
from joserfc.jwk import OctKey, OKPKey
from pydantic import BaseModel, ConfigDict, Field, StrictStr, ValidationError

from worker.intake import jobs, json_text
from worker.intake.faults import told
from worker.payouts.errors import InvalidJob, UnreadableJobs, UnusableSeal
from worker.payouts.job_keys import JobKey, KeyKind
from worker.payouts.profile import is_play_money
from worker.payouts.sealed_job import Cancellation, Claims, Opened, Proof, Purpose

#: A longer one is not looked at. The largest job takes a third of it.
MAX_SEALED_BYTES = 64 * 1024

#: Nobody needs a job that waits for longer to be accepted.
_LONGEST = timedelta(days=31)

#: The header of each part, but for the key's name. Nothing else may be in it, as a compression that
#: swells what is opened, or a key that the sender would like to be believed.
_SHARED = {"alg": "dir", "enc": "A256GCM", "typ": "payout+jwe"}
_FOR_US = {"alg": "ECDH-ES", "enc": "A256GCM", "typ": "payout+jwe"}
_SIGNED = {"alg": "Ed25519", "typ": "payout+jws"}

#: One answer for all that no good key made: who holds none learns nothing from it.
_NO_KEY = "sealed with no key that is known here, or changed since"


class _Claims(BaseModel):
    """
    What is under the seal.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    purpose: Purpose
    merchant: StrictStr
    profile: StrictStr
    issued: jobs.Moment
    expires: jobs.Moment
    job: dict[str, Any]


class _Cancellation(BaseModel):
    """
    The job whose purpose is `cancel`.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    out_trade_no: jobs.Number
    why: jobs.Text = Field(max_length=200)


class SealedJobs:
    """
    What reads sealed jobs.
    """

    def open(self, sealed: str, key_named: Callable[[str], JobKey | None]) -> Opened:
        """
        Open a sealed job. Raises `UnusableSeal` where no key at hand made it.
        """
        if len(sealed) > MAX_SEALED_BYTES:
            raise UnusableSeal("too_large", f"it has more than {MAX_SEALED_BYTES} letters")
        header = _header(sealed)
        if header.get("alg") == _SHARED["alg"]:
            key = key_named(_key_name(header, _SHARED))
            return self.reopen(_proof(sealed, key, KeyKind.SHARED))
        ours = key_named(_key_name(header, _FOR_US, "epk"))
        if ours is None or ours.kind is not KeyKind.OWN or not _is_public_key(header["epk"]):
            raise _no_key()
        text = _decrypted(sealed, _own(ours), _FOR_US)
        signed = text.decode("ascii", "replace")
        key = key_named(_key_name(_header(signed), _SIGNED))
        return self.reopen(_proof(signed, key, KeyKind.SIGNING))

    def reopen(self, proof: Proof) -> Opened:
        """
        Open once more what a row keeps. Raises `UnusableSeal` where the key did not make it.
        """
        header, key = _header(proof.text), proof.key
        expected = _SHARED if key.kind is KeyKind.SHARED else _SIGNED
        if _key_name(header, expected) != key.name:
            raise _no_key()
        if key.kind is KeyKind.SHARED:
            shared = OctKey.import_key(key.material)
            return Opened(proof, _decrypted(proof.text, shared, _SHARED))
        theirs = OKPKey.import_key(Ed25519PublicKey.from_public_bytes(key.material))
        return Opened(proof, _verified(proof.text, theirs))

    def read(self, opened: Opened) -> Claims:
        """
        Read what was opened, whether or not its time is over. Raises `InvalidJob`.
        """
        try:
            claims = _Claims.model_validate(json_text.parse(opened.content))
            if claims.purpose is Purpose.CANCEL:
                cancelled = _Cancellation.model_validate(claims.job)
        except UnreadableJobs as fault:
            raise InvalidJob((f"seal: {fault}",)) from None
        except ValidationError as fault:
            raise InvalidJob((*told(fault, "is not a field here"),)) from None
        if not timedelta(0) < claims.expires - claims.issued <= _LONGEST:
            raise InvalidJob((f"expires: must be after issued, by {_LONGEST.days} days at most",))
        if claims.job.get("obligation") is None and not (
            claims.purpose is Purpose.CANCEL or is_play_money(claims.profile)
        ):
            # By its default a new number would be a new debt: paid again by whoever tries again.
            raise InvalidJob(("obligation: is required with real money",))
        wanted = (
            Cancellation(cancelled.out_trade_no, cancelled.why)
            if claims.purpose is Purpose.CANCEL
            else jobs.parse(claims.job, opened.producer)
        )
        return Claims(wanted, claims.merchant, claims.profile, claims.issued, claims.expires)


def number_in(opened: Opened) -> str | None:
    """
    The order number that an unreadable job names, if it names one.
    """
    try:
        content = json_text.parse(opened.content)
    except UnreadableJobs:
        return None
    return jobs.number_in(content.get("job") if isinstance(content, dict) else None)


def public_half(own: JobKey) -> str:
    """
    What producers encrypt with for a key of ours, as base64url.
    """
    public = _own(own).as_dict(private=False)["x"]
    assert isinstance(public, str)
    return public


def _header(part: str) -> Mapping[str, object]:
    """
    The protected header of a JWE or JWS. Raises `UnusableSeal`.
    """
    try:
        header = json_text.parse(_from_base64(part.partition(".")[0]))
    except (UnreadableJobs, ValueError):
        header = None
    if not isinstance(header, dict):
        raise UnusableSeal("bad_seal", "it is no compact JWE")
    return header


def _key_name(header: Mapping[str, object], expected: Mapping[str, str], *more: str) -> str:
    """
    The key that a header names, if it says what is expected and nothing else.
    """
    name = header.get("kid")
    is_as_expected = all(header.get(field) == value for field, value in expected.items())
    if not is_as_expected or {*header} != {*expected, "kid", *more} or not isinstance(name, str):
        raise UnusableSeal(
            "bad_seal",
            "its header must have kid, typ and the algorithms dir and A256GCM; or ECDH-ES and"
            " A256GCM around an Ed25519 signature; and nothing else",
        )
    return name


def _is_public_key(found: object) -> bool:
    if not isinstance(found, dict) or {*found} != {"kty", "crv", "x"}:
        return False
    return (found["kty"], found["crv"]) == ("OKP", "X25519")


def _proof(text: str, key: JobKey | None, kind: KeyKind) -> Proof:
    if key is None or key.kind is not kind:
        raise _no_key()
    return Proof(text, key)


def _decrypted(text: str, key: OctKey | OKPKey, header: Mapping[str, str]) -> bytes:
    try:
        found = jwe.decrypt_compact(text, key, algorithms=[header["alg"], header["enc"]])
    except (JoseError, ValueError):
        raise _no_key() from None
    assert found.plaintext is not None
    return found.plaintext


def _verified(text: str, key: OKPKey) -> bytes:
    try:
        return jws.deserialize_compact(text, key, algorithms=[_SIGNED["alg"]]).payload
    except (JoseError, ValueError):
        raise _no_key() from None


def _own(key: JobKey) -> OKPKey:
    return OKPKey.import_key(X25519PrivateKey.from_private_bytes(key.material))


def _no_key() -> UnusableSeal:
    return UnusableSeal("bad_seal", _NO_KEY)


def _from_base64(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
