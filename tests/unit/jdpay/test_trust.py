import ssl
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.unit.jdpay.tls_server import OK, TlsServer, sends
from worker.jdpay import trust
from worker.jdpay.transport import Transport

#: Whatever makes OpenSSL read authorities.
READINGS = ("load_verify_locations", "load_default_certs", "set_default_verify_paths")

FORKS = """
import os, sys
from worker.jdpay.transport import Transport

transport = Transport(ca_file=sys.argv[2])

def post():
    return transport.post(sys.argv[1], {"who": str(os.getpid())}, lambda: None)

before = post()
child = os.fork()
if child == 0:
    os._exit(0 if post() == before else 1)
_, status = os.waitpid(child, 0)
print(status, post() == before)
"""


def nothing() -> None:
    """
    What runs before a connection where the test does not care.
    """


def test_the_authorities_are_read_once(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    However many connections a transport makes, their parsing, which is slow, is done once.
    """
    read: list[str] = []

    def counted(name: str) -> Any:
        original = getattr(ssl.SSLContext, name)

        def reading(*arguments: object, **named: object) -> None:
            read.append(name)
            original(*arguments, **named)

        return reading

    with TlsServer(folder, sends(OK)) as server:
        for name in READINGS:
            monkeypatch.setattr(ssl.SSLContext, name, counted(name))
        transport = Transport(ca_file=str(folder / "server.crt"))
        for _ in range(3):
            transport.post(server.url, {}, nothing)

    assert len(server.requests) == 3
    assert read == ["load_verify_locations"]


def test_a_child_may_use_what_its_parent_made(folder: Path) -> None:
    """
    A transport that was made, and used, before a fork makes connections after it, in both.
    """
    with TlsServer(folder, sends(OK)) as server:
        argv = [sys.executable, "-c", FORKS, server.url, str(folder / "server.crt")]
        done = subprocess.run(argv, capture_output=True, text=True, check=True, timeout=60)

    assert done.stdout.split() == ["0", "True"]
    assert len(server.requests) == 3


@pytest.mark.parametrize("ca_file", [None, "server.crt"])
def test_what_is_verified(
    ca_file: str | None, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    Chain and host name are, whoever is trusted; TLS is 1.2 or later, and its keys are not logged.
    """
    monkeypatch.setenv("SSLKEYLOGFILE", str(tmp_path / "keys.log"))
    made = trust.context(str(folder / ca_file) if ca_file else None)

    assert (made.verify_mode, made.check_hostname) == (ssl.CERT_REQUIRED, True)
    assert made.minimum_version is ssl.TLSVersion.TLSv1_2
    assert made.keylog_filename is None
    assert (made.cert_store_stats()["x509_ca"] == 1) is bool(ca_file)


def test_what_is_verified_stays(folder: Path) -> None:
    """
    The libraries below us set some of it before each connection: to the same.
    """
    transport = Transport(ca_file=str(folder / "server.crt"))
    with TlsServer(folder, sends(OK)) as server:
        transport.post(server.url, {}, nothing)
    used = transport._context

    assert (used.verify_mode, used.check_hostname) == (ssl.CERT_REQUIRED, True)
    assert used.cert_store_stats()["x509"] == 1


def test_no_session_is_resumed(folder: Path) -> None:
    """
    Each connection verifies the server anew.
    """
    resumed: list[bool | None] = []

    def behave(connection: ssl.SSLSocket) -> None:
        resumed.append(connection.session_reused)
        connection.sendall(OK)

    transport = Transport(ca_file=str(folder / "server.crt"))
    with TlsServer(folder, behave) as server:
        for _ in range(2):
            transport.post(server.url, {}, nothing)

    assert resumed == [False, False]
