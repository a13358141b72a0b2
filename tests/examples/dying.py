"""
An example's process that ends itself by SIGKILL at each of its effects, and is started again.

``python -m tests.examples.dying flask|django|node|solo|prefork FOLDER PORT`` is to the example what
a service manager is: it forks the process anew whenever it was killed. Once FOLDER/armed exists, a
process dies at the first effect at which none has died before, or, if that file names effects, at
these alone. Until then it only notes its effects.
"""

import functools
import importlib
import io
import json
import os
import signal
import sqlite3
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from types import TracebackType
from typing import Any

from kombu.message import Message
from kombu.transport.redis import QoS
from werkzeug.serving import make_server
from werkzeug.wsgi import ClosingIterator

#: What a worker imports only once it begins.
_WORKER = (
    "celery.bin.celery",
    "celery.apps.worker",
    "celery.concurrency.solo",
    "celery.fixups.django",
    "celery.worker.autoscale",
    "celery.worker.components",
    "celery.worker.consumer",
)

Wsgi = Callable[[dict[str, Any], Any], Iterable[bytes]]


class Effects:
    """
    What a process does, named by the type of the event that it is told; each may be its last.

    What it reads anew by itself has a name as well.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._told = threading.local()

    def begin(self, event_type: str) -> None:
        """
        From now on this thread works off an event of this type.
        """
        self._told.type, self._told.statements = event_type, Counter()

    def statement(self, sql: str) -> None:
        """
        A statement is run next, the first, second ... of its kind. None outside of an event counts.
        """
        if hasattr(self._told, "type"):
            kind = sql.split(maxsplit=1)[0]
            self._told.statements[kind] += 1
            self.reach(f"{kind} {self._told.statements[kind]}")

    def committed(self) -> None:
        """
        The last COMMIT has come back.
        """
        if hasattr(self._told, "type"):
            self.reach(f"after COMMIT {self._told.statements['COMMIT']}")

    def reach(self, effect: str, *, is_asked_for: bool = False) -> None:
        """
        Note where this process is, once; or let it die here, if none has so far.

        One that `is_asked_for` counts only if it is named by the file.
        """
        armed = self._folder / "armed"
        is_deadly = armed.exists()
        notes = self._folder / ("died" if is_deadly else "lived")
        point = f"{self._told.type}: {effect}"
        named = armed.read_text().splitlines() if is_deadly else []
        if point not in named and (named or is_asked_for):
            return
        # Held in death, so that no other thread gets to a place of its own meanwhile.
        with self._lock, notes.open("a+") as file:
            file.seek(0)
            if point not in file.read().splitlines():
                print(point, file=file, flush=True)
                if is_deadly:
                    os.kill(os.getpid(), signal.SIGKILL)


def watch_sqlite(effects: Effects) -> None:
    """
    Have each statement noticed before it is run, and COMMIT after it as well.
    """

    class Connection(sqlite3.Connection):
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            self.set_trace_callback(effects.statement)

        def __exit__(
            self,
            kind: type[BaseException] | None,
            raised: BaseException | None,
            trace: TracebackType | None,
        ) -> Any:
            was_open = self.in_transaction
            super().__exit__(kind, raised, trace)
            if was_open and raised is None:
                effects.committed()

    vars(sqlite3)["connect"] = functools.partial(sqlite3.connect, factory=Connection)


def watch_django(effects: Effects) -> None:
    """
    The same for whichever database Django has.
    """
    from django.db.backends.base.base import BaseDatabaseWrapper  # noqa: PLC0415
    from django.db.backends.signals import connection_created  # noqa: PLC0415

    def noticed(execute: Any, sql: str, *rest: Any) -> Any:
        effects.statement(sql)
        return execute(sql, *rest)

    def watch(connection: BaseDatabaseWrapper, **_: Any) -> None:
        if noticed not in connection.execute_wrappers:
            connection.execute_wrappers.append(noticed)

    wrapper: Any = BaseDatabaseWrapper
    commit = wrapper._commit

    def committing(connection: BaseDatabaseWrapper) -> None:
        effects.statement("COMMIT")
        commit(connection)
        effects.committed()

    connection_created.connect(watch, weak=False)
    wrapper._commit = committing


def watched(app: Wsgi, effects: Effects) -> Wsgi:
    """
    An application whose answers to events are noticed before and after they are sent.
    """

    def answering(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        if environ["PATH_INFO"] != "/payouts":
            return app(environ, start_response)
        body = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
        effects.begin(json.loads(body)["type"])
        answer = app({**environ, "wsgi.input": io.BytesIO(body)}, start_response)
        # Nothing is sent before the first piece is asked for, and all was once it is closed.
        effects.reach("the answer")
        return ClosingIterator(answer, lambda: effects.reach("after the answer"))

    return answering


def serve(app: Wsgi, port: int) -> None:
    """
    Answer requests, each in a thread of its own, until the process ends.
    """
    make_server("127.0.0.1", port, app, threaded=True).serve_forever()


def flask(effects: Effects, port: int) -> Callable[[], None]:
    """
    The Flask example, with an account.
    """
    from worker.examples import flask_shop  # noqa: PLC0415

    flask_shop.app.test_cli_runner().invoke(args=["open-account", "50000"])
    watch_sqlite(effects)
    return lambda: serve(watched(flask_shop.app, effects), port)


def django(effects: Effects, port: int) -> Callable[[], None]:
    """
    The Django example, with an account.
    """
    import django as framework  # noqa: PLC0415

    framework.setup()
    from django.core.handlers.wsgi import WSGIHandler  # noqa: PLC0415
    from django.core.management import call_command  # noqa: PLC0415
    from django.db import connections  # noqa: PLC0415

    from worker.examples.django_shop import urls  # noqa: F401, PLC0415
    from worker.examples.django_shop.models import Account  # noqa: PLC0415

    call_command("migrate", run_syncdb=True, verbosity=0)
    Account.objects.create(balance_fen=50_000)
    connections.close_all()
    watch_django(effects)
    return lambda: serve(watched(WSGIHandler(), effects), port)


def celery(effects: Effects, pool: str) -> Callable[[], None]:
    """
    The script's worker: the process that talks to the broker, and with `prefork` one that works.
    """
    from celery.signals import task_prerun  # noqa: PLC0415

    from worker.examples import celery_alone  # noqa: PLC0415

    for needed in _WORKER:
        importlib.import_module(needed)

    watch_sqlite(effects)
    message_class: Any = Message
    acknowledge = message_class.ack

    def acknowledging(message: Message, *args: Any, **kwargs: Any) -> None:
        effects.begin(message.payload[1]["event"]["type"])
        effects.reach("the acknowledgement")
        acknowledge(message, *args, **kwargs)
        effects.reach("after the acknowledgement")

    notes_class: Any = QoS
    append = notes_class.append

    def taking(qos: QoS, message: Message, tag: str) -> None:
        effects.begin(message.payload[1]["event"]["type"])
        effects.reach("taken", is_asked_for=True)
        append(qos, message, tag)

    def begin(kwargs: dict[str, Any], **_: Any) -> None:
        effects.begin(kwargs["event"]["type"])

    alone: Any = celery_alone
    catch_up, happened_after = alone.catch_up, alone.happened_after

    def catching_up() -> None:
        effects.begin("catching up")
        catch_up()

    def asking(position: int) -> dict[str, Any]:
        effects.statement("ASK")
        page: dict[str, Any] = happened_after(position)
        return page

    alone.catch_up, alone.happened_after = catching_up, asking
    message_class.ack = acknowledging
    notes_class.append = taking
    task_prerun.connect(begin, weak=False)
    # A process of the pool that is gone is given up at once, not after ten seconds.
    celery_alone.app.conf.worker_lost_wait = 0.0
    started = ("worker", "--queues", "shop.events", "--pool", pool, "--concurrency", "1")
    quick = ("--without-mingle", "--without-gossip", "--loglevel", "WARNING")
    return lambda: celery_alone.app.worker_main([*started, *quick])


def node() -> None:
    """
    Node's server, which tests/system/dying.cjs watches.
    """
    dying = Path(__file__).parents[1] / "system/dying.cjs"
    os.chdir(os.environ["FOLDER"])
    os.execvp("node", ["node", "--require", str(dying), os.environ["SCRIPT"]])


def program(name: str, effects: Effects, port: int) -> Callable[[], None]:
    """
    What an example's process does, once all is imported that it needs.
    """
    match name:
        case "flask":
            return flask(effects, port)
        case "django":
            return django(effects, port)
        case "node":
            os.environ["PORT"] = str(port)
            return node
        case pool:
            return celery(effects, pool)


def main(name: str, folder: Path, port: int) -> int:
    """
    Start the example again and again, until it ends otherwise than by SIGKILL.
    """
    run = program(name, Effects(folder), port)
    while True:
        if (child := os.fork()) == 0:
            run()
            os._exit(0)
        _, status = os.waitpid(child, 0)
        if (code := os.waitstatus_to_exitcode(status)) != -signal.SIGKILL:
            return code
        with (folder / "kills").open("a") as kills:
            print(child, file=kills)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])))
