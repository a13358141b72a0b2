"""
The tables. Their constraints keep the rules even against a mistake in the program.
"""

import sqlalchemy as sa
from sqlalchemy import CheckConstraint, Column, ForeignKey, Index, Table, UniqueConstraint

from worker.payouts.evidence import Meaning, Source, TradeStatus
from worker.payouts.model import AttemptOutcome, CaseKind
from worker.payouts.money import MAX_FEN
from worker.payouts.status import PayoutStatus, Reason
from worker.store import bindings
from worker.store.channel_tables import channels, paces
from worker.store.checkpoint_tables import checkpoint_histories, checkpoints
from worker.store.control_tables import PAYMENT, control_changes, producer_days
from worker.store.key_tables import sealing_keys
from worker.store.metadata import metadata, partial
from worker.store.people_tables import former_requests, people, proposals, services
from worker.store.producer_tables import job_keys, producers, tokens
from worker.store.types import ForeignText, Id, Sealed, UtcDateTime, one_of

#: The tables of modules of their own, of the same metadata.
OF_PEOPLE = (former_requests, people, proposals, services)
OF_PRODUCERS = (job_keys, producers, tokens)
OF_KEYS = (sealing_keys,)
OF_CHANNELS = (channels, paces)
OF_CHECKPOINTS = (checkpoint_histories, checkpoints)
OF_CONTROLS = (control_changes, producer_days)

# Conditions of partial indexes. A query must repeat one word for word, literals included, or
# SQLite does not use the index: so both take it from here.
MAY_BE_SENT = sa.text("next_send_at IS NOT NULL")
IS_FOLLOWED = sa.text("next_query_at IS NOT NULL")
IN_FLIGHT = sa.text("(status = 'sending' OR lease_until IS NOT NULL)")
UNSENT = sa.text("status = 'queued'")
IN_DOUBT = sa.text("doubted_at IS NOT NULL")
NOT_YET_OVERDUE = sa.text(
    "status IN ('sending', 'refused', 'unknown', 'processing') AND overdue_at IS NULL"
)
FROM_SENDING = sa.text("from_status = 'sending'")
WAITS = sa.text("applied_at IS NULL AND payout_id IS NOT NULL")

_STATUSES = ", ".join(f"'{status}'" for status in PayoutStatus)


