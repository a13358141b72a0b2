"""
The tables that health is read from, and that remember what was told of it.
"""

import sqlalchemy as sa
from sqlalchemy import Column, Table

from worker.payouts.health import CertificateKind
from worker.store.metadata import metadata
from worker.store.types import ForeignText, UtcDateTime, one_of

#: Each merchant for whom anybody has swept.
sweeps = Table(
    "sweeps",
    metadata,
    Column("customer_no", sa.String, primary_key=True),
    Column("ended_at", UtcDateTime, nullable=False),  #: when the last one ended well
)

#: The epochs of this database that were followed by another.
ended_epochs = Table(
    "ended_epochs",
    metadata,
    Column("uid", sa.String(32), primary_key=True),
    Column("ended_at", UtcDateTime, nullable=False),
)

#: The certificates that workers last started with.
certificates = Table(
    "certificates",
    metadata,
    Column("customer_no", sa.String, primary_key=True),
    Column("kind", one_of(CertificateKind), primary_key=True),
    Column("valid_until", UtcDateTime, nullable=False),
)

#: What wrong was told in the log, and not yet that it is over.
alerts = Table(
    "alerts",
    metadata,
    Column("customer_no", sa.String, primary_key=True),
    Column("kind", sa.String(32), primary_key=True),
    Column("began_at", UtcDateTime, nullable=False),
)

#: Verified notifications that name another merchant and a number that we lack: none is stored.
foreign_notifications = Table(
    "foreign_notifications",
    metadata,
    Column("customer_no", sa.String, primary_key=True),
    Column("merchant", ForeignText, primary_key=True),  #: whom they name
    Column("seen", sa.BigInteger, nullable=False),  #: how many since someone last looked
    Column("last_at", UtcDateTime, nullable=False),
)
