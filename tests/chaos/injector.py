"""
Does to a running stack what the plan says, and undoes it.
"""

import contextlib
import os
import resource
import signal
import time
from collections import Counter

import redis
import requests
from redis.backoff import NoBackoff
from redis.retry import Retry

from tests.chaos import backup, disk
from tests.chaos.plan import BEATS, KILLS, SHOPS, WORKERS, Fault, Kind
from worker.demo.stack import Stack
from worker.embedded.postgres import Postgres

#: What an operator stops, and starts again.
_OURS = (*WORKERS, *BEATS, "receiver", "relay")

#: What is started again when it ends by itself. The sandbox is not: its books would be gone.
_SUPERVISED = (*_OURS, *SHOPS)

#: How long a start takes at most, on a busy machine.
_STARTING_SECONDS = 10.0


class Injector:
    """
    Breaks and fixes the parts of one stack, from the main thread.

    Like any supervisor it starts again what ended by itself; `ended` counts that.
    """

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._down: set[str] = set()
        self._started = dict.fromkeys(_SUPERVISED, time.monotonic())
        self.ended: Counter[str] = Counter()

    def begin(self, fault: Fault) -> None:
        """
        Break it.
        """
        match fault.kind:
            case kind if kind in KILLS:
                self._down.add(fault.target)
                self._stack.kill(fault.target)
            case Kind.WORKER_FROZEN:
                self._signal(fault.target, signal.SIGSTOP)
            case Kind.GATEWAY_FROZEN:
                self._signal("sandbox", signal.SIGSTOP)
            case Kind.BROKER_CLIENTS_CUT:
                self._command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
            case Kind.BROKER_EMPTIED:
                self._command("FLUSHALL")
            case Kind.BROKER_KILLED:
                self._stack.broker.kill()
            case Kind.POSTGRES_STOPPED:
                self._postgres.stop(immediate=True)
            case Kind.DISK_FULL:
                self._allow_files(disk.NEXT_TO_NOTHING)
            case Kind.DATABASE_RESTORED | Kind.DATABASE_FAILED_OVER:
                backup.take(self._stack)
            case Kind.REPLIES_DROPPED:
                self._switch(drop_replies=True)
            case Kind.NOTIFICATIONS_DROPPED:
                self._switch(drop_notifications=True)

    def end(self, fault: Fault) -> None:
        """
        Fix it. Raises `NotReady` where a server has to be tried again.
        """
        match fault.kind:
            case kind if kind in KILLS:
                self._start(fault.target)
                self._down.discard(fault.target)
            case Kind.WORKER_FROZEN:
                self._signal(fault.target, signal.SIGCONT)
            case Kind.GATEWAY_FROZEN:
                self._signal("sandbox", signal.SIGCONT)
            case Kind.BROKER_CLIENTS_CUT | Kind.BROKER_EMPTIED:
                pass
            case Kind.BROKER_KILLED:
                self._stack.broker.start()
            case Kind.POSTGRES_STOPPED:
                self._postgres.start()
            case Kind.DISK_FULL:
                self._allow_files(resource.RLIM_INFINITY)
            case Kind.DATABASE_RESTORED:
                self._restore()
            case Kind.DATABASE_FAILED_OVER:
                backup.put_back(self._stack)
            case Kind.REPLIES_DROPPED:
                self._switch(drop_replies=False)
            case Kind.NOTIFICATIONS_DROPPED:
                self._switch(drop_notifications=False)

    def supervise(self) -> None:
        """
        Start again what ended by itself.
        """
        for name in _SUPERVISED:
            if name not in self._down and not self._stack.children[name].is_alive():
                self.ended[name] += 1
                self._stack.kill(name)
                self._start(name)

    def rest(self) -> None:
        """
        End, in good order, everything that writes to the ledger or hears of it.
        """
        children = [self._stack.children[name] for name in _SUPERVISED]
        for child in children:
            child.send(signal.SIGTERM)
        for child in children:
            child.stop()

    def _restore(self) -> None:
        """
        Do what the documents ask of an operator: stop all, put back, say so, start again.
        """
        running = [name for name in _OURS if name not in self._down]
        for name in running:
            self._stack.kill(name)
            self._down.add(name)
        backup.put_back(self._stack)
        backup.say_so(self._stack)
        for name in running:
            self._start(name)
            self._down.discard(name)

    @property
    def _postgres(self) -> Postgres:
        assert self._stack.postgres is not None
        return self._stack.postgres

    def _signal(self, name: str, signum: signal.Signals) -> None:
        """
        Send a signal to a process and to all of its children.
        """
        child = self._stack.children[name]
        if child.is_alive():
            os.killpg(child.pid, signum)

    def _start(self, name: str) -> None:
        self._started[name] = time.monotonic()
        self._stack.start(name)

    def _allow_files(self, size: int) -> None:
        """
        Limit what writes to the ledger. Celery ends if it cannot log while it starts: it is spared.
        """
        applied = time.monotonic() - _STARTING_SECONDS
        for name in (*WORKERS, "receiver", "relay"):
            if name not in self._down and self._started[name] < applied:
                disk.allow_files(self._stack.children[name].pid, size)

    def _command(self, *words: str) -> None:
        broker = redis.Redis.from_url(
            self._stack.broker.url, socket_timeout=5.0, retry=Retry(NoBackoff(), 0)
        )
        with contextlib.closing(broker):
            broker.execute_command(*words)  # type: ignore[no-untyped-call] # as redis-py has it

    def _switch(self, **switches: bool) -> None:
        with requests.Session() as session:
            session.trust_env = False
            url = f"{self._stack.sandbox_url}/sandbox/switches"
            session.post(
                url, json=switches, verify=str(self._stack.ca_file), timeout=10
            ).raise_for_status()
