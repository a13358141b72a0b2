"""
The nouns: what is to be paid, to whom, and what was done about it.

Frozen values without behaviour beyond what they can say of themselves. Amounts are fen, times are
aware UTC.
"""

import enum
from dataclasses import dataclass, field
from datetime import datetime

from worker.payouts.evidence import Evidence, Source
from worker.payouts.masking import mask
from worker.payouts.producers import DEFAULT_PRODUCER
from worker.payouts.proposal import Proposal
from worker.payouts.status import PayoutStatus, Reason
from worker.payouts.vouching import Vouched


@dataclass(frozen=True, slots=True)
class Payee:
    """
    Who receives the money. Every field but the codes is personal: `repr` hides them all.
    """

    account_no: str
    account_name: str
    bank_code: str
    account_type: str  #: P (a person) or C (a company)
    card_type: str  #: DE (debit) or CR (credit)
    branch_code: str | None = None  #: 联行号: the bank branch, 12 digits
    branch_name: str | None = None
    mobile: str | None = None
    id_type: str | None = None
    id_no: str | None = None

    def __repr__(self) -> str:
        return f"Payee({self.masked!r}, bank_code={self.bank_code!r})"

    @property
    def masked(self) -> str:
        """
        The account number as people may see it.
        """
        return mask(self.account_no)


