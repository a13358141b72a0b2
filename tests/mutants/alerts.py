"""
Guards that stop sending, call a person, or ask JD once more.
"""

from tests.mutants.guard import Change, Guard

_STATE = "worker/payouts/policy/state.py"
_CASES = "worker/payouts/policy/cases.py"
_NEXT_QUERY = "worker/payouts/policy/next_query.py"
_STATES = "tests/unit/policy/test_state.py"
_OPENED = "tests/unit/policy/test_cases.py"
_PAUSE = f"{_STATES}::test_our_own_faults_stop_the_channel"
_ASKED = "tests/unit/policy/test_next_query.py::test_the_next_query"

GUARDS = (
    Guard(
        "channel-fault-pauses",
        "With a wrong key or certificate every payout would be sent into the same refusal.",
        (Change(_STATE, "frozenset({Meaning.CHANNEL, Meaning.BALANCE})", "{Meaning.BALANCE}"),),
        (_PAUSE,),
    ),
    Guard(
        "empty-balance-pauses",
        "Payouts would go on being closed for a balance that nobody tops up.",
        (Change(_STATE, "frozenset({Meaning.CHANNEL, Meaning.BALANCE})", "{Meaning.CHANNEL}"),),
        (_PAUSE,),
    ),
    Guard(
        "short-close-pauses",
        "Each further payout would be closed for the same small balance.",
        (Change(_STATE, "if _is_short(evidence) and not any(", "if False and not any("),),
        (f"{_STATES}::test_a_balance_that_was_short_fails_the_payout_and_stops_the_channel",),
    ),
    Guard(
        "unverifiable-answers-are-counted",
        "Sending would go on while nobody can read what JD answers.",
        (
            Change(
                _STATE,
                "tuple(e.answer.verified for e in waiting if e.source is not Source.NOTIFICATION)",
                "()",
            ),
        ),
        (f"{_STATES}::test_answers_that_do_not_verify_are_counted",),
    ),
    Guard(
        "contradiction-opens-a-case",
        "A payout closed and paid could be replaced without anyone looking.",
        (Change(_CASES, "_changing(facts, (*closed, *more)) if more else ()", "()"),),
        (f"{_OPENED}::test_a_contradiction",),
    ),
    Guard(
        "vanished-trade-opens-a-case",
        "A trade that JD has lost would pass for an ordinary one.",
        (Change(_CASES, "if a.asked_at > known_since", "if False"),),
        (f"{_OPENED}::test_a_trade_that_vanished",),
    ),
    Guard(
        "second-trade-number-opens-a-case",
        "JD may have booked the payout twice, and nobody would look.",
        (Change(_CASES, "*_newest(CaseKind.SECOND_TRADE_NO, second_numbers(facts)),"),),
        (f"{_OPENED}::test_a_second_trade_number",),
    ),
    Guard(
        "taken-number-opens-a-case",
        "A payout whose number someone else used would be sent again under it.",
        (Change(_CASES, "*_newest(CaseKind.NUMBER_TAKEN, (b.evidence for b in facts.taken)),"),),
        (f"{_OPENED}::test_a_number_that_somebody_else_used",),
    ),
    Guard(
        "mismatch-opens-a-case",
        "JD may have paid another amount, and sending would go on.",
        (Change(_CASES, "*_newest(CaseKind.MISMATCH, (b.evidence for b in facts.mismatches)),"),),
        (f"{_OPENED}::test_a_signed_mismatch",),
    ),
    Guard(
        "end-of-resends-opens-a-case",
        "A payout that never arrived would wait forever, and the payee with it.",
        (
            Change(
                _CASES,
                "if absent is not None and not may_resend(facts, now, limits):",
                "if False:",
            ),
        ),
        (f"{_OPENED}::test_an_absence_that_may_not_be_sent_again",),
    ),
    Guard(
        "notified-end-is-asked-about",
        "An end that a notification told would stand without JD's answer to a question of ours.",
        (
            Change(
                _NEXT_QUERY,
                "if not _is_confirmed(facts, status, finalized_at):",
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
                _NEXT_QUERY,
                "return limits.schedule.after_success(finalized_at, facts.answered_at)",
                "return None",
            ),
        ),
        (_ASKED,),
    ),
)
