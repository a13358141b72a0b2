"""
What the demo says before it stays: where everything is, and what to try next.
"""

import json
import os
import shlex
import sys
from pathlib import Path

from worker.demo.stack import Stack
from worker.sandbox.scenarios import SCENARIOS

#: The payout to try is paid a moment after it was sent, as most are.
_SCENARIO = "paid_later"
_NUMBER = "TRYIT0001"


def farewell(running: Stack, *, is_open: bool) -> str:
    """
    Write the settings and a job into the demo's folder, and return what to do with them.
    """
    settings = running.directory / "demo.env"
    _write(settings, _exports(running))
    job = running.directory / "job.json"
    _write(job, json.dumps(_job(), ensure_ascii=False, indent=2) + "\n")
    payouts = _command()
    user, _, password = running.environment["FLOWER_BASIC_AUTH"].partition(":")
    sending = "open: what is enqueued is sent at once" if is_open else "PAUSED: `payouts channel`"
    return f"""
Still running; Ctrl-C ends all of it and removes its folder.
  Flower    {running.flower_url}  (user {user}, password {password})
  sandbox   {running.sandbox_url}/sandbox/books
  receiver  {running.receiver_url}/health
  broker    {running.broker.url}
  settings  {settings}
  sending   {sending}

To pay someone yourself, in a second terminal:
  . {shlex.quote(str(settings))}
  {payouts} enqueue {shlex.quote(str(job))} --wait 10
  {payouts} show {_NUMBER}
  {payouts} history {_NUMBER}
  {payouts} list

`{payouts} sandbox --scenarios` prints the payee accounts with which something goes wrong."""


def _exports(running: Stack) -> str:
    pairs = running.environment.items()
    return "".join(f"export {name}={shlex.quote(value)}\n" for name, value in pairs)


def _job() -> dict[str, object]:
    (scenario,) = (s for s in SCENARIOS if s.name == _SCENARIO)
    return {
        "out_trade_no": _NUMBER,
        "amount_fen": 12_345,
        "payee_account_no": scenario.account_no,
        "payee_account_name": "张三",
        "payee_bank_code": "CMB",
        "payee_account_type": "P",
        "subject": "withdrawal 42",
    }


def _write(path: Path, content: str) -> None:
    path.touch(mode=0o600)
    path.write_text(content, encoding="utf-8")


def _command() -> str:
    """
    How to call `payouts` from here: beside the Python that runs, by a short way if there is one.
    """
    beside = Path(sys.prefix, "bin", "payouts")
    if not beside.exists():
        return "payouts"
    with_dots = os.path.relpath(beside)
    return shlex.quote(str(beside) if with_dots.startswith("..") else with_dots)