#: Debts. A payout that holds one commits its whole amount until it is released.
obligations = Table(
    "obligations",
    metadata,
    Column("id", Id, primary_key=True),
    Column("namespace", sa.String, nullable=False),
    Column("name", sa.String, nullable=False),  #: in NFKC
    Column("owed_fen", sa.BigInteger, nullable=False),
    Column("committed_fen", sa.BigInteger, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("payout_count", sa.Integer),  #: of all that were ever to pay it
    Column("seal", Sealed(*bindings.OBLIGATION)),
    UniqueConstraint("namespace", "name"),
    CheckConstraint(f"owed_fen BETWEEN 1 AND {MAX_FEN}", name="owed"),
    CheckConstraint("committed_fen BETWEEN 0 AND owed_fen", name="committed"),
)

payouts = Table(
    "payouts",
    metadata,
    Column("id", Id, primary_key=True),
    Column("profile", sa.String, nullable=False),
    Column("customer_no", sa.String, nullable=False),
    Column("gateway_url", sa.String, nullable=False),
    Column("notify_url", sa.String, nullable=False),
    Column("out_trade_no", sa.String, nullable=False),
    Column("amount_fen", sa.BigInteger, nullable=False),
    Column("currency", sa.String(3), nullable=False),
    Column("obligation", sa.String, nullable=False),  #: as the producer wrote it
    Column("producer", sa.String, nullable=False),
    Column("payee_masked", sa.String, nullable=False),
    Column("bank_code", sa.String, nullable=False),
    Column("sealed_payee", Sealed(*bindings.PAYOUT, and_to=bindings.PROVEN), nullable=False),
    #: The order's free text.
    Column("sealed_order", Sealed(*bindings.PAYOUT, and_to=bindings.PROVEN), nullable=False),
    Column("sealed_request", Sealed(*bindings.PAYOUT, and_to=bindings.PROVEN)),
    Column("status", one_of(PayoutStatus), nullable=False),
    Column("reason", one_of(Reason), nullable=False),
    Column("version", sa.Integer, nullable=False),
    Column("exposed", sa.Boolean, nullable=False),
    Column("accepted_at", UtcDateTime, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
    Column("trade_no", ForeignText),
    Column("returned_fen", sa.BigInteger, nullable=False),
    Column("resends", sa.Integer, nullable=False),
    Column("lease_token", sa.String),
    Column("lease_until", UtcDateTime),
    Column("lease_ended_at", UtcDateTime),
    Column("first_sent_at", UtcDateTime),
    Column("last_sent_at", UtcDateTime),
    Column("finalized_at", UtcDateTime),
    Column("next_send_at", UtcDateTime),
    Column("next_query_at", UtcDateTime),
    Column("query_misses", sa.Integer, nullable=False),
    Column("send_before", UtcDateTime),
    Column("let_go_at", UtcDateTime),
    Column("doubted_at", UtcDateTime),
    Column("overdue_at", UtcDateTime),
    Column("released_at", UtcDateTime),  #: when the obligation became free for another payout
    Column("obligation_id", Id, ForeignKey("obligations.id"), index=True),
    Column("proposal_id", Id),  #: the decision on outside proof that ended it
    Column("set_aside_at", UtcDateTime),  #: when a person set aside that JD does not answer for it
    Column("redirected_at", UtcDateTime),  #: when it was last sent elsewhere to be asked about
    Column("unanswered_since", UtcDateTime),  #: since when JD has been asked in vain
    Column("unanswered_at", UtcDateTime),  #: and when it last was
    Column("attempt_count", sa.Integer),
    Column("message_count", sa.Integer),
    Column("job_key", sa.String(48)),  #: the producer's, with which its job was sealed
    Column(
        "sealed_job", Sealed(*bindings.PAYOUT, and_to=bindings.PROVEN)
    ),  #: what the producer sealed
    Column("history", sa.String(129)),  #: where the chains of its records end
    Column("seal", Sealed(*bindings.STATE, and_to=bindings.PROVEN, named=bindings.HISTORY)),
    Column("payee_digest", sa.String(40)),  #: keyed, of account number and name
    UniqueConstraint("customer_no", "out_trade_no"),
    CheckConstraint(f"amount_fen BETWEEN 1 AND {MAX_FEN}", name="amount"),
    CheckConstraint("returned_fen BETWEEN 0 AND amount_fen", name="returned"),
    CheckConstraint(f"status IN ({_STATUSES})", name="status"),
    CheckConstraint("NOT exposed OR status NOT IN ('queued', 'held', 'cancelled')", name="exposed"),
    CheckConstraint("(lease_token IS NULL) = (lease_until IS NULL)", name="lease"),
    partial("ix_payouts_next_send_at", "next_send_at", where=MAY_BE_SENT),
    partial("ix_payouts_next_query_at", "next_query_at", where=IS_FOLLOWED),
    partial("ix_payouts_lease_until", "lease_until", where=IN_FLIGHT),
    partial("ix_payouts_accepted_at", "accepted_at", where=UNSENT),
    partial("ix_payouts_first_sent_at", "first_sent_at", where=NOT_YET_OVERDUE),
    partial("ix_payouts_doubted_at", "customer_no", where=IN_DOUBT),
    Index("ix_payouts_status_id", "status", "id"),
    partial("ix_payouts_payee_digest", *PAYMENT, where="payee_digest IS NOT NULL"),
    Index("ix_payouts_producer_accepted_at_id", "producer", "accepted_at", "id"),
)

attempts = Table(
    "attempts",
    metadata,
    Column("id", Id, primary_key=True),
    Column("payout_id", Id, ForeignKey("payouts.id"), nullable=False),
    Column("number", sa.Integer, nullable=False),
    Column("lease_token", sa.String, nullable=False),
    Column("started_at", UtcDateTime, nullable=False),
    Column("closed_at", UtcDateTime),
    Column("outcome", one_of(AttemptOutcome)),
    Column("detail", sa.String, nullable=False),
    Column("seal", Sealed(*bindings.ATTEMPT)),
    UniqueConstraint("payout_id", "number"),
    CheckConstraint("(outcome IS NULL) = (closed_at IS NULL)", name="closed"),
    partial("uq_attempts_open", "payout_id", where="outcome IS NULL", unique=True),
)

evidence = Table(
    "evidence",
    metadata,
    Column("id", Id, primary_key=True),
    Column("payout_id", Id, ForeignKey("payouts.id"), index=True),
    Column("customer_no", ForeignText, nullable=False),
    Column("out_trade_no", ForeignText, nullable=False),
    Column("attempt_id", Id, ForeignKey("attempts.id")),
    Column("source", one_of(Source), nullable=False),
    Column("digest", sa.String(64), nullable=False),
    Column("sealed_raw", Sealed(*bindings.EVIDENCE, and_to=bindings.PLACE), nullable=False),
    Column("asked_at", UtcDateTime),
    Column("received_at", UtcDateTime, nullable=False),
    Column("applied_at", UtcDateTime),
    Column("verified", sa.Boolean, nullable=False),
    Column("meaning", one_of(Meaning), nullable=False),
    Column("code", ForeignText, nullable=False),
    Column("merchant", ForeignText),
    Column("number", ForeignText),
    Column("amount_fen", sa.BigInteger),
    Column("currency", ForeignText),
    Column("trade_status", one_of(TradeStatus)),
    Column("trade_no", ForeignText),
    Column("refund_fen", sa.BigInteger),
    Column("reason_code", ForeignText),
    Column("traded_at", UtcDateTime),
    Column("uid", sa.String(32)),
    Column("place", sa.Integer),  #: which of its payout's messages it is
    # `verified` is part of what makes a notification the same: one that could not be verified
    # while a certificate was wrong must not keep out its verified repetition.
    partial(
        "uq_evidence_notification",
        "payout_id",
        "digest",
        "verified",
        where="source = 'notification' AND payout_id IS NOT NULL",
        unique=True,
    ),
    partial(
        "uq_evidence_orphan",
        "customer_no",
        "out_trade_no",
        "digest",
        "verified",
        where="source = 'notification' AND payout_id IS NULL",
        unique=True,
    ),
    partial("ix_evidence_waiting", "payout_id", where=WAITS),
)

transitions = Table(
    "transitions",
    metadata,
    Column("id", Id, primary_key=True),
    Column("payout_id", Id, ForeignKey("payouts.id"), nullable=False, index=True),
    Column("from_status", one_of(PayoutStatus)),
    Column("to_status", one_of(PayoutStatus), nullable=False),
    Column("reason", one_of(Reason), nullable=False),
    Column("evidence_id", Id, ForeignKey("evidence.id")),
    Column("actor", sa.String, nullable=False),
    Column("at", UtcDateTime, nullable=False),
    CheckConstraint("from_status IS NULL OR from_status <> to_status", name="moved"),
    partial("ix_transitions_at", "at", where=FROM_SENDING),
)

cases = Table(
    "cases",
    metadata,
    Column("id", Id, primary_key=True),
    Column("kind", one_of(CaseKind), nullable=False),
    Column("customer_no", ForeignText, nullable=False),
    Column("out_trade_no", ForeignText, nullable=False),
    Column("payout_id", Id, ForeignKey("payouts.id"), index=True),
    Column("evidence_id", Id, ForeignKey("evidence.id")),
    Column("opened_at", UtcDateTime, nullable=False),
    Column("closed_at", UtcDateTime),
    partial(
        "uq_cases_open",
        "payout_id",
        "kind",
        where="closed_at IS NULL AND payout_id IS NOT NULL",
        unique=True,
    ),
    partial(
        "uq_cases_open_orphan",
        "customer_no",
        "out_trade_no",
        "kind",
        where="closed_at IS NULL AND payout_id IS NULL",
        unique=True,
    ),
)

#: What people decided, append-only.
decisions = Table(
    "decisions",
    metadata,
    Column("id", Id, primary_key=True),
    Column("payout_id", Id, ForeignKey("payouts.id"), index=True),
    Column("case_id", Id, ForeignKey("cases.id")),
    Column("action", sa.String(32), nullable=False),
    Column("who", sa.String, nullable=False),
    Column("why", sa.String, nullable=False),
    Column("proof", sa.JSON, nullable=False),  #: ids of the evidence that it rests on
    Column("replaced_by", Id, ForeignKey("payouts.id"), index=True),  #: which pays instead
    Column("at", UtcDateTime, nullable=False),
    Column("proposal_id", Id),  #: what two people decided
)

rejections = Table(
    "rejections",
    metadata,
    Column("id", Id, primary_key=True),
    Column("reason", ForeignText, nullable=False),
    Column("faults", sa.JSON, nullable=False),
    Column("size_bytes", sa.Integer, nullable=False),
    Column("sha256", sa.String(64), nullable=False),
    Column("out_trade_no", ForeignText),
    Column("producer", ForeignText),
    Column("rejected_at", UtcDateTime, nullable=False),
)

#: One row: whose database this is.
installation = Table(
    "installation",
    metadata,
    Column("id", sa.Integer, primary_key=True, autoincrement=False),
    Column("profile", sa.String, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("uid", sa.String(32), nullable=False),  #: tells this epoch of this database from others
    Column("uid_before", sa.String(32)),  #: the last one, for the version before
    Column("epoch", sa.Integer, nullable=False),  #: rises when the database was restored
    Column("sweep_count", sa.BigInteger, nullable=False),  #: rises with every sweep
    Column("swept_at", UtcDateTime),  #: when the last sweep began
    Column(
        "sealed_sample", Sealed(*bindings.INSTALLATION)
    ),  #: what is sealed now is sealed as this is
    Column("restored_at", UtcDateTime),  #: when the epoch began; the first one has no such time
    #: What is accepted before this is asked about before it is sent.
    Column("ask_first_until", UtcDateTime),
    Column("looked_at_rejection", sa.BigInteger),  #: up to which someone has looked at them
    Column("oldest_program", sa.String(32)),  #: by its revision: which may work on these tables
    Column("seals_uid", sa.String(32)),  #: what seals are bound to: the same in all epochs
    CheckConstraint("id = 1", name="single"),
)
