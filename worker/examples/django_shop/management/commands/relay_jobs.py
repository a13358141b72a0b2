"""
``django-admin relay_jobs``: hands over to the payout worker what the shop has committed.
"""

import time
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from worker.examples.django_shop.withdrawals import relay
from worker.producer import OverCelery, Undecided


class Command(BaseCommand):
    """
    Sends the outbox's jobs once a second, until it is ended. Any number of these may run.
    """

    help = "Send the outbox's jobs to the payout worker until Ctrl-C."

    def handle(self, *_args: Any, **_options: Any) -> None:
        """
        Begin. A broker that is down is waited for.
        """
        worker = OverCelery(settings.PAYOUTS_BROKER_URL)
        while True:
            try:
                relay(worker.pay)
            except Undecided as down:
                self.stderr.write(f"the broker is down, and all is kept: {down}")
            time.sleep(1)
