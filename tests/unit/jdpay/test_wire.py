import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from click.testing import CliRunner, Result

from tests.unit.jdpay.conftest import SIGNATURES
from worker.cli.wire import wire


def run(*arguments: str | Path, stdin: Any = b"") -> Result:
    """
    Run `payouts wire` on a JSON document or on bytes.
    """
    given = stdin if isinstance(stdin, bytes) else json.dumps(stdin).encode()
    return CliRunner().invoke(wire, [str(argument) for argument in arguments], input=given)


@pytest.mark.parametrize("vector", SIGNATURES, ids=lambda vector: vector["name"])
def test_sign(vector: dict[str, Any]) -> None:
    """
    Every vector is signed as published, for people and as JSON.
    """
    arguments = ("sign", "--key", "test", "--sign-type", vector["sign_type"])
    plain = run(*arguments, stdin=vector["fields"])
    document = run(*arguments, "--json", stdin=vector["fields"])

    assert plain.stdout.splitlines() == [vector["canonical"], vector["sign_data"]]
    assert json.loads(document.stdout) == {
        "canonical": vector["canonical"],
        "sign_data": vector["sign_data"],
    }


def test_key_file(tmp_path: Path) -> None:
    """
    The key may come from a file, whose line end is not part of it.
    """
    (tmp_path / "key").write_text("test\n")
    result = run("sign", "--key-file", tmp_path / "key", "--json", stdin=SIGNATURES[0]["fields"])

    assert json.loads(result.stdout)["sign_data"] == SIGNATURES[0]["sign_data"]


def message(vector: dict[str, Any]) -> dict[str, Any]:
    """
    A vector with its signature in it.
    """
    return {
        **vector["fields"],
        "sign_type": vector["sign_type"],
        "sign_data": vector["sign_data"],
    }


def test_verify() -> None:
    """
    A good reply exits 0, a changed one exits 1, and both say so as JSON.
    """
    reply = message(SIGNATURES[0])
    good = run("verify", "--key", "test", "--json", stdin=reply)
    bad = run("verify", "--key", "test", "--json", stdin=reply | {"x": 1})

    assert (good.exit_code, json.loads(good.stdout)) == (0, {"valid": True, "fields": reply})
    assert bad.exit_code == 1
    assert json.loads(bad.stdout) == {"valid": False, "fields": reply | {"x": "1"}}
    assert run("verify", "--key", "test", stdin=reply).stdout == "valid\n"


def test_verify_form() -> None:
    """
    A raw notification body verifies, the shell's line end aside.
    """
    notification = message(SIGNATURES[5])
    body = urlencode(notification).encode() + b"\n"
    good = run("verify", "--form", "--key", "test", "--json", stdin=body)
    bad = run("verify", "--form", "--key", "else", "--json", stdin=body)

    assert (good.exit_code, json.loads(good.stdout)["fields"]) == (0, notification)
    assert (bad.exit_code, json.loads(bad.stdout)["valid"]) == (1, False)


@pytest.mark.parametrize(
    ("stdin", "said"),
    [
        (b"{", "not JSON"),
        (b"[]", "not an object"),
        (b'{"a":{"b":1}}', "'a' holds an object"),
        (b'{"a":"1","a":"2"}', "'a' occurs twice"),
        (b"\xff", "not UTF-8"),
        (b"[" * 200_000, "too deeply"),
        (b'{"a":"\\ud800"}', "surrogate"),
    ],
)
def test_bad_data(stdin: bytes, said: str) -> None:
    """
    Broken input exits 1, is explained on standard error, and leaves one JSON document.
    """
    result = run("sign", "--key", "test", "--json", stdin=stdin)

    assert result.exit_code == 1
    assert said in result.stderr
    assert "error" in json.loads(result.stdout)
    verified = run("verify", "--key", "test", "--json", stdin=stdin)
    assert (verified.exit_code, json.loads(verified.stdout)["valid"]) == (1, False)


@pytest.mark.parametrize(
    "arguments",
    [
        ("sign",),
        ("sign", "--key", "a", "--key-file", __file__),
        ("sign", "--key", "a", "--sign-type", "MD5"),
        ("seal",),
        ("open",),
        ("verify", "--key-file", "/nowhere/at/all"),
    ],
)
def test_usage(arguments: tuple[str, ...]) -> None:
    """
    Wrong usage exits 2.
    """
    assert run(*arguments, stdin={}).exit_code == 2


