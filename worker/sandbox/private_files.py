"""
Files that nobody else may read.
"""

import os
from pathlib import Path


def write_private(path: Path, content: bytes) -> None:
    """
    Write a file of mode 0600, whole or not at all.
    """
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    beside.unlink(missing_ok=True)
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
    beside.replace(path)
