"""
What a process loads before it works: a command what it needs, a worker all that it will need.
"""

import json
import subprocess
import sys
from typing import Any

import pytest

from tests.integration.cli.samples import NUMBER, an_answer, answered
from worker.store.ledger import SqlLedger

#: Packages that take long to import, and that no command needs which only reads the ledger.
HEAVY = {
    *("alembic", "amqp", "asn1crypto", "billiard", "celery", "flask", "kombu", "mako"),
    *("pydantic_settings", "redis", "requests", "tenacity", "urllib3", "werkzeug"),
}

#: What a worker's tasks are made of.
PARTS = {"asn1crypto", "cryptography", "requests", "sqlalchemy", "tenacity", "urllib3", "worker"}

COMMAND = """
import atexit, json, sys
atexit.register(lambda: print(json.dumps([*sys.modules])))
sys.argv = ["payouts", *sys.argv[1:]]
from worker.cli import main
main()
"""

COLLECTOR = """
import atexit, gc, json, sys
atexit.register(lambda: print(json.dumps([gc.isenabled(), gc.get_freeze_count()])))
sys.argv = ["payouts", "list"]
from worker.cli import main
main()
"""

WORKER = """
import json, sys
from worker.broker.app import app
app.loader.import_default_modules()
from tasks import readiness
readiness.Readiness.create(None, None)
known = set(sys.modules)
from worker import acceptance, service
for make in (acceptance.acceptor, service.sender, service.querier, service.sweeper):
    make()
print(json.dumps([*(set(sys.modules) - known)]))
"""


def last_line(program: str, *arguments: str) -> Any:
    """
    What a program tells in its last line.
    """
    run = subprocess.run(
        [sys.executable, "-c", program, *arguments], stdout=subprocess.PIPE, text=True, check=False
    )
    return json.loads(run.stdout.splitlines()[-1])


def packages(program: str, *arguments: str) -> set[str]:
    """
    The packages of the modules that a program names.
    """
    return {name.partition(".")[0] for name in last_line(program, *arguments)}


@pytest.mark.usefixtures("merchant_settings")
@pytest.mark.parametrize(
    "arguments",
    [
        ("show", NUMBER),
        ("history", NUMBER),
        ("list",),
        ("rejections",),
        ("cases",),
        ("channel",),
    ],
    ids=lambda arguments: arguments[0],
)
def test_a_command_that_reads_loads_no_more(ledger: SqlLedger, arguments: tuple[str, ...]) -> None:
    """
    Neither the queue, nor what speaks to JD, nor what migrates.
    """
    answered(ledger, an_answer())

    found = packages(COMMAND, *arguments)

    assert "sqlalchemy" in found
    assert found & HEAVY == set()


@pytest.mark.usefixtures("healthy")
def test_a_worker_loads_all_before_it_takes_messages() -> None:
    """
    Its children are forked with what they need, and no two threads import at once.
    """
    assert packages(WORKER) & PARTS == set()


@pytest.mark.usefixtures("merchant_settings")
def test_the_garbage_collector_passes_over_what_is_loaded() -> None:
    """
    It works again when the command does.
    """
    works, passed_over = last_line(COLLECTOR)

    assert works
    assert passed_over > 10_000
