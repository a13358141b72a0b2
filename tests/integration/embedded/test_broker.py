"""
The embedded broker, as a real process.
"""

import contextlib
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import redis

from tests.processes import ends
from worker.embedded.broker import Broker, free_port
from worker.embedded.errors import NotReady


def client_of(broker: Broker) -> contextlib.closing[redis.Redis]:
    """
    A client of the broker, closed at the end of the block.
    """
    return contextlib.closing(redis.Redis.from_url(broker.url))


def test_it_keeps_everything_and_listens_at_home_only(tmp_path: Path) -> None:
    """
    An append-only file each second, no eviction, and no address but the loopback one.
    """
    with Broker(tmp_path) as broker, client_of(broker) as client:
        config = client.config_get(
            "appendonly", "appendfsync", "maxmemory-policy", "bind", "protected-mode"
        )

    expected = {
        "appendonly": "yes",
        "appendfsync": "everysec",
        "maxmemory-policy": "noeviction",
        "bind": "127.0.0.1",
        "protected-mode": "yes",
    }
    assert expected == config


@pytest.mark.parametrize("ending", [Broker.stop, Broker.kill])
def test_messages_survive_a_restart(tmp_path: Path, ending: object) -> None:
    """
    Stopped or killed, the broker comes back on the same port with its messages.
    """
    assert callable(ending)
    with Broker(tmp_path) as broker:
        url = broker.url
        with client_of(broker) as client:
            client.lpush("queue", "message")
        ending(broker)
        assert broker.pid is None

        broker.start()

        assert url == broker.url
        with client_of(broker) as client:
            assert client.lrange("queue", 0, -1) == [b"message"]


def test_leaving_the_block_ends_the_process(tmp_path: Path) -> None:
    """
    After the block the broker's process is gone.
    """
    with Broker(tmp_path) as broker:
        pid = broker.pid

    assert pid
    assert ends(pid)


def test_a_free_port_is_kept_for_who_asked() -> None:
    """
    It is not given again, nobody answers there, and a server can bind it.
    """
    ports = [free_port() for _ in range(500)]

    assert len(set(ports)) == len(ports)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", ports[0]))
    socket.create_server(("127.0.0.1", ports[0])).close()


def test_a_taken_port_is_reported(tmp_path: Path) -> None:
    """
    A port that someone listens on is a clear failure, with the server's own words.
    """
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        broker = Broker(tmp_path, port=taken.getsockname()[1])

        with pytest.raises(NotReady, match="in use"):
            broker.start()

    assert broker.pid is None


def test_a_strangers_server_is_not_taken_for_ours(tmp_path: Path) -> None:
    """
    Another broker that answers on our port is no success.
    """
    with Broker(tmp_path / "stranger") as stranger, pytest.raises(NotReady):
        Broker(tmp_path / "ours", port=stranger.port).start()


def test_it_dies_with_its_killed_parent(tmp_path: Path) -> None:
    """
    After kill -9 of the parent, no broker is left.
    """
    script = (
        "import pathlib, sys, time; from worker.embedded.broker import Broker\n"
        "with Broker(pathlib.Path(sys.argv[1])) as broker:\n"
        "    print(broker.pid, flush=True); time.sleep(60)"
    )
    argv = [sys.executable, "-c", script, str(tmp_path)]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout
        pid = int(parent.stdout.readline())
        parent.kill()

    assert ends(pid)
