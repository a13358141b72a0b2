"""
A producer: sends messages as any application would, with nothing but Celery.
"""

from collections.abc import Mapping, Sequence

from celery import Celery


def send(broker_url: str, task: str, messages: Sequence[Mapping[str, object]], queue: str) -> None:
    """
    Send one message for each set of keyword arguments.
    """
    with Celery("producer", broker=broker_url, set_as_current=False) as producer:
        for arguments in messages:
            producer.send_task(task, kwargs=dict(arguments), queue=queue)