@dataclass(frozen=True, slots=True)
class Order:
    """
    What a producer asked for, in full; it never changes after acceptance.
    """

    out_trade_no: str
    amount_fen: int
    #: Free texts may name someone, so no `repr` shows them.
    subject: str = field(repr=False)
    payee: Payee
    #: The name of what is owed. Defaults to the order number at the entry.
    obligation: str
    producer: str = DEFAULT_PRODUCER
    currency: str = "CNY"
    biz_trade_no: str | None = None
    return_params: str | None = field(default=None, repr=False)
    #: Not to be sent for the first time after this moment.
    send_before: datetime | None = None
    #: What is owed in all, where several payouts share the obligation; None: this amount.
    owed_fen: int | None = None
    #: The producer's own notes; never sent to JD.
    metadata: dict[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class Obligation:
    """
    A debt: what is owed, to be paid once, by one payout or by several that share it.
    """

    id: int
    namespace: str
    #: In NFKC, so that full-width and narrow letters make one name.
    name: str
    #: Fixed by the first job that names it.
    owed_fen: int
    #: The sum of the payouts that hold it: those that were not released.
    committed_fen: int
    #: How many payouts ever were to pay it; None where no seal vouches for its row yet.
    payout_count: int | None = None
    #: Whether that is so: nobody wrote to the database beside us.
    is_intact: bool = True


@dataclass(frozen=True, slots=True)
class Terms:
    """
    Where and as whom a payout is sent: fixed at acceptance, for life.
    """

    profile: str
    customer_no: str
    gateway_url: str
    notify_url: str


@dataclass(frozen=True, slots=True)
class Payout:
    """
    One payout, as its row says. It holds no payee data but the masked account.
    """

    id: int
    terms: Terms
    out_trade_no: str
    amount_fen: int
    currency: str
    obligation: str
    producer: str
    payee_masked: str
    bank_code: str
    status: PayoutStatus
    reason: Reason
    #: Rises with every stored piece of evidence and every move: the guard of every write.
    version: int
    #: Whether any attempt may have reached JD. Never `queued`, `held` or `cancelled` while set.
    exposed: bool
    accepted_at: datetime
    updated_at: datetime
    trade_no: str | None = None
    #: What came back so far; cumulative, it never falls.
    returned_fen: int = 0
    #: How often it was transmitted again from `unknown`.
    resends: int = 0
    lease_token: str | None = None
    lease_until: datetime | None = None
    #: When the last lease ended: an answer "not found" to an earlier question proves nothing.
    lease_ended_at: datetime | None = None
    first_sent_at: datetime | None = None
    last_sent_at: datetime | None = None
    #: When it reached the status that it has, if that is final.
    finalized_at: datetime | None = None
    #: From when it is due to be sent; None where sending is not allowed.
    next_send_at: datetime | None = None
    #: When the next follow-up query is due; None where none is.
    next_query_at: datetime | None = None
    #: Queries since the last verified answer.
    query_misses: int = 0
    send_before: datetime | None = None
    #: When a person last let it go though it was held: its time to be sent begins again.
    let_go_at: datetime | None = None
    #: Since when JD must be asked about it before anything is sent, because the database was
    #: restored; None once it answered.
    doubted_at: datetime | None = None
    #: When it was found without a final state for too long.
    overdue_at: datetime | None = None
    #: When its obligation became free for another payout.
    released_at: datetime | None = None
    #: The approved decision on outside proof that ended it.
    proposal_id: int | None = None
    #: When a person set aside that JD does not answer for it after a restore.
    set_aside_at: datetime | None = None
    #: When a person last had it asked about at another address, though JD may have it at the one
    #: before: what is not found there may be where it was sent.
    redirected_at: datetime | None = None
    #: Since when JD has been asked about it in vain, and when it last was.
    unanswered_since: datetime | None = None
    unanswered_at: datetime | None = None
    #: The key that its producer sealed its job with; None: it came unsealed, or by an operator.
    job_key: str | None = None
    #: None where no seal vouches for its row yet.
    vouched: Vouched | None = field(default=None, repr=False, compare=False)

    @property
    def is_intact(self) -> bool:
        """
        Whether nobody wrote to the database beside us, as far as its seal tells.
        """
        return self.vouched is None or self.vouched.holds


class AttemptOutcome(enum.StrEnum):
    """
    How one transmission ended, as far as the worker that made it knows.
    """

    NOT_CONNECTED = "not_connected"  #: provably nothing was sent
    ANSWERED = "answered"  #: an answer came; the evidence says which
    NO_ANSWER = "no_answer"  #: it may have arrived
    LOST = "lost"  #: the lease expired before the worker reported


@dataclass(frozen=True, slots=True)
class Attempt:
    """
    One transmission of the stored request, begun under a lease.
    """

    id: int
    payout_id: int
    number: int
    lease_token: str
    started_at: datetime
    closed_at: datetime | None = None
    outcome: AttemptOutcome | None = None  #: None while it runs
    detail: str = ""


class CaseKind(enum.StrEnum):
    """
    Why a person has to look. Each one says what happened.
    """

    CONTRADICTION = "contradiction"  #: CLOS and FINI or REFU for one number, or refused and traded
    VANISHED = "vanished"  #: JD says it never heard of a trade that it told us of before
    SECOND_TRADE_NO = "second_trade_no"  #: two JD trade numbers for one number of ours
    NUMBER_TAKEN = "number_taken"  #: JD knew the number before we ever sent it
    MISMATCH = "mismatch"  #: a signed message names another merchant, number, amount or currency
    PARTIAL_RETURN = "partial_return"  #: a part of the amount came back
    RETURN_AMOUNT = "return_amount"  #: a return of no amount, of zero, or of more than was paid
    NO_RESULT = "no_result"  #: not in JD's database: ask JD's support, naming the order number
    NOT_FOUND = "not_found"  #: JD has not heard of it, and the resend rule does not allow another
    UNRESOLVED = "unresolved"  #: no final answer, or none about the end, for long
    OVERPAYMENT = "overpayment"  #: sending it could pay more than is owed: an older one may be kept
    UNEXPECTED = "unexpected"  #: evidence about a payout that we withdrew or never sent
    STALE = "stale"  #: not sent in time: a person lets it go, or withdraws it
    REVIEW = "review"  #: its payee is on the review list: a person lets it go, or withdraws it
    DUPLICATE = "duplicate"  #: the same payee and amount as another's, shortly before
    DENIED = "denied"  #: its payee is on the deny list: nothing is sent while it is
    LIMIT = "limit"  #: sending it would exceed a limit of its producer's
    FORGOTTEN = "forgotten"  #: a worker's journal has a claim that the restored database lacked
    UNREADABLE = "unreadable"  #: what is to be sent opens with no key at hand
    TAMPERED = "tampered"  #: someone wrote to the database beside us: its row is not what it was
    ORPHAN = "orphan"  #: a signed notification names a number that we do not have


@dataclass(frozen=True, slots=True)
class Case:
    """
    Something that evidence cannot decide and a person must.
    """

    id: int
    kind: CaseKind
    customer_no: str
    out_trade_no: str
    opened_at: datetime
    payout_id: int | None = None
    evidence_id: int | None = None
    closed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Transition:
    """
    One move, append-only: replaying a payout's rows gives its status.
    """

    id: int
    payout_id: int
    #: None for acceptance.
    from_status: PayoutStatus | None
    to_status: PayoutStatus
    reason: Reason
    actor: str
    at: datetime
    evidence_id: int | None = None
    #: The source of that evidence.
    learnt_from: Source | None = None


@dataclass(frozen=True, slots=True)
class Rejection:
    """
    An entry message that was not accepted, without its content.
    """

    reason: str
    #: What was wrong, field by field, never quoting a value.
    faults: tuple[str, ...]
    size_bytes: int
    sha256: str
    out_trade_no: str | None = None
    producer: str | None = None
    id: int = 0
    rejected_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Dossier:
    """
    All that is known of one payout: what every decision is made from.
    """

    payout: Payout
    attempts: tuple[Attempt, ...]
    evidence: tuple[Evidence, ...]
    open_cases: tuple[Case, ...]
    #: What two people decided of it on proof from outside, the latest.
    decided: Proposal | None = None
