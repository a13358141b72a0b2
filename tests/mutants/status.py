"""
Guards of the status: what all that is known makes of a payout.
"""

from tests.mutants.guard import Change, Guard

_READING = "worker/payouts/policy/facts.py"
_POLICY = "worker/payouts/policy/state.py"
_STATUS = "worker/payouts/status.py"
_TESTS = "tests/unit/payouts"
_READINGS = f"{_TESTS}/test_reading.py"
_POLICIES = f"{_TESTS}/test_policy.py"
_MOVES = f"{_TESTS}/test_status.py::test_the_table_of_moves"

GUARDS = (
    Guard(
        "attempt-exposes",
        "A payout whose request may have arrived would be queued and sent again.",
        (
            Change(
                _READING,
                "if a.outcome is not AttemptOutcome.NOT_CONNECTED and",
                "if a.outcome is AttemptOutcome.ANSWERED and",
            ),
        ),
        (f"{_READINGS}::test_an_attempt_exposes_unless_it_provably_did_not",),
    ),
    Guard(
        "refusal-is-of-one-attempt",
        "A refused resend would make failed what the first attempt paid.",
        (Change(_READING, "and a.id not in refused", "and not refused"),),
        (f"{_READINGS}::test_a_refusal_takes_back_its_own_attempt_only",),
    ),
    Guard(
        "later-attempt-explains-nothing",
        "A number that was taken before we sent it would pass for ours after a resend.",
        (
            Change(
                _READING,
                "all(attempt.id >= answered for attempt in exposing)",
                "not exposing",
            ),
        ),
        (f"{_READINGS}::test_a_later_attempt_does_not_make_an_early_duplicate_ours",),
    ),
    Guard(
        "highest-evidence-counts",
        "A processing that arrives late would undo paid, and the payout would be asked for again.",
        (
            Change(
                _READING,
                "max(self.trades, key=lambda t: (t.status.rank, -t.evidence.id), default=None)",
                "self.trades[-1] if self.trades else None",
            ),
        ),
        (f"{_READINGS}::test_the_top_is_the_highest_ever_evidenced",),
    ),
    Guard(
        "refusal-needs-no-exposure",
        "A payout would be failed by the refusal of its second attempt while its first is paid.",
        (Change(_POLICY, "if reading.refusals and not reading.exposing:", "if reading.refusals:"),),
        (f"{_POLICIES}::test_how_an_attempt_ends",),
    ),
    Guard(
        "trade-outranks-refusal",
        "A refusal would hide a trade that JD told us of.",
        (
            Change(
                _POLICY,
                "max(found, key=lambda verdict: verdict[0].rank, default=None)",
                "found[-1] if found else None",
            ),
        ),
        (f"{_POLICIES}::test_a_refusal_and_a_trade_in_either_order",),
    ),
    Guard(
        "status-never-falls",
        "Evidence lower than what was reached would reopen a payout that has ended.",
        (
            Change(
                _POLICY,
                "if found[0].rank < payout.status.rank and payout.status is not "
                "PayoutStatus.UNKNOWN:",
                "if False:",
            ),
        ),
        (f"{_POLICIES}::test_a_trade_status_moves_every_status_up_and_none_down",),
    ),
    Guard(
        "no-answer-is-unknown",
        "A request that timed out would go back into the queue and be sent again.",
        (
            Change(
                _POLICY,
                "return _unknown(reading) if reading.exposing else _UNSENT",
                "return _UNSENT",
            ),
        ),
        (f"{_POLICIES}::test_how_an_attempt_ends",),
    ),
    Guard(
        "exposure-is-written-down",
        "Nothing in the row would tell that the payout may be out.",
        (Change(_POLICY, "exposed=bool(reading.exposing),", "exposed=False,"),),
        (f"{_POLICIES}::test_exposure_is_written_down",),
    ),
    Guard(
        "what-came-back-never-falls",
        "A smaller return that arrives late would hide a part that came back.",
        (Change(_POLICY, "return max([payout", "return (lambda named: named[-1])([payout"),),
        (f"{_POLICIES}::test_what_came_back",),
    ),
    Guard(
        "no-more-came-back-than-was-paid",
        "A return of more than was paid would be paid out again.",
        (
            Change(
                _POLICY, "fen for fen in named if fen <= payout.amount_fen", "fen for fen in named"
            ),
        ),
        (f"{_POLICIES}::test_what_came_back",),
    ),
    Guard(
        "resend-time-needs-the-rule",
        "The sweep would wake workers to resend whatever is unknown.",
        (
            Change(
                _POLICY,
                "(payout.next_send_at or now) if may_send(reading, now, rules) else None",
                "payout.next_send_at or now",
            ),
        ),
        (f"{_POLICIES}::test_when_it_may_be_sent",),
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
        (f"{_TESTS}/test_status.py::test_what_may_be_exposed_is_never_withdrawn",),
    ),
)
