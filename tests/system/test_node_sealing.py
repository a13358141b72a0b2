"""
What Node's example seals, opened without any library of JOSE's.
"""

import json
import os
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.acceptance.test_dev import Development, three_free_ports
from tests.examples.headers import EXAMPLES, PATIENCE, Beside, terminals
from tests.system import servers
from tests.unit.producer.opening import MERCHANT, SHARED, SIGNED, Found, open_shared, open_signed
from tests.waiting import until

JOB = {"out_trade_no": "WITHDRAWAL0001", "amount_fen": 12345, "payee_account_name": "张三"}

#: Seals the job of its second argument, as the third one says.
_SEAL = """
import { seal } from "./seal.js";
const [path, job, options] = process.argv.slice(1);
console.log(await seal(path, JSON.parse(job), JSON.parse(options)));
"""


def sealed(installed: Path, key: Found, mode: int = 0o600, **options: object) -> str:
    """
    A job that the example seals with a key file.
    """
    path = installed / "shop.key"
    path.unlink(missing_ok=True)
    path.write_text(json.dumps(key))
    path.chmod(mode)
    node = servers.programs("node", "nodejs") / "node"
    return subprocess.run(
        [node, "--input-type=module", "-e", _SEAL, path, json.dumps(JOB), json.dumps(options)],
        cwd=installed,
        env=os.environ,
        check=True,
        capture_output=True,
        text=True,
    ).stdout.strip()


def says(claims: Found, purpose: str, lasting: timedelta) -> None:
    """
    The claims are these, and no others; it was sealed a moment ago.
    """
    issued, expires = (datetime.fromisoformat(claims.pop(name)) for name in ("issued", "expires"))

    assert claims == {"purpose": purpose, "merchant": MERCHANT, "profile": "sandbox", "job": JOB}
    assert timedelta() <= datetime.now(UTC) - issued < timedelta(minutes=1)
    assert expires - issued == lasting


def test_a_shared_key_seals_what_it_says(installed: Path) -> None:
    """
    For a day.
    """
    header, claims = open_shared(sealed(installed, SHARED))

    assert header == {"alg": "dir", "enc": "A256GCM", "kid": "shop.1", "typ": "payout+jwe"}
    says(claims, "pay", timedelta(days=1))


def test_a_signing_key_seals_what_it_says(installed: Path) -> None:
    """
    For as long as it is told, and for the purpose that it is told.
    """
    text = sealed(installed, SIGNED, purpose="cancel", lasting=3600)
    outer, inner, claims = open_signed(text)
    epk = outer.pop("epk")

    assert outer == {
        "alg": "ECDH-ES",
        "enc": "A256GCM",
        "kid": "installation.1",
        "typ": "payout+jwe",
    }
    assert {name: epk[name] for name in epk if name != "x"} == {"kty": "OKP", "crv": "X25519"}
    assert inner == {"alg": "Ed25519", "kid": "shop.2", "typ": "payout+jws"}
    says(claims, "cancel", timedelta(hours=1))


@pytest.mark.parametrize("mode", [0o640, 0o604], ids=oct)
def test_a_key_that_others_may_read_is_refused(installed: Path, mode: int) -> None:
    """
    It is no secret.
    """
    with pytest.raises(subprocess.CalledProcessError) as raised:
        sealed(installed, SHARED, mode)

    assert "others may use" in raised.value.stderr


def test_beside_a_stack_it_is_one_payout(
    installed: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """
    Sent twice, under two seals, and paid for the application whose key it is.
    """
    stack = Development(tmp_path_factory.mktemp("dev") / "state", three_free_ports())
    (pay,) = terminals(EXAMPLES / "node/pay.js")
    key = f"{tmp_path_factory.mktemp('key')}/shop.key"
    with stack.running():
        beside = Beside(stack, installed)
        beside.payouts("producers", "add", "shop")
        beside.payouts("producers", "keys", "add", "shop", "--to", key)
        beside.run(f"{pay}{pay}", PRODUCER_KEY=key)
        listed = "events", "list", "--json", "--number", "WITHDRAWAL0001"

        def told() -> list[Found]:
            events: list[Found] = json.loads(beside.payouts(*listed))["events"]
            return events

        until(lambda: "payout.paid" in [one["type"] for one in told()], PATIENCE, 0.2)

        assert [one["type"] for one in told()].count("payout.accepted") == 1
        assert {one["data"]["producer"] for one in told()} == {"shop"}
