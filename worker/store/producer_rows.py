"""
A producer's row, held by whoever gives it a token or a key.
"""

import sqlalchemy as sa

from worker.payouts.errors import NoSuchProducer, NotAllowed
from worker.payouts.producers import Producer
from worker.store.producer_tables import producers

_PRODUCER = sa.select(producers)


def read_enabled(conn: sa.Connection, name: str) -> Producer:
    """
    The same, if it is not disabled. Raises `NoSuchProducer` or `NotAllowed`.
    """
    found = read_producer(conn, name)
    if found.disabled_at is not None:
        raise NotAllowed(f"producer {name} is disabled")
    return found


def read_producer(conn: sa.Connection, name: str) -> Producer:
    """
    A producer, held. Raises `NoSuchProducer`.
    """
    held = _PRODUCER.where(producers.c.name == name).with_for_update()
    row = conn.execute(held).mappings().one_or_none()
    if row is None:
        raise NoSuchProducer(f"there is no producer {name}; `payouts producers list` tells them")
    return Producer(**row)
