"""
The signature of Standard Webhooks.
"""

import base64
import hashlib
import hmac

import pytest

from worker.webhooks.signature import new_key, sign

# The example of the Standard Webhooks libraries: key, id, time, body, and what they sign.
KEY = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
SIGNED = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_it_is_that_of_the_specification() -> None:
    """
    The same bytes under the same key give the signature that other libraries verify.
    """
    body = b'{"test": 2432232314}'
    assert sign([KEY], "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, body) == SIGNED


def test_two_keys_sign_side_by_side() -> None:
    """
    Whoever still has the old key verifies too, while keys are changed.
    """
    old, new = new_key(), new_key()
    found = sign([new, old], "evt", 1, b"{}").split(" ")

    def by_hand(key: str) -> str:
        secret = base64.b64decode(key.removeprefix("whsec_"))
        return base64.b64encode(hmac.new(secret, b"evt.1.{}", hashlib.sha256).digest()).decode()

    assert found == [f"v1,{by_hand(new)}", f"v1,{by_hand(old)}"]


def test_a_new_key_is_random_and_long_enough() -> None:
    """
    Between 24 and 64 bytes, as the specification asks.
    """
    keys = {new_key() for _ in range(100)}

    assert len(keys) == 100
    assert {len(base64.b64decode(key.removeprefix("whsec_"))) for key in keys} == {32}


def test_a_key_of_another_form_signs_nothing() -> None:
    """
    A key that was cut is refused, and not shown.
    """
    with pytest.raises(ValueError, match="whsec_ and base64") as fault:
        sign(["whsec_MfKQ9r8GKYqrTwj"], "evt", 1, b"{}")
    assert "MfKQ" not in str(fault.value)
