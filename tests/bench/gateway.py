"""
The gateway of a run: `payouts sandbox` as a process, and the settings for who pays through it.
"""

import contextlib
import json
import ssl
import subprocess
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tests.bench.checkout import THIS
from tests.bench.errors import CannotMeasure
from tests.bench.product import Child
from tests.waiting import until

_START_SECONDS = 60.0
_BOOKS_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Gateway:
    """
    A running sandbox.
    """

    url: str
    pid: int
    ca_file: Path
    #: What a worker needs to pay through it.
    settings: Mapping[str, str]

    def books(self) -> Mapping[str, Any]:
        """
        What it has booked, and what became of that.
        """
        address = urlsplit(self.url)
        trusted = ssl.create_default_context(cafile=str(self.ca_file))
        https = urllib.request.HTTPSHandler(context=trusted)
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), https)
        url = f"{address.scheme}://{address.netloc}/sandbox/books"
        with opener.open(url, timeout=_BOOKS_SECONDS) as response:
            found: Mapping[str, Any] = json.load(response)
        return found


@contextlib.contextmanager
def running(directory: Path, *options: str) -> Iterator[Gateway]:
    """
    A sandbox that pays half a second after it accepts, and notifies once.
    """
    command = [str(THIS.program("payouts")), "sandbox", "--dir", str(directory / "sandbox")]
    pace = ("--port", "0", "--json", "--pay-after", "500ms", "--notify-at", "0s")
    log = directory / "sandbox.log"
    with Child([*command, *pace, *options], log=log, env=THIS.environment()) as child:
        until(lambda: not child.is_alive() or "}" in log.read_text(), _START_SECONDS)
        if not child.is_alive():
            raise CannotMeasure(f"the sandbox did not start:\n{child.tail()}")
        line = next(line for line in log.read_text().splitlines() if line.startswith("{"))
        found = json.loads(line)
        settings = _read(Path(found["dir"]) / "sandbox.env")
        yield Gateway(found["url"], child.pid, Path(found["ca_file"]), settings)


def takes(option: str) -> bool:
    """
    Whether the sandbox knows an option.
    """
    command = [str(THIS.program("payouts")), "sandbox", "--help"]
    told = subprocess.run(command, capture_output=True, text=True, check=True)
    return option in told.stdout


def _read(path: Path) -> dict[str, str]:
    lines = path.read_text(encoding="utf-8").splitlines()
    return dict(line.split("=", 1) for line in lines if "=" in line)
