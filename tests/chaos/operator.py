"""
Commands as whoever operates a stack types them.
"""

import json
import subprocess
from typing import Any

from worker.demo.stack import Stack


def command(stack: Stack, *words: str) -> dict[str, Any]:
    """
    Run one command of the version that the stack starts now; return what it says as JSON.

    Raises `CalledProcessError` where it fails.
    """
    done = subprocess.run(
        [stack.python, "-m", "worker", *words, "--json"],
        env={"PATH": "/usr/bin:/bin", **stack.environment},
        cwd=stack.directory / "empty",
        stdout=subprocess.PIPE,
        check=True,
    )
    found: dict[str, Any] = json.loads(done.stdout)
    return found
