"""
Guards that hold sending back: what waited too long, the breaker, and a restored database.
"""

from tests.mutants.guard import Change, Guard

_CHANNEL = "worker/store/channel.py"
_POLICY = "worker/payouts/policy/state.py"
_WATCH = "tests/unit/payouts/test_watch.py"
_WATCHING = "tests/contract/test_watching.py"
_STALE = "tests/unit/payouts/test_staleness.py"

GUARDS = (
    Guard(
        "stale-payout-is-not-sent",
        "After a long pause a flood of payments would go out that nobody expects any more.",
        (
            Change(
                "worker/payouts/policy/may_send.py", " and not is_stale(reading.payout, now, rules)"
            ),
        ),
        (f"{_WATCH}::test_a_stale_payout_is_not_sent_before_the_watch_finds_it",),
    ),
    Guard(
        "stale-payout-is-held",
        "A payout that may not be sent any more would wait in the queue, and nobody decide.",
        (Change(_POLICY, "and is_stale(payout, now, rules):", "and False:"),),
        (f"{_STALE}::test_a_stale_payout_is_held_for_a_person",),
    ),
    Guard(
        "breaker-opens",
        "Payout after payout would be sent into a storm, and end as unknown.",
        (
            Change(
                "worker/payouts/policy/circuit_breaker.py",
                "return enough and",
                "return not enough and",
            ),
        ),
        ("tests/unit/payouts/test_breaker.py",),
    ),
    Guard(
        "open-breaker-stops-sending",
        "The breaker would open, and nothing stop.",
        (Change(_CHANNEL, " | (channels.c.broken_until > now)"),),
        (f"{_WATCHING}::test_the_breaker_stops_sending_for_its_rest",),
    ),
    Guard(
        "restore-is-noticed",
        "A database that has forgotten what was sent would have it sent again.",
        (Change("worker/usecases/watch.py", "if seen > counted:", "if False:"),),
        (f"{_WATCH}::test_a_database_that_went_back_is_noticed",),
    ),
    Guard(
        "doubt-stops-sending",
        "What a restored database calls queued would be sent before JD is asked about it.",
        (Change(_CHANNEL, "doubted.c.doubted_at.is_not(None)", "sa.false()"),),
        (f"{_WATCHING}::test_after_a_restore_nothing_is_sent_in_doubt",),
    ),
    Guard(
        "doubt-lasts-until-the-answer",
        "Sending would go on before JD has answered for every payout in doubt.",
        (
            Change(
                _POLICY,
                "doubted_at=payout.doubted_at if is_doubted(reading) else None,",
                "doubted_at=None,",
            ),
        ),
        (f"{_WATCH}::test_jd_is_asked_before_anything_is_sent_in_doubt",),
    ),
    Guard(
        "doubt-is-asked-about",
        "A payout in doubt that was never sent would be asked about by nobody.",
        (
            Change(
                "worker/payouts/policy/next_query.py",
                "if is_doubted(reading) or _is_puzzling(reading):",
                "if _is_puzzling(reading):",
            ),
        ),
        (f"{_WATCH}::test_a_question_that_stays_unanswered_is_asked_on",),
    ),
)
