"""
The wiring: names, queues and tasks agree, and Celery is set to do less.
"""

import ast
import importlib.util
import json
import os
import re
import ssl
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from celery import Celery
from celery.app import defaults
from celery.exceptions import Reject

from worker import acceptance, monitoring
from worker import service as parts
from worker.broker import app as app_module
from worker.broker.app import app, configuration
from worker.broker.names import ROUTES, QueueName, TaskName
from worker.broker.schedule import beat_schedule
from worker.payouts.errors import SettingsError, StoreUnavailable
from worker.settings import BrokerSettings

ROOT = Path(__file__).parents[3]
#: All but the sandbox, which knows no queue and may delay a reply.
SOURCES = sorted(
    path
    for path in [*(ROOT / "worker").rglob("*.py"), *(ROOT / "tasks").rglob("*.py")]
    if "sandbox" not in path.parts
)


def settings(**changes: Any) -> BrokerSettings:
    """
    The broker's settings, as the environment would give them.
    """
    return BrokerSettings(**{"broker_url": "redis://127.0.0.1:6379/0"} | changes)


@pytest.fixture
def conf() -> dict[str, Any]:
    """
    Celery's configuration.
    """
    return configuration(settings())


@pytest.fixture(scope="module")
def loaded() -> dict[str, Any]:
    """
    What a worker that starts registers, told by a process of its own.
    """
    script = """
import json
from worker.broker.app import app
app.loader.import_default_modules()
ours = [task for name, task in app.tasks.items() if not name.startswith("celery.")]
late = [name for name, task in app.tasks.items() if task.acks_late]
print(json.dumps({"names": [task.name for task in ours], "late": late,
                  "include": [*app.conf.include]}))
"""
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, "PAYOUTS_BROKER_URL": "redis://127.0.0.1"},
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    found: dict[str, Any] = json.loads(done.stdout)
    return found


# --- names


def test_every_name_is_a_registered_task(loaded: dict[str, Any]) -> None:
    """
    No name without its task, and no task without a name.
    """
    assert {task.value for task in TaskName} == set(loaded["names"])


def test_every_task_has_its_route_and_every_queue_its_task() -> None:
    """
    Each kind of work has a queue of its own.
    """
    assert set(TaskName) == set(ROUTES)
    assert set(QueueName) == set(ROUTES.values())
    assert len(ROUTES) == len(set(ROUTES.values()))


def test_routes_and_queues_are_configured(conf: dict[str, Any]) -> None:
    """
    What the names say is what Celery is told; its own default queue is not consumed.
    """
    routes = {task.value: {"queue": queue.value} for task, queue in ROUTES.items()}

    assert routes == conf["task_routes"]
    assert {queue.value for queue in QueueName} == {queue.name for queue in conf["task_queues"]}
    assert conf["task_default_queue"] in {queue.value for queue in QueueName}


def test_the_names_are_what_producers_were_told() -> None:
    """
    They are wire format: changing one breaks running producers.
    """
    assert (TaskName.ENQUEUE, QueueName.ENTRY) == ("payouts.enqueue", "payouts.entry")


def test_every_module_of_tasks_is_included(loaded: dict[str, Any]) -> None:
    """
    A module that is not named registers nothing, silently.
    """
    registers = re.compile(r"^(@app\.task|app\.steps)\b", re.MULTILINE)
    sources = [p for p in (ROOT / "tasks").glob("*.py") if registers.search(p.read_text())]
    found = {f"tasks.{path.stem}" for path in sources}

    assert found == set(loaded["include"])


def test_the_package_does_not_hide_the_module() -> None:
    """
    `worker.broker.app` is the module, as `celery -A worker.broker.app` needs it.
    """
    assert app is app_module.app


# --- beat


def test_beat_wakes_the_sweep_and_nothing_else() -> None:
    """
    One entry, of a task that exists, through its own queue.
    """
    (entry,) = beat_schedule(timedelta(seconds=5)).values()

    assert entry["task"] == TaskName.SWEEP
    assert {"queue": QueueName.SWEEP.value, "expires": 300.0} == entry["options"]
    assert entry["schedule"] == 5.0


def test_a_clock_that_is_ahead_drops_no_sweep() -> None:
    """
    However often beat sweeps, its message is good for a minute at least.
    """
    entries = [beat_schedule(timedelta(seconds=s))["sweep"] for s in (0.1, 1, 600)]

    assert [entry["options"]["expires"] for entry in entries] == [60.0, 60.0, 36_000.0]  # type: ignore[index]


