"""
Processes that begin their work at the same moment.
"""

import functools
import multiprocessing
from collections.abc import Callable, Sequence
from multiprocessing.synchronize import Barrier
from typing import TypeVar

#: How long processes wait for each other before they give up, in seconds.
_PATIENCE = 60.0

#: Imported once, by the process that all others are forked from.
_PRELOADED = ["pytest", "tests.integration.concurrency.crew"]

Task = TypeVar("Task")
Result = TypeVar("Result")

_barriers: list[Barrier] = []


def at_once(work: Callable[[Task], Result], tasks: Sequence[Task]) -> list[Result]:
    """
    Do each task in a process of its own, all of them beginning together.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(_PRELOADED)
    barrier = context.Barrier(len(tasks), timeout=_PATIENCE)
    with context.Pool(len(tasks), _keep, (barrier,)) as pool:
        # A process that waits takes no second task, so each of them has one.
        found = pool.map(functools.partial(_begin, work), tasks, chunksize=1)
        pool.close()
        pool.join()
    return found


def together() -> None:
    """
    Wait, inside a task, until every other process has come here too.
    """
    _barriers[-1].wait()


def _keep(barrier: Barrier) -> None:
    _barriers.append(barrier)


def _begin(work: Callable[[Task], Result], task: Task) -> Result:
    together()
    return work(task)