@pytest.fixture
def sandbox(tmp_path: Path, keys: Path, pfx: Callable[..., bytes]) -> Path:
    """
    A folder laid out as the sandbox's, with the throw-away keys.
    """
    for name, source in {
        "jd_key.pem": "jd.key",
        "jd_cert.pem": "jd.crt",
        "merchant_cert.pem": "merchant.crt",
    }.items():
        (tmp_path / name).write_bytes((keys / source).read_bytes())
    (tmp_path / "merchant.pfx").write_bytes(pfx())
    (tmp_path / "merchant.password").write_text("secret1\n")
    return tmp_path


def seal(sandbox: Path, *options: str, stdin: Any) -> Result:
    """
    Seal with the keys of a sandbox folder.
    """
    files: dict[str, Path] = {
        "--pfx": sandbox / "merchant.pfx",
        "--password-file": sandbox / "merchant.password",
        "--jd-cert": sandbox / "jd_cert.pem",
    }
    named = [str(part) for option in files.items() for part in option]
    return run("seal", *named, *options, stdin=stdin)


@pytest.mark.parametrize(
    "options", [(), ("--digest", "sha256"), ("--no-attributes",), ("--digest", "sha256", "--json")]
)
def test_seal_and_open(options: tuple[str, ...], sandbox: Path) -> None:
    """
    What is sealed here, the sandbox's own code opens: the canonical string, nothing added.
    """
    sealed = seal(sandbox, *options, stdin={"b": "张 三=+", "a": 1, "odd name": "x", "n": None})
    opened = run("open", "--sandbox-dir", sandbox, "--json", stdin=sealed.stdout.encode())

    assert "RSA-1024" in sealed.stderr
    assert json.loads(opened.stdout) == {
        "plaintext": "a=1&b=张 三=+&odd name=x",
        "signer": "O=Example,CN=Merchant 商户",
    }


def test_open_with_files(sandbox: Path) -> None:
    """
    The sandbox's files may be named one by one, the signer's being optional.
    """
    sealed = seal(sandbox, stdin={"a": "1"}).stdout.encode()
    files: tuple[str | Path, ...] = (
        "--jd-key",
        sandbox / "jd_key.pem",
        "--jd-cert",
        sandbox / "jd_cert.pem",
    )

    assert run("open", *files, stdin=sealed).stdout == "a=1\n"
    other = run("open", *files, "--merchant-cert", sandbox / "jd_cert.pem", stdin=sealed)
    assert other.exit_code == 1


@pytest.mark.parametrize("stdin", [b"", b"AAAA", b"{}", b'{"encrypt_data":"AAAA"}', b"\xff"])
def test_open_refuses(stdin: bytes, sandbox: Path) -> None:
    """
    What is no envelope exits 1.
    """
    result = run("open", "--sandbox-dir", sandbox, "--json", stdin=stdin)

    assert (result.exit_code, "error" in json.loads(result.stdout)) == (1, True)


def test_open_without_the_files(tmp_path: Path) -> None:
    """
    A folder that is not a sandbox's exits 1 and names the file.
    """
    result = run("open", "--sandbox-dir", tmp_path, stdin=b"AAAA")

    assert result.exit_code == 1
    assert "jd_key.pem" in result.stderr


@pytest.mark.parametrize("character", ["&", "\r", "\n", "\0"])
def test_seal_refuses(character: str, sandbox: Path) -> None:
    """
    The four characters that the envelope's text cannot carry are refused by field name.
    """
    result = seal(sandbox, stdin={"payee_account_name": f"secret{character}"})

    assert result.exit_code == 1
    assert "payee_account_name" in result.stderr
    assert "secret" not in result.stderr


def test_seal_with_a_wrong_password(sandbox: Path) -> None:
    """
    A wrong password exits 1 and says how an old file is converted.
    """
    (sandbox / "merchant.password").write_text("wrong")
    result = seal(sandbox, stdin={"a": "1"})

    assert result.exit_code == 1
    assert "openssl pkcs12" in result.stderr


def test_it_stands_alone() -> None:
    """
    The command loads neither the database library nor the queue's.
    """
    code = (
        "import sys, worker.cli.wire;"
        "sys.exit(any(name in sys.modules for name in ('sqlalchemy', 'celery', 'kombu', 'redis')))"
    )

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