def test_beat_looks_as_often_as_it_has_to() -> None:
    """
    A short schedule is not slept over, and a long one not polled.
    """
    intervals = [
        configuration(settings(sweep_every=timedelta(seconds=s)))["beat_max_loop_interval"]
        for s in (0.01, 0.5, 60)
    ]

    assert intervals == [0.1, 0.5, 5.0]


# --- Celery does less


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("task_acks_late", False),  # only the entry task is late
        ("task_reject_on_worker_lost", False),  # a task that kills its worker would loop
        ("task_ignore_result", True),
        ("result_backend", None),  # results live in the ledger
        ("worker_enable_remote_control", False),  # nobody on the broker stops the sending
        ("worker_send_task_events", True),  # Flower lives on them
        ("task_send_sent_event", False),
        ("worker_prefetch_multiplier", 1),
        ("task_soft_time_limit", None),  # it could raise inside a commit
        ("accept_content", ["json"]),
        ("task_serializer", "json"),
        ("worker_hijack_root_logger", False),
        ("worker_consumer", "tasks.consumer:Consumer"),
        ("enable_utc", True),
        ("broker_connection_max_retries", None),
        ("worker_cancel_long_running_tasks_on_connection_loss", False),
    ],
)
def test_a_setting_that_safety_rests_on(conf: dict[str, Any], name: str, value: object) -> None:
    """
    Each of these was chosen for a reason that `worker.broker.app` tells.
    """
    assert value == conf[name]


def test_the_broker_is_never_asked_twice_by_itself(conf: dict[str, Any]) -> None:
    """
    Writes are not repeated by the client, and no socket waits forever.
    """
    options = conf["broker_transport_options"]

    assert options["retry_on_timeout"] is False
    assert options["socket_timeout"]
    assert options["socket_connect_timeout"]
    assert options["visibility_timeout"] > conf["task_time_limit"]


def test_tls_is_verified() -> None:
    """
    Certificate and name of the broker are checked; plain connections have no options.
    """
    options = configuration(settings(broker_url="rediss://h/0", broker_ca_file="/ca.pem"))

    assert options["broker_use_ssl"] == {
        "ssl_cert_reqs": ssl.CERT_REQUIRED,
        "ssl_ca_certs": "/ca.pem",
        "ssl_check_hostname": True,
    }
    assert configuration(settings())["broker_use_ssl"] is None


def test_only_the_entry_task_acknowledges_late(loaded: dict[str, Any]) -> None:
    """
    Every other message is a hint.
    """
    assert [TaskName.ENQUEUE.value] == loaded["late"]


def test_celery_knows_every_setting(conf: dict[str, Any]) -> None:
    """
    A misspelt one would be ignored without a word.
    """
    known = set(dict(defaults.flatten(defaults.NAMESPACES)))

    assert set() == set(conf) - known


def banned(source: str) -> list[str]:
    """
    The uses of Celery's own clock in a source: an ETA, a countdown, a retry of a task.
    """
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.keyword) and node.arg in {
            "eta",
            "countdown",
            "autoretry_for",
            "retry_backoff",
        }:
            found.append(node.arg)
        called = node.func if isinstance(node, ast.Call) else None
        if isinstance(called, ast.Attribute) and called.attr in {"retry", "apply_async", "delay"}:
            owner = ast.unparse(called.value)
            if called.attr != "retry" or owner in {"self", "task"} or owner.endswith("task"):
                found.append(f"{owner}.{called.attr}")
    return found


def test_due_times_live_in_the_ledger() -> None:
    """
    No ETA, no countdown and no Task.retry: the broker is no clock.
    """
    found = {path.name: banned(path.read_text(encoding="utf-8")) for path in SOURCES}

    assert {name: uses for name, uses in found.items() if uses} == {}


@pytest.mark.parametrize(
    "source",
    [
        "app.send_task('x', countdown=60)",
        "app.send_task('x', eta=now)",
        "raise self.retry(exc=e)",
        "submit.delay(1)",
        "submit.apply_async((1,))",
        "@app.task(autoretry_for=(Exception,))\ndef f(): ...",
    ],
)
def test_a_clock_in_the_broker_is_found(source: str) -> None:
    """
    The check above works.
    """
    assert banned(source)


