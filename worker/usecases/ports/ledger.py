"""
The durable truth, whole.
"""

from typing import Protocol

from worker.usecases.ports.actions import ActionLedger
from worker.usecases.ports.controls import ControlLedger
from worker.usecases.ports.health import HealthLedger
from worker.usecases.ports.own import OwnReads
from worker.usecases.ports.producers import ProducerLedger
from worker.usecases.ports.proposals import PeopleLedger, ProposalLedger
from worker.usecases.ports.reads import AuditReads
from worker.usecases.ports.sealing import JobKeyLedger
from worker.usecases.ports.work import AcceptanceLedger, DueWork, EvidenceLedger, LeaseLedger


class Ledger(
    AcceptanceLedger,
    LeaseLedger,
    EvidenceLedger,
    DueWork,
    ActionLedger,
    ProposalLedger,
    PeopleLedger,
    ProducerLedger,
    JobKeyLedger,
    ControlLedger,
    OwnReads,
    HealthLedger,
    AuditReads,
    Protocol,
):
    """
    All roles of the ledger. Every method is one transaction, and times are the database's own.

    Raises `StoreUnavailable` where the database cannot answer now, and `StoreFault` where it
    refuses by a fault of ours.
    """
