"""
The ledger as the use cases see it.
"""

from worker.store.acceptance import Acceptance
from worker.store.auditing import Auditing
from worker.store.channel import Channel
from worker.store.deciding import Deciding
from worker.store.pulse import Pulse
from worker.store.reading import Reading
from worker.store.sending import Sending
from worker.store.sweep import Sweep
from worker.store.weighing import Weighing


class SqlLedger(Acceptance, Reading, Sending, Weighing, Sweep, Channel, Deciding, Auditing, Pulse):
    """
    The durable truth, in SQLite or PostgreSQL. Every method is one transaction.
    """
