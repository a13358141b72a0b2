"""
What is told of processes: memory that was taken, connections that were made, and whose they are.
"""

import contextlib
import os
import socket
import subprocess
import sys

from tests.bench import processes

_MB = 1 << 20


def test_memory_that_is_taken_is_counted() -> None:
    """
    Fifty MB that were written to are told as fifty.
    """
    before = processes.memory(os.getpid())
    taken = bytearray(b"x" * _MB) * 50
    after = processes.memory(os.getpid())

    assert len(taken) == 50 * _MB
    assert 45 < after - before < 60


def test_memory_of_a_child_counts() -> None:
    """
    A child that took fifty MB adds them to what its parent's tree takes.
    """
    before = processes.memory(os.getpid())
    script = f"taken = bytearray(b'x' * {_MB}) * 50; print(len(taken), flush=True); input()"
    with subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as child:
        assert child.stdout is not None
        assert int(child.stdout.readline()) == 50 * _MB
        after = processes.memory(os.getpid())
        child.communicate(b"\n")

    assert 45 < after - before < 80


def test_connections_to_a_port_are_counted() -> None:
    """
    Three to the port count; one to another port, and the server's own ends, do not.
    """
    with contextlib.ExitStack() as parts:
        port, other = (
            parts.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(2)
        )
        for server in (port, port, port, other):
            parts.enter_context(socket.create_connection(server.getsockname()))
            accepted, _ = server.accept()
            parts.enter_context(accepted)

        assert processes.connections(os.getpid(), port.getsockname()[1]) == 3
        assert processes.connections(os.getpid(), other.getsockname()[1]) == 1


def test_a_process_that_has_ended_has_no_tree() -> None:
    """
    Nothing is told of it, and nothing fails.
    """
    with subprocess.Popen([sys.executable, "-c", ""]) as child:
        child.wait()

    assert processes.tree(child.pid) == []
    assert processes.memory(child.pid) == 0.0
