"""
Waiting for something that must happen: asked again and again, never slept through.
"""

import time
from collections.abc import Callable


def until(happened: Callable[[], object], seconds: float, every: float = 0.05) -> None:
    """
    Return as soon as `happened()` is true. Raises `AssertionError` if it never is.
    """
    deadline = time.monotonic() + seconds
    while not happened():
        if time.monotonic() > deadline:
            raise AssertionError(f"did not happen within {seconds} s")
        time.sleep(every)
