"""
How far the database had come, as the broker remembers it: so that a restored one is noticed.

The broker is believed in nothing else: someone who can write there can stop the sending, and make
the workers ask JD about everything unfinished before they send on, and no more.
"""

import logging
from functools import cached_property

import redis
from celery import Celery
from kombu.exceptions import KombuError

from worker.payouts.errors import MarkUnavailable
from worker.payouts.progress import Progress

log = logging.getLogger("jdpay_payouts.high_water_mark")

_AWAY = (redis.RedisError, KombuError, OSError)

#: One step, since several processes tell at once: neither number ever goes down. What is no number
#: was written by someone else, and counts as nothing.
_REMEMBER = """
if redis.call('TYPE', KEYS[1]).ok ~= 'hash' then redis.call('DEL', KEYS[1]) end
local known = redis.call('HMGET', KEYS[1], 'sweeps', 'attempt', 'token')
local function number(text)
  return text and #text < 16 and string.match(text, '^%d+$') and tonumber(text) or 0
end
if number(ARGV[1]) > number(known[1]) then redis.call('HSET', KEYS[1], 'sweeps', ARGV[1]) end
if number(ARGV[2]) > number(known[2]) then
  redis.call('HSET', KEYS[1], 'attempt', ARGV[2], 'token', ARGV[3])
end
return {tostring(number(known[1])), tostring(number(known[2])), known[3] or ''}
"""


class BrokerHighWaterMark:
    """
    A `HighWaterMark` in the app's Redis or Valkey: one small key for each epoch of a database.
    """

    def __init__(self, app: Celery) -> None:
        self._app = app

    def known(self, uid: str) -> Progress:
        """
        The farthest that it was told. Raises `MarkUnavailable`.
        """
        return self.remember(Progress(uid))

    def remember(self, progress: Progress) -> Progress:
        """
        Keep the farther of what is known and what is told; return what was known before.

        Raises `MarkUnavailable`.
        """
        told = (progress.sweeps, progress.attempt_id, progress.token)
        try:
            script = self._client.register_script(_REMEMBER)
            sweeps, attempt_id, token = script([f"payouts:progress:{progress.uid}"], told)
        except _AWAY as error:
            raise MarkUnavailable(f"the broker cannot be asked: {type(error).__name__}") from error
        known = token.decode("ascii", "replace") if isinstance(token, bytes) else token
        return Progress(progress.uid, int(sweeps), int(attempt_id), known)

    @cached_property
    def _client(self) -> redis.Redis:
        # The client of kombu's channel has the app's own address, timeouts and TLS.
        client: redis.Redis = getattr(self._app.connection_for_write().channel(), "client")  # noqa: B009
        return client
