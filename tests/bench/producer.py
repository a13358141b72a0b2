"""
A producer: sends messages as any application would, with nothing but Celery.
"""

import random
import time
from collections.abc import Mapping, Sequence

from celery import Celery


def send(
    broker_url: str,
    task: str,
    messages: Sequence[Mapping[str, object]],
    queue: str,
    seconds: float = 0.0,
) -> None:
    """
    Send one message for each set of keyword arguments, at random times within so many seconds.
    """
    dice = random.Random(1)
    moments = sorted(dice.uniform(0.0, seconds) for _ in messages)
    start = time.monotonic()
    with Celery("producer", broker=broker_url, set_as_current=False) as producer:
        for arguments, moment in zip(messages, moments, strict=True):
            if seconds:
                time.sleep(max(0.0, start + moment - time.monotonic()))
            producer.send_task(task, kwargs=dict(arguments), queue=queue)
