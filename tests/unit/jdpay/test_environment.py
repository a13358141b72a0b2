"""
Nothing of the environment has a say in where a submit or a question goes, and whom it believes.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.unit.jdpay.conftest import Openssl
from tests.unit.jdpay.test_client import ORDER, TERMS
from tests.unit.jdpay.tls_server import OK, TlsServer, sends
from worker.jdpay.certificates import load_jd, load_merchant
from worker.jdpay.client import JdPayClient
from worker.jdpay.signature import SignKey
from worker.jdpay.transport import Transport
from worker.payouts.errors import NotSent

AT = datetime(2024, 1, 5, tzinfo=UTC)

Call = Callable[[JdPayClient, TlsServer], object]


def submits(client: JdPayClient, server: TlsServer) -> object:
    """
    Pay.
    """
    terms = replace(TERMS, gateway_url=server.url)
    return client.submit(client.render(ORDER, terms, AT), terms, lambda: None)


def queries(client: JdPayClient, server: TlsServer) -> object:
    """
    Ask.
    """
    terms = replace(TERMS, gateway_url=server.url)
    return client.query(ORDER.out_trade_no, terms, AT)


EITHER = pytest.mark.parametrize("call", [submits, queries])


@pytest.fixture
def make(keys: Path, pfx: Callable[..., bytes], key: SignKey) -> Callable[[Path, str], JdPayClient]:
    """
    Makes a client that trusts one authority, and speaks at one address.
    """

    def make(ca_file: Path, url: str) -> JdPayClient:
        return JdPayClient(
            key=key,
            merchant=load_merchant(pfx(), "secret1"),
            jd_certificate=load_jd((keys / "jd.crt").read_bytes()),
            transport=Transport(ca_file=str(ca_file), tries=1),
            addresses=frozenset({url}),
        )

    return make


@pytest.fixture
def hashed(folder: Path, openssl: Openssl) -> Path:
    """
    The server's folder, in the form that OpenSSL looks authorities up in.
    """
    openssl("rehash", folder)
    return folder


@EITHER
@pytest.mark.parametrize("variable", ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"])
def test_no_proxy_is_used(
    variable: str,
    call: Call,
    folder: Path,
    make: Callable[[Path, str], JdPayClient],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """
    Where a proxy is named, and one that nobody answers at, the gateway itself is reached.
    """
    for exempting in ("NO_PROXY", "no_proxy"):
        monkeypatch.setenv(exempting, "elsewhere.example.com")
    monkeypatch.setenv(variable, "http://127.0.0.1:9")
    with TlsServer(folder, sends(OK)) as server:
        call(make(folder / "server.crt", server.url), server)

    assert len(server.requests) == 1


@EITHER
@pytest.mark.parametrize(
    "variable", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR"]
)
def test_no_other_authority_is_believed(
    variable: str,
    call: Call,
    hashed: Path,
    keys: Path,
    make: Callable[[Path, str], JdPayClient],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """
    A server that only the environment would trust is not trusted, and is sent nothing.
    """
    monkeypatch.delenv("REQUESTS_CA_BUNDLE", raising=False)  # it would hide the next one
    is_folder = variable.endswith("_DIR")
    monkeypatch.setenv(variable, str(hashed if is_folder else hashed / "server.crt"))
    with (
        TlsServer(hashed, sends(OK)) as server,
        pytest.raises(NotSent, match="certificate_untrusted"),
    ):
        call(make(keys / "merchant.crt", server.url), server)

    assert server.requests == []


@EITHER
def test_no_password_is_sent(
    call: Call,
    tmp_path: Path,
    folder: Path,
    make: Callable[[Path, str], JdPayClient],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """
    What a `.netrc` holds for the gateway's host stays there.
    """
    netrc = tmp_path / ".netrc"
    netrc.write_text("default login me password secret\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    monkeypatch.setenv("HOME", str(tmp_path))
    with TlsServer(folder, sends(OK)) as server:
        call(make(folder / "server.crt", server.url), server)

    assert b"Authorization" not in server.requests[0]
