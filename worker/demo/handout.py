"""
What a stack gives to whoever tries it: a file of settings to source, and a job to enqueue.
"""

import json
import os
import shlex
import sys
from pathlib import Path

from worker.demo.stack import Stack
from worker.sandbox.private_files import write_private
from worker.sandbox.scenarios import DEFAULT

#: That of the job to try.
NUMBER = "TRYIT0001"


def write_handout(running: Stack, settings: Path) -> Path:
    """
    Write the settings, and a job beside them; return the job's path.
    """
    pairs = running.environment.items()
    exports = "".join(f"export {name}={shlex.quote(value)}\n" for name, value in pairs)
    # At the end, so that whoever has a Python of their own keeps it.
    programs = f'export PATH="$PATH":{shlex.quote(str(Path(sys.prefix, "bin")))}\n'
    write_private(settings, (exports + programs).encode())
    path = settings.with_name("job.json")
    # The payout to try is paid a moment after it was sent, as most are.
    job = {
        "out_trade_no": NUMBER,
        "amount_fen": 12_345,
        "payee_account_no": DEFAULT.account_no,
        "payee_account_name": "张三",
        "payee_bank_code": "CMB",
        "payee_account_type": "P",
        "subject": "withdrawal 42",
    }
    write_private(path, (json.dumps(job, ensure_ascii=False, indent=2) + "\n").encode())
    return path


def command() -> str:
    """
    How to call `payouts` from here: beside the Python that runs, by a short way if there is one.
    """
    beside = Path(sys.prefix, "bin", "payouts")
    if not beside.exists():
        return "payouts"
    with_dots = os.path.relpath(beside)
    return shlex.quote(str(beside) if with_dots.startswith("..") else with_dots)