# --- the tasks


class Service:
    """
    Use cases that only remember, or fail.
    """

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error
        self.result = False
        self.calls: list[tuple[str, object]] = []

    def __getattr__(self, name: str) -> Any:
        def call(*args: object) -> bool:
            told = [getattr(arg, "__name__", arg) for arg in args]
            self.calls.append((name, *told))  # type: ignore[arg-type]
            if self.error:
                raise self.error
            return self.result

        call.__name__ = name
        return call


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Service:
    """
    What the tasks find behind the composition root.
    """
    service = Service()
    for part in ("sender", "querier", "sweeper", "maintenance", "in_flight"):
        monkeypatch.setattr(parts, part, lambda: service)
    for part in ("acceptor", "dispatcher"):
        monkeypatch.setattr(acceptance, part, lambda: service)
    monkeypatch.setattr(monitoring, "monitor", lambda: service)
    return service


@pytest.fixture
def tasks(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """
    The tasks on an app of their own: the product's would keep the settings of this test.
    """
    spec = importlib.util.spec_from_file_location("tasks_on_trial", ROOT / "tasks" / "payouts.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setattr(app_module, "app", Celery(broker="memory://", set_as_current=False))
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "_PAUSE", 0)
    return module


def test_a_task_calls_its_use_case(service: Service, tasks: ModuleType) -> None:
    """
    Each is a use case by name, and tolerates what a newer producer adds.
    """
    tasks.submit.run(7, later="x")
    tasks.query.run(7, later="x")
    tasks.sweep.run(later="x")

    assert [name for name, *_ in service.calls] == [
        *("work_off", "work_off", "run", "sweep", "tell_now_and_then")
    ]
    assert [call[1] for call in service.calls[:2]] == ["take", "take"]


def test_a_sweep_that_fails_is_looked_on(service: Service, tasks: ModuleType) -> None:
    """
    Else nobody would tell that every sweep fails.
    """
    service.error = RuntimeError("a query of the sweep's")
    with pytest.raises(RuntimeError, match="of the sweep's"):
        tasks.sweep.run()

    assert [name for name, *_ in service.calls] == ["run", "tell_now_and_then"]


def test_a_child_ends_what_it_began_before_its_task_does(
    service: Service, tasks: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    Celery ends a child between two tasks, and with it every thread of it.
    """
    monkeypatch.setattr(tasks.current_process(), "_name", "ForkPoolWorker-1")
    tasks.submit.run()

    assert [name for name, *_ in service.calls] == ["work_off", "rest"]


def test_what_is_left_is_left_to_another_wake_up(service: Service, tasks: ModuleType) -> None:
    """
    A task works for a while; if more is due then, it wakes the next one.
    """
    service.result = True
    tasks.submit.run()
    tasks.query.run()

    names = [name for name, *_ in service.calls]
    assert names == ["work_off", "wake_sender", "work_off", "wake_querier"]


def test_a_bad_job_is_rejected_and_acknowledged(service: Service, tasks: ModuleType) -> None:
    """
    Its trace is committed, so the message is done; positional arguments are no job.
    """
    tasks.enqueue.run({"job": {}}, other=1)

    assert [name for name, *_ in service.calls] == ["reject"]


def test_a_database_that_is_away_puts_the_job_back(service: Service, tasks: ModuleType) -> None:
    """
    The message goes back to the queue: nothing accepted is lost.
    """
    service.error = StoreUnavailable("gone")

    with pytest.raises(Reject) as caught:
        tasks.enqueue.run(job={})
    assert caught.value.requeue is True  # type: ignore[attr-defined] # Celery's types lack it


@pytest.mark.parametrize("error", [SettingsError("schema not current"), OSError("no such pfx")])
def test_a_worker_that_cannot_start_puts_the_job_back(
    monkeypatch: pytest.MonkeyPatch, tasks: ModuleType, error: Exception
) -> None:
    """
    A wrong setting of ours must not swallow a producer's job.
    """

    def unbuildable() -> None:
        raise error

    monkeypatch.setattr(acceptance, "acceptor", unbuildable)

    with pytest.raises(Reject) as caught:
        tasks.enqueue.run(job={})
    assert caught.value.requeue is True  # type: ignore[attr-defined] # Celery's types lack it
