"""
The commands that an example's header says to type, run as they stand beside a developer's stack.
"""

import contextlib
import os
import re
import subprocess
import sys
import textwrap
from collections.abc import Iterator, Mapping
from pathlib import Path

from tests.acceptance.test_dev import Development
from worker.embedded.broker import free_port
from worker.embedded.children import Child

EXAMPLES = Path(__file__).parents[2] / "worker/examples"

PATIENCE = 120.0

#: Where the documents say that the state of `payouts dev` is, and the ports that they name.
STATE = "~/.local/state/payouts-dev"
PORTS = ("8000", "8001", "8002", "5000", "3000")


def terminals(path: Path) -> list[str]:
    """
    What is typed into each terminal: the blocks of indented lines of a file's first comment.
    """
    text = path.read_text(encoding="utf-8")
    if text.startswith(('"""', 'r"""')):
        comment = text.split('"""')[1]
    else:
        lines = [line for line in text.splitlines() if not line.startswith("#!")]
        mark = lines[0].split()[0]
        after = next(place for place, line in enumerate(lines) if not line.startswith(mark))
        comment = "\n".join(line.removeprefix(mark).removeprefix(" ") for line in lines[:after])
    blocks = re.findall(r"(?:^ {2,}\S.*\n?)+", comment, re.MULTILINE)
    return [textwrap.dedent(block) for block in blocks]


class Beside:
    """
    A folder to work in beside a stack, on ports that are free in place of those that are written.
    """

    def __init__(self, development: Development, folder: Path) -> None:
        self.folder = folder
        self._ports = {port: str(free_port()) for port in PORTS}
        self._development = development
        self._plain = {k: v for k, v in os.environ.items() if not k.startswith("PAYOUTS_")}

    def port(self, written: str) -> str:
        """
        The port that is used where this one is written.
        """
        return self._ports[written]

    def environment(self, **settings: str) -> Mapping[str, str]:
        """
        What a terminal knows before anything was typed, and how servers are told of other ports.
        """
        return {
            **self._plain,
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "FLASK_RUN_PORT": self.port("5000"),
            "PORT": self.port("3000"),
            "PAYOUTS_API": f"http://127.0.0.1:{self.port('8001')}",
            "PAYOUTS_ACCEPT_URL": f"http://127.0.0.1:{self.port('8001')}",
            "PAYOUTS_READ_URL": f"http://127.0.0.1:{self.port('8002')}",
            **settings,
        }

    def line(self, typed: str) -> list[str]:
        """
        What is typed, as a command; the first fault ends it.
        """
        typed = typed.replace(STATE, str(self._development.directory))
        typed = typed.replace("runserver 8000", "runserver --noreload 8000")
        for scope, port in (("accept", "8001"), ("read", "8002")):
            typed = typed.replace(f"api --{scope}", f"api --{scope} --port {port}")
        typed = re.sub(rf"\b(?:{'|'.join(PORTS)})\b", lambda found: self.port(found[0]), typed)
        return ["bash", "-c", f"set -e -o pipefail\n{typed}"]

    @contextlib.contextmanager
    def terminal(self, typed: str, **settings: str) -> Iterator[Child]:
        """
        A terminal in which something runs until the block ends.
        """
        log = self.folder / "terminal.log"
        command, env = self.line(typed), self.environment(**settings)
        with Child(command, log=log, env=env, cwd=self.folder) as child:
            yield child
            child.kill()

    def run(self, typed: str, **settings: str) -> str:
        """
        What commands print that end by themselves, in good order.
        """
        done = subprocess.run(
            self.line(typed),
            env=self.environment(**settings),
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def payouts(self, *arguments: str) -> str:
        """
        What `payouts` prints, in a terminal that knows the stack.
        """
        return self.run(f". {STATE}/dev.env; payouts {' '.join(arguments)}")
