"""
A producer's own Celery worker, which takes events off a queue. It may be killed at any time.

It shares the broker with ours, and so the keys in which all of Redis' messages in hand are. What
was in hand for seconds it puts back, ours as well: an application may be set up like that.
"""

import os
from pathlib import Path
from typing import Any

from celery import Celery

from tests.chaos.heard import VARIABLE, Heard

app = Celery("queue_shop", broker=os.environ["PAYOUTS_BROKER_URL"], set_as_current=False)
app.conf.update(
    broker_connection_max_retries=None,
    broker_connection_retry_on_startup=True,
    broker_transport_options={
        "visibility_timeout": 3,
        "unacked_restore_interval": 1,
        "unacked_restore_throttle": 1,
    },
)


@app.task(name="payouts.event", acks_late=True, ignore_result=True)
def hear(event: dict[str, Any]) -> None:
    """
    Write an event down; only then it is acknowledged.
    """
    Heard(Path(os.environ[VARIABLE])).take(event)
