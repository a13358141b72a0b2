"""
Whether the broker's user may do what kombu and we do with it, without doing any of it.

A server looks at a user's rights when a command is queued in a transaction, and a transaction that
is discarded does nothing. What is refused is noted in the server's own ACL LOG.
"""

from collections.abc import Iterator

import redis

from worker.broker.names import QueueName
from worker.cli.doctor.finding import Finding, fault, ok

_SCRIPT = "return 1"
_SHA1 = "e0e1f9fabfc9d4800c877a703b823ac0578ff8db"  #: of that script

#: kombu's keys: what was taken and not acknowledged, and who restores it.
_HASH, _INDEX, _MUTEX = "unacked", "unacked_index", "unacked_mutex"

#: What is done with each queue.
_QUEUED = ("LPUSH {0} x", "RPUSH {0} x", "BRPOP {0} 1", "LLEN {0}", "LINDEX {0} -1", "EXISTS {0}")
_BOUND = ("_kombu.binding.{0}", "_kombu.binding_permanent.{0}")

#: Words with spaces between; the script, which has one, is added below.
_NEEDED = (
    *(command.format(queue) for queue in QueueName for command in (*_QUEUED, "TYPE {0}")),
    *(f"SADD {key.format(queue)} x" for queue in QueueName for key in _BOUND),
    *(f"SMEMBERS {_BOUND[0].format(queue)}" for queue in QueueName),
    *(f"HSET {_HASH} x x", f"HGET {_HASH} x", f"HDEL {_HASH} x", f"HLEN {_HASH}"),
    *(f"ZADD {_INDEX} 0 x", f"ZREM {_INDEX} x", f"ZRANGE {_INDEX} 0 0", f"ZCARD {_INDEX}"),
    *(f"SET {_MUTEX} x NX PX 1", f"GET {_MUTEX}", f"DEL {_MUTEX}", f"TYPE {_MUTEX}"),
    *("HSET payouts:next x x", "HGET payouts:next x", "HDEL payouts:next x", "DEL payouts:next"),
    *("HSET payouts:progress:x x x", "HMGET payouts:progress:x x", "TYPE payouts:progress:x"),
    *("ZADD payouts:starts 0 x", "ZRANGEBYSCORE payouts:starts 0 0", "EXPIRE payouts:starts 1"),
    "ZREMRANGEBYSCORE payouts:starts 0 0",
    *(f"EVALSHA {_SHA1} 0", f"SCRIPT EXISTS {_SHA1}", "PING", "TIME", "SCAN 0"),
    *("SADD _kombu.binding.celery.pidbox x", "LLEN celerybeat@x.celery.pidbox"),
    "LLEN celeryev.x",  # what Flower looks on with
)
#: Channels have the number of the server's database in their names.
_CHANNELS = ("PUBLISH /{0}.celeryev/worker.heartbeat x", "PSUBSCRIBE /{0}.celery.pidbox")

#: A user that may do all of it, in the words of `ACL SETUSER`, for the server's database 0.
RULES = (
    "~payouts* ~unacked* ~_kombu.binding* ~*.celery.pidbox* ~celeryev.* "
    "&/0.celery.pidbox &/0.celeryev/* "
    "+@read +@write +@list +@set +@hash +@sortedset +@string +@scripting +@transaction +@pubsub"
    " +@connection +brpop +time"
)


def rights(client: redis.Redis) -> Iterator[Finding]:
    """
    What the user of this client lacks, command by command.
    """
    refused = [*_refused(client)]
    if not refused:
        yield ok("its user may do all that is needed")
        return
    commands = ", ".join(sorted({words[0] for words, told in refused if _is_command(told)}))
    keys = ", ".join(sorted({words[1] for words, told in refused if not _is_command(told)}))
    lacking = [f"run {commands}"] if commands else []
    lacking += [f"use {keys}"] if keys else []
    yield fault(
        f"its user may not {', nor '.join(lacking)}: messages would be lost or never taken",
        f"let it, as `ACL SETUSER <user> {RULES.replace('/0.', f'/{_database(client)}.')}` does",
    )


def _refused(client: redis.Redis) -> Iterator[tuple[list[str], str]]:
    """
    What is refused, and in which words.
    """
    pool = client.connection_pool
    connection = pool.get_connection()
    try:
        for words in (["WATCH", _HASH], ["UNWATCH"]):
            if told := _told(connection, words):
                yield words, told
        if told := _told(connection, ["MULTI"]):
            # Without a transaction the rest would be done and not only asked.
            yield ["MULTI"], told
            return
        scripts = (["EVAL", _SCRIPT, "0"], ["SCRIPT", "LOAD", _SCRIPT])
        on_channels = (command.format(_database(client)) for command in _CHANNELS)
        commands = (*_NEEDED, *on_channels)
        for words in (*(command.split() for command in commands), *scripts, ["DISCARD"]):
            if told := _told(connection, words):
                yield words, told
    finally:
        # Whatever came amid, the server forgets the transaction with the connection.
        connection.disconnect()  # type: ignore[no-untyped-call]
        pool.release(connection)


def _database(client: redis.Redis) -> int:
    return int(client.connection_pool.connection_kwargs.get("db") or 0)


def _told(connection: redis.Connection, words: list[str]) -> str:
    """
    In which words the server refuses a command; nothing if it does not.
    """
    connection.send_command(*words)  # type: ignore[no-untyped-call]
    try:
        connection.read_response()
    except redis.exceptions.NoPermissionError as error:
        return str(error)
    except redis.ResponseError:
        return ""  # it may, and could not
    return ""


def _is_command(told: str) -> bool:
    return "to run" in told
