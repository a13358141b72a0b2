"""
Who listens on a port, as the system tells it.
"""

import os
import socket
import subprocess
import sys

import pytest

from worker.embedded.broker import free_port
from worker.embedded.listener import is_free, listener

_SERVER = (
    "import socket; s = socket.create_server(('127.0.0.1', 0));"
    " print(s.getsockname()[1], flush=True); s.accept()"
)


def test_a_process_that_listens_is_named() -> None:
    """
    By the id that its parent knows it by, and by its name.
    """
    with subprocess.Popen([sys.executable, "-c", _SERVER], stdout=subprocess.PIPE) as server:
        assert server.stdout is not None
        port = int(server.stdout.readline())
        found = listener(port)
        taken = not is_free(port)
        server.kill()

    assert taken
    assert found is not None
    assert found.startswith(f"process {server.pid} (python")


@pytest.mark.parametrize("family", [socket.AF_INET, socket.AF_INET6])
def test_whoever_listens_on_all_addresses_is_found(family: socket.AddressFamily) -> None:
    """
    A server of both protocols takes the port of loopback as well.
    """
    address = "0.0.0.0" if family is socket.AF_INET else "::"
    both = family is socket.AF_INET6
    with socket.create_server((address, 0), family=family, dualstack_ipv6=both) as server:
        port = server.getsockname()[1]

        assert not is_free(port)
        assert (listener(port) or "").startswith(f"process {os.getpid()} (")


def test_a_client_does_not_listen() -> None:
    """
    A port that nobody listens on is free, though a connection to elsewhere uses its number.
    """
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        socket.create_connection(server.getsockname()) as client,
    ):
        assert listener(client.getsockname()[1]) is None


def test_a_free_port_is_free_and_nobodys() -> None:
    """
    One whose last connection has just been closed, too: a server may have it.
    """
    port = free_port()

    assert is_free(port)
    assert listener(port) is None
