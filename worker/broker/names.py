"""
The names on the wire between processes: tasks and queues. Renaming one breaks running producers.
"""

import enum


class TaskName(enum.StrEnum):
    """
    What a message may ask for.
    """

    ENQUEUE = "payouts.enqueue"
    SUBMIT = "payouts.submit"
    QUERY = "payouts.query"
    SWEEP = "payouts.sweep"


class QueueName(enum.StrEnum):
    """
    One queue for each kind of work, so that none can starve another.
    """

    ENTRY = "payouts.entry"
    SEND = "payouts.send"
    QUERY = "payouts.query"
    SWEEP = "payouts.sweep"


#: Which queue each task travels through.
ROUTES = {
    TaskName.ENQUEUE: QueueName.ENTRY,
    TaskName.SUBMIT: QueueName.SEND,
    TaskName.QUERY: QueueName.QUERY,
    TaskName.SWEEP: QueueName.SWEEP,
}
