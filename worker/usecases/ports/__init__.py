"""
What the use cases need from the world, as protocols: each role by itself, and `Ledger` for all.
"""

from worker.usecases.ports.actions import ActionLedger, CaseReads
from worker.usecases.ports.controls import ControlLedger
from worker.usecases.ports.dispatcher import Dispatcher
from worker.usecases.ports.gateway import Gateway
from worker.usecases.ports.health import (
    EpochLedger,
    HealthLedger,
    HighWaterMark,
    Journal,
)
from worker.usecases.ports.ledger import Ledger
from worker.usecases.ports.outbox import Courier, OutboxLedger
from worker.usecases.ports.own import OwnReads
from worker.usecases.ports.producers import ProducerLedger, TokenReads
from worker.usecases.ports.proposals import PeopleLedger, ProposalLedger
from worker.usecases.ports.reads import AuditReads, Reads
from worker.usecases.ports.sealing import JobKeyLedger, JobKeyReads, Opener
from worker.usecases.ports.work import (
    AcceptanceLedger,
    DueWork,
    EvidenceLedger,
    LeaseLedger,
    PayoutReads,
)

__all__ = [
    "AcceptanceLedger",
    "ActionLedger",
    "AuditReads",
    "CaseReads",
    "ControlLedger",
    "Courier",
    "Dispatcher",
    "DueWork",
    "EpochLedger",
    "EvidenceLedger",
    "Gateway",
    "HealthLedger",
    "HighWaterMark",
    "JobKeyLedger",
    "JobKeyReads",
    "Journal",
    "LeaseLedger",
    "Ledger",
    "Opener",
    "OutboxLedger",
    "OwnReads",
    "PayoutReads",
    "PeopleLedger",
    "ProducerLedger",
    "ProposalLedger",
    "Reads",
    "TokenReads",
]
