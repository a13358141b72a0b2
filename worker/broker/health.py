"""
How the broker is, looked at from outside: queues that nobody reads, messages that went astray.

What it remembers for that are two small keys, and nothing else is changed. Whoever can write there
can make an alert, or hide one; the database's own figures tell of what then stands still.
"""

import secrets
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import cached_property

import redis
from celery import Celery
from kombu.exceptions import KombuError

from worker.broker.names import QueueName, TaskName
from worker.payouts.errors import BrokerUnavailable
from worker.payouts.health import LONG, BrokerHealth, QueueHealth

_AWAY = (redis.RedisError, KombuError, OSError)

#: Since when the message is the next one whose turn it is in each queue, and the queue is long.
_NEXT = "payouts:next"
_STARTS = "payouts:starts"
_STARTS_FOR = timedelta(minutes=15)

#: No message says when it was put there. So it is remembered which one's turn it is, by its digest,
#: and since when: whoever looks does so, and all of them together in one step. What is of another
#: type than it should be was written by someone else.
_LOOK = """
local function is(key, kind) return redis.call('TYPE', key).ok == kind end
local now = redis.call('TIME')
local told = {tonumber(now[1])}
if not is(KEYS[1], 'hash') then redis.call('DEL', KEYS[1]) end
for i = 4, #KEYS do
  local messages, since, long, begun = 0, told[1], KEYS[i] .. ' long', told[1]
  if is(KEYS[i], 'list') then
    messages = redis.call('LLEN', KEYS[i])
    local digest = redis.sha1hex(redis.call('LINDEX', KEYS[i], -1))
    local known = redis.call('HGET', KEYS[1], KEYS[i]) or ''
    if string.sub(known, 1, 40) == digest then
      since = tonumber(string.sub(known, 42)) or since
    end
    redis.call('HSET', KEYS[1], KEYS[i], digest .. ' ' .. since)
  else
    redis.call('HDEL', KEYS[1], KEYS[i])
  end
  if messages >= tonumber(ARGV[1]) then
    begun = tonumber(redis.call('HGET', KEYS[1], long) or '') or begun
    redis.call('HSET', KEYS[1], long, begun)
  else
    redis.call('HDEL', KEYS[1], long)
  end
  table.insert(told, messages)
  table.insert(told, told[1] - since)
  table.insert(told, told[1] - begun)
end
local held, listed, first = 0, 0, ''
if is(KEYS[2], 'hash') then held = redis.call('HLEN', KEYS[2]) end
if is(KEYS[3], 'zset') then
  listed = redis.call('ZCARD', KEYS[3])
  first = redis.call('ZRANGE', KEYS[3], 0, 0, 'WITHSCORES')[2] or ''
end
table.insert(told, held)
table.insert(told, math.max(0, held - listed))
table.insert(told, first)
return told
"""

#: Where kombu keeps what was taken and not acknowledged, and the order in which it was taken.
_IN_HAND = ("unacked", "unacked_index")

#: So many keys are looked at for messages that went astray, and so many of them are told.
_MOST_ROUNDS, _KEYS_A_ROUND, _MOST_TOLD = 100, 1000, 100

#: The lists of Celery's own that are no queue of messages for workers.
_CELERYS = ".celery.pidbox"


class RedisProbe:
    """
    A `BrokerProbe` over the app's Redis or Valkey.
    """

    def __init__(self, app: Celery) -> None:
        self._app = app

    def look(self) -> BrokerHealth:
        """
        What it tells. Raises `BrokerUnavailable`.
        """
        try:
            return self._look()
        except _AWAY as error:
            raise BrokerUnavailable(
                f"the broker cannot be asked: {type(error).__name__}"
            ) from error

    def note_start(self, worker: str) -> None:
        """
        Remember for a while that a worker starts just now. Raises `BrokerUnavailable`.
        """
        try:
            seconds, _ = self._client.time()
            with self._client.pipeline() as pipe:
                pipe.zadd(_STARTS, {f"{worker} {secrets.token_hex(8)}": seconds})
                pipe.zremrangebyscore(_STARTS, 0, seconds - _STARTS_FOR.total_seconds())
                pipe.expire(_STARTS, _STARTS_FOR)
                pipe.execute()
        except _AWAY as error:
            raise BrokerUnavailable(f"the broker cannot be told: {type(error).__name__}") from error

    def _look(self) -> BrokerHealth:
        script = self._client.register_script(_LOOK)
        now, *figures, held, lost, first = script([_NEXT, *_IN_HAND, *QueueName], [LONG])
        queues = zip(figures[::3], figures[1::3], figures[2::3], strict=True)
        return BrokerHealth(
            now=_moment(now),
            queues={
                queue.value: QueueHealth(
                    messages, timedelta(seconds=unread), timedelta(seconds=long)
                )
                for queue, (messages, unread, long) in zip(QueueName, queues, strict=True)
            },
            in_hand=held,
            taken_at=_moment(float(first)) if first else None,
            lost=lost,
            misrouted=tuple(sorted(self._misrouted())),
            starts=self._starts(now),
        )

    def _starts(self, now: int) -> Counter[str]:
        since = now - _STARTS_FOR.total_seconds()
        found = self._client.zrangebyscore(_STARTS, since, "+inf")
        return Counter(_text(one).rpartition(" ")[0] for one in found)

    def _misrouted(self) -> Iterator[str]:
        """
        Lists that are none of our queues, and hold a message for one of our tasks or have its name.
        """
        told = cursor = 0
        for _ in range(_MOST_ROUNDS):
            cursor, keys = self._client.scan(cursor, count=_KEYS_A_ROUND, _type="list")
            for key in keys:
                if told < _MOST_TOLD and self._is_astray(_text(key)):
                    told += 1
                    yield _text(key)
            if cursor == 0:
                return

    def _is_astray(self, key: str) -> bool:
        if key in set(QueueName) or key.endswith(_CELERYS):
            return False
        if "payout" in key.lower():
            return True
        message = self._client.lindex(key, -1) or b""
        return any(f'"{task}"'.encode() in message for task in TaskName)

    @cached_property
    def _client(self) -> redis.Redis:
        # The client of kombu's channel has the app's own address, timeouts and TLS.
        client: redis.Redis = getattr(self._app.connection_for_write().channel(), "client")  # noqa: B009
        return client


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def _text(key: object) -> str:
    return key.decode(errors="backslashreplace") if isinstance(key, bytes) else str(key)
