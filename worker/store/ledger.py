"""
The ledger as the use cases see it.
"""

from worker.store.acceptance import Acceptance
from worker.store.actions import Actions
from worker.store.audit import Audit
from worker.store.channels import Channels
from worker.store.checkpoints import Checkpoints
from worker.store.claims import ClaimStore
from worker.store.control_changes import ControlChanges
from worker.store.due_work import DueWork
from worker.store.endpoints import Endpoints
from worker.store.epochs import EpochStore
from worker.store.event_reads import EventReads
from worker.store.health import HealthStore
from worker.store.health_notes import HealthNotes
from worker.store.integrity import Integrity
from worker.store.job_keys import JobKeys
from worker.store.keys import KeyStore
from worker.store.leases import Leases
from worker.store.notifications import Notifications
from worker.store.outbox import Outbox
from worker.store.own_payouts import OwnPayouts
from worker.store.people import People
from worker.store.producers import Producers
from worker.store.proposals import Proposals
from worker.store.reads import Reads
from worker.store.recall import RecallStore
from worker.store.silence import SilenceNotes


class SqlLedger(
    Acceptance,
    Reads,
    ClaimStore,
    Leases,
    Notifications,
    DueWork,
    SilenceNotes,
    Channels,
    Actions,
    Proposals,
    People,
    Producers,
    JobKeys,
    ControlChanges,
    OwnPayouts,
    Audit,
    Integrity,
    Checkpoints,
    EpochStore,
    HealthStore,
    HealthNotes,
    RecallStore,
    KeyStore,
    Endpoints,
    EventReads,
    Outbox,
):
    """
    The durable truth, in SQLite or PostgreSQL. Every method is one transaction.
    """
