"""
What an HTTPS connection costs its client, with the public authorities that a live gateway needs.
"""

import ssl
import time
from collections.abc import Callable
from pathlib import Path

import certifi
import urllib3

from tests.bench import gateway, product
from tests.bench.figures import Result, Samples
from tests.bench.wanted import Wanted

_CONNECTIONS = 30


def measure(wanted: Wanted, directory: Path) -> Result:
    """
    Post to a sandbox over connections of their own, and over a kept one, in turns.
    """
    samples = Samples()
    connections = min(wanted.payouts, _CONNECTIONS)
    with gateway.running(directory) as near:
        url = f"{near.url}/trade_query"
        public = directory / "public.pem"
        authorities = (Path(certifi.where()), near.ca_file)
        public.write_text("\n".join(path.read_text(encoding="utf-8") for path in authorities))
        ways = {
            "as our transport does, public bundle": product.new_connection(url, public),
            "as our transport does, one authority": product.new_connection(url, near.ca_file),
            "urllib3, public bundle in one SSLContext": _with_one_context(url, public),
            "a question of ours, over a kept connection": product.kept_connection(url, public),
        }
        for post in ways.values():
            post()
        for _ in range(wanted.rounds):
            for name, post in ways.items():
                start = time.process_time()
                for _ in range(connections):
                    post()
                taken = (time.process_time() - start) * 1000 / connections
                samples.add(name, "ms per connection", taken)
    return Result(
        name="tls",
        what=(
            "CPU time of the client for a POST over a connection of its own: handshake, request and"
            " answer; and over one that was kept. The public bundle is certifi's, with the"
            " sandbox's authority added."
        ),
        conditions={
            "connections": connections,
            "rounds": wanted.rounds,
            "authorities": public.read_text(encoding="utf-8").count("BEGIN CERTIFICATE"),
        },
        figures=samples.figures(),
    )


def _with_one_context(url: str, authorities: Path) -> Callable[[], object]:
    context = ssl.create_default_context(cafile=str(authorities))

    def post() -> object:
        with urllib3.PoolManager(ssl_context=context) as pool:
            return pool.request_encode_body(
                "POST",
                url,
                fields={"customer_no": "1"},
                encode_multipart=False,
                headers={"Connection": "close"},
            ).data

    return post
