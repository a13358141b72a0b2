"""
How many sweeps the broker has seen counted, so that a restored database is noticed.

The broker is believed in nothing else: someone who can write there can make the workers ask JD
about everything unfinished before they send on, and no more.
"""

import logging
from functools import cached_property

import redis
from celery import Celery
from kombu.exceptions import KombuError

from worker.payouts.health import SweepCount

log = logging.getLogger("jdpay_payouts.high_water_mark")

_AWAY = (redis.RedisError, KombuError, OSError, ValueError)


class BrokerHighWaterMark:
    """
    A `HighWaterMark` in the app's Redis or Valkey: one small key for each database.
    """

    def __init__(self, app: Celery) -> None:
        self._app = app

    def seen(self, uid: str) -> int:
        """
        The highest count that it was told; 0 if it knows none, or cannot be asked.
        """
        try:
            return int(self._client.get(_key(uid)) or 0)
        except _AWAY as error:
            log.warning(
                "the broker cannot be asked how far the database had counted: %s",
                type(error).__name__,
            )
            return 0

    def remember(self, count: SweepCount) -> None:
        """
        Keep the newest count.
        """
        try:
            self._client.set(_key(count.uid), count.count)
        except _AWAY as error:
            log.warning(
                "the broker cannot be asked how far the database had counted: %s",
                type(error).__name__,
            )

    @cached_property
    def _client(self) -> redis.Redis:
        # The client of kombu's channel has the app's own address, timeouts and TLS.
        client: redis.Redis = getattr(self._app.connection_for_write().channel(), "client")  # noqa: B009
        return client


def _key(uid: str) -> str:
    return f"payouts:beats:{uid}"
