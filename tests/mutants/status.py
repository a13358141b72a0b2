"""
Guards of the status: what all that is known makes of a payout.
"""

from tests.mutants.guard import Change, Guard

_FACTS = "worker/payouts/policy/facts.py"
_STATE = "worker/payouts/policy/state.py"
_STATUS = "worker/payouts/status.py"
_TESTS = "tests/unit/payouts"
_FACTS_TESTS = "tests/unit/policy/test_facts.py"
_STATES = "tests/unit/policy/test_state.py"
_MOVES = "tests/unit/payouts/test_status.py::test_the_table_of_moves"

GUARDS = (
    Guard(
        "attempt-exposes",
        "A payout whose request may have arrived would be queued and sent again.",
        (
            Change(
                _FACTS,
                "if a.outcome is not AttemptOutcome.NOT_CONNECTED and",
                "if a.outcome is AttemptOutcome.ANSWERED and",
            ),
        ),
        (f"{_FACTS_TESTS}::test_an_attempt_exposes_unless_it_provably_did_not",),
    ),
    Guard(
        "refusal-is-of-one-attempt",
        "A refused resend would make failed what the first attempt paid.",
        (Change(_FACTS, "and a.id not in refused", "and not refused"),),
        (f"{_FACTS_TESTS}::test_a_refusal_takes_back_its_own_attempt_only",),
    ),
    Guard(
        "later-attempt-explains-nothing",
        "A number that was taken before we sent it would pass for ours after a resend.",
        (
            Change(
                _FACTS,
                "all(answered is not None and attempt.id >= answered for attempt in reached)",
                "not reached",
            ),
        ),
        (f"{_FACTS_TESTS}::test_a_later_attempt_does_not_make_an_early_duplicate_ours",),
    ),
    Guard(
        "highest-evidence-counts",
        "A processing that arrives late would undo paid, and the payout would be asked for again.",
        (
            Change(
                _FACTS,
                "max(self.trades, key=lambda t: (t.status.rank, -t.evidence.id), default=None)",
                "self.trades[-1] if self.trades else None",
            ),
        ),
        (f"{_FACTS_TESTS}::test_the_top_is_the_highest_ever_evidenced",),
    ),
    Guard(
        "refusal-needs-no-exposure",
        "A payout would be failed by the refusal of its second attempt while its first is paid.",
        (Change(_STATE, "if facts.refusals and not facts.exposing:", "if facts.refusals:"),),
        (f"{_STATES}::test_how_an_attempt_ends",),
    ),
    Guard(
        "trade-outranks-refusal",
        "A refusal would hide a trade that JD told us of.",
        (
            Change(
                _STATE,
                "max(found, key=lambda verdict: verdict[0].rank, default=None)",
                "found[-1] if found else None",
            ),
        ),
        (f"{_STATES}::test_a_refusal_and_a_trade_in_either_order",),
    ),
    Guard(
        "status-never-falls",
        "Evidence lower than what was reached would reopen a payout that has ended.",
        (
            Change(
                _STATE,
                "if found[0].rank < payout.status.rank and payout.status is not "
                "PayoutStatus.UNKNOWN:",
                "if False:",
            ),
        ),
        (f"{_STATES}::test_a_trade_status_moves_every_status_up_and_none_down",),
    ),
    Guard(
        "no-answer-is-unknown",
        "A request that timed out would go back into the queue and be sent again.",
        (
            Change(
                _STATE,
                "return _unknown(facts) if facts.exposing else _UNSENT",
                "return _UNSENT",
            ),
        ),
        (f"{_STATES}::test_how_an_attempt_ends",),
    ),
    Guard(
        "exposure-is-written-down",
        "Nothing in the row would tell that the payout may be out.",
        (Change(_STATE, "exposed=told.exposed,", "exposed=False,"),),
        (f"{_STATES}::test_exposure_is_written_down",),
    ),
    Guard(
        "what-came-back-never-falls",
        "A smaller return that arrives late would hide a part that came back.",
        (Change(_STATE, "return max([payout", "return (lambda named: named[-1])([payout"),),
        (f"{_STATES}::test_what_came_back",),
    ),
    Guard(
        "no-more-came-back-than-was-paid",
        "A return of more than was paid would be paid out again.",
        (
            Change(
                _STATE, "fen for fen in named if fen <= payout.amount_fen", "fen for fen in named"
            ),
        ),
        (f"{_STATES}::test_what_came_back",),
    ),
    Guard(
        "resend-time-needs-the-rule",
        "The sweep would wake workers to resend whatever is unknown.",
        (
            Change(
                _STATE,
                "(payout.next_send_at or now) if may_send(facts, now, limits) else None",
                "payout.next_send_at or now",
            ),
        ),
        (f"{_STATES}::test_when_it_may_be_sent",),
    ),
    Guard(
        "paid-never-becomes-failed",
        "A payout that was paid could be replaced.",
        (
            Change(
                _STATUS,
                "PayoutStatus.PAID: frozenset({PayoutStatus.RETURNED}),",
                "PayoutStatus.PAID: frozenset({PayoutStatus.RETURNED, PayoutStatus.FAILED}),",
            ),
        ),
        (_MOVES,),
    ),
    Guard(
        "unknown-never-goes-back",
        "A payout that may be out could be queued as if nothing had happened.",
        (
            Change(
                _STATUS,
                "| {PayoutStatus.SENDING, PayoutStatus.REFUSED},\n    PayoutStatus.PROCESSING",
                "| {PayoutStatus.SENDING, PayoutStatus.REFUSED, PayoutStatus.QUEUED},\n"
                "    PayoutStatus.PROCESSING",
            ),
        ),
        ("tests/unit/payouts/test_status.py::test_what_may_be_exposed_is_never_withdrawn",),
    ),
)
