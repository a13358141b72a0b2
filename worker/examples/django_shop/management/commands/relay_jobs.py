"""
``django-admin relay_jobs``: hands over to the payout worker what the shop has committed.
"""

import time
from typing import Any

from celery import Celery
from django.conf import settings
from django.core.management.base import BaseCommand
from kombu.exceptions import OperationalError

from worker.examples.django_shop.withdrawals import relay


class Command(BaseCommand):
    """
    Sends the outbox's jobs once a second, until it is ended. Any number of these may run.
    """

    help = "Send the outbox's jobs to the payout worker until Ctrl-C."

    def handle(self, *_args: Any, **_options: Any) -> None:
        """
        Begin. A broker that is down is waited for.
        """
        app = Celery(broker=settings.PAYOUTS_BROKER_URL)
        # It is tried once a second anyhow.
        app.conf.broker_transport_options = {"max_retries": 0}

        def send(job: dict[str, Any]) -> None:
            app.send_task(
                "payouts.enqueue", kwargs={"job": job}, queue="payouts.entry", retry=False
            )

        while True:
            try:
                relay(send)
            except OperationalError as down:
                self.stderr.write(f"the broker is down, and all is kept: {down}")
            time.sleep(1)
