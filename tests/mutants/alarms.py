"""
Guards that stop sending, call a person, or ask JD once more.
"""

from tests.mutants.guard import Change, Guard

_POLICY = "worker/payouts/policy/state.py"
_CASES = "worker/payouts/policy/cases.py"
_ASKING = "worker/payouts/policy/next_query.py"
_TESTS = "tests/unit/payouts"
_POLICIES = f"{_TESTS}/test_policy.py"
_CASEBOOK = f"{_TESTS}/test_casebook.py"
_PAUSE = f"{_POLICIES}::test_our_own_faults_stop_the_channel"
_ASKED = f"{_TESTS}/test_asking.py::test_the_next_query"

GUARDS = (
    Guard(
        "channel-fault-pauses",
        "With a wrong key or certificate every payout would be sent into the same refusal.",
        (Change(_POLICY, "frozenset({Meaning.CHANNEL, Meaning.BALANCE})", "{Meaning.BALANCE}"),),
        (_PAUSE,),
    ),
    Guard(
        "empty-balance-pauses",
        "Payouts would go on being closed for a balance that nobody tops up.",
        (Change(_POLICY, "frozenset({Meaning.CHANNEL, Meaning.BALANCE})", "{Meaning.CHANNEL}"),),
        (_PAUSE,),
    ),
    Guard(
        "short-close-pauses",
        "Each further payout would be closed for the same small balance.",
        (Change(_POLICY, "if _is_short(evidence) and not any(", "if False and not any("),),
        (f"{_POLICIES}::test_a_balance_that_was_short_fails_the_payout_and_stops_the_channel",),
    ),
    Guard(
        "unverifiable-answers-are-counted",
        "Sending would go on while nobody can read what JD answers.",
        (
            Change(
                _POLICY,
                "tuple(e.answer.verified for e in waiting if e.source is not Source.NOTIFICATION)",
                "()",
            ),
        ),
        (f"{_POLICIES}::test_answers_that_do_not_verify_are_counted",),
    ),
    Guard(
        "contradiction-opens-a-case",
        "A payout closed and paid could be replaced without anybody looking.",
        (Change(_CASES, "if closed and paid:", "if False:"),),
        (f"{_CASEBOOK}::test_a_contradiction",),
    ),
    Guard(
        "vanished-trade-opens-a-case",
        "A trade that JD has lost would pass for an ordinary one.",
        (Change(_CASES, "if a.asked_at > known_since", "if False"),),
        (f"{_CASEBOOK}::test_a_trade_that_vanished",),
    ),
    Guard(
        "second-trade-number-opens-a-case",
        "JD may have booked the payout twice, and nobody would look.",
        (Change(_CASES, "yield from _first(CaseKind.SECOND_TRADE_NO, others)", "yield from ()"),),
        (f"{_CASEBOOK}::test_a_second_trade_number",),
    ),
    Guard(
        "taken-number-opens-a-case",
        "A payout whose number somebody else used would be sent again under it.",
        (
            Change(
                _CASES,
                "*_first(CaseKind.NUMBER_TAKEN, (b.evidence.id for b in reading.taken)),",
            ),
        ),
        (f"{_CASEBOOK}::test_a_number_that_somebody_else_used",),
    ),
    Guard(
        "mismatch-opens-a-case",
        "JD may have paid another amount, and sending would go on.",
        (
            Change(
                _CASES,
                "*_first(CaseKind.MISMATCH, (b.evidence.id for b in reading.mismatches)),",
            ),
        ),
        (f"{_CASEBOOK}::test_a_signed_mismatch",),
    ),
    Guard(
        "end-of-resends-opens-a-case",
        "A payout that never arrived would wait for ever, and the payee with it.",
        (
            Change(
                _CASES,
                "if absent is not None and not may_resend(reading, now, rules):",
                "if False:",
            ),
        ),
        (f"{_CASEBOOK}::test_an_absence_that_may_not_be_sent_again",),
    ),
    Guard(
        "notified-end-is-asked-about",
        "An end that a notification told would stand without JD's answer to a question of ours.",
        (
            Change(
                _ASKING,
                "if not _is_confirmed(reading, status, settled_at):",
                "if False:",
            ),
        ),
        (_ASKED,),
    ),
    Guard(
        "paid-is-watched",
        "Money that the bank sends back would lie unnoticed when its notification is lost.",
        (
            Change(
                _ASKING,
                "return rules.schedule.after_success(settled_at, answered_at)",
                "return None",
            ),
        ),
        (_ASKED,),
    ),
)
