"""
Guards that hold sending back: what waited too long, the breaker, and a restored database.
"""

from tests.mutants.guard import Change, Guard

_CHANNEL = "worker/store/channels.py"
_STATE = "worker/payouts/policy/state.py"
_SWEEP = "tests/unit/usecases/test_maintenance.py"
_HEALTH = "tests/contract/test_health.py"
_RESTORE = "tests/unit/usecases/test_restore.py"
_STALE = "tests/unit/policy/test_controls.py"
_ACCEPT = "tests/unit/usecases/test_accept.py"
_DUPLICATES = "tests/contract/test_duplicates.py"
_ACCEPTED = "tests/contract/test_acceptance.py"

GUARDS = (
    Guard(
        "stale-payout-is-not-sent",
        "After a long pause a flood of payments would go out that nobody expects any more.",
        (
            Change(
                "worker/payouts/policy/may_send.py",
                "return not is_stale(facts.payout, now, limits)",
                "return True",
            ),
        ),
        (f"{_SWEEP}::test_a_stale_payout_is_not_sent_before_the_watch_finds_it",),
    ),
    Guard(
        "stale-payout-is-held",
        "A payout that may not be sent any more would wait in the queue, and nobody decide.",
        (Change(_STATE, "and is_stale(payout, now, limits):", "and False:"),),
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
        ("tests/unit/policy/test_circuit_breaker.py",),
    ),
    Guard(
        "open-breaker-stops-sending",
        "The breaker would open, and nothing stop.",
        (Change(_CHANNEL, " | (channels.c.broken_until > now)"),),
        (f"{_HEALTH}::test_the_breaker_stops_sending_for_its_rest",),
    ),
    Guard(
        "begin_epoch-stops-sending",
        "What a restored database calls queued would be sent before JD is asked about it.",
        (Change(_CHANNEL, "doubted.c.doubted_at >= doubted.c.accepted_at", "sa.false()"),),
        (f"{_HEALTH}::test_after_a_restore_nothing_is_sent_in_doubt",),
    ),
    Guard(
        "begin_epoch-lasts-until-the-answer",
        "Sending would go on before JD has answered for every payout in doubt.",
        (
            Change(
                _STATE,
                "doubted_at=payout.doubted_at if is_doubted(facts, limits) else None,",
                "doubted_at=None,",
            ),
        ),
        (f"{_RESTORE}::test_a_doubt_is_lifted_by_the_gaps_of_a_resend",),
    ),
    Guard(
        "epoch-is-asked-about",
        "A payout in doubt that was never sent would be asked about by nobody.",
        (
            Change(
                "worker/payouts/policy/next_query.py",
                "if _is_unheard(facts) or _is_puzzling(facts):",
                "if _is_puzzling(facts):",
            ),
            Change(
                "worker/payouts/policy/next_query.py",
                "if is_doubted(facts, limits):",
                "if False:",
            ),
        ),
        (f"{_SWEEP}::test_a_question_that_stays_unanswered_is_asked_on",),
    ),
    Guard(
        "review-list-is-asked",
        "A payee whom the merchant wants to look at first would be paid without a look.",
        (
            Change(
                "worker/usecases/accept.py",
                "for_review = needs_review(order, self._review_list)",
                "for_review = False",
            ),
        ),
        (f"{_ACCEPT}::test_a_payee_on_the_review_list_waits_for_a_person",),
    ),
    Guard(
        "review-list-is-asked-for-a-replacement",
        "Whoever may replace a payout could pay a payee whom nobody looked at.",
        (
            Change(
                "worker/usecases/operate.py",
                "for_review = needs_review(order, review_list)",
                "for_review = False",
            ),
        ),
        ("tests/integration/cli/test_replace.py::test_a_replacement_to_a_listed_payee_is_held",),
    ),
    Guard(
        "review-list-comes-from-the-settings",
        "The list would be read, checked and counted, and hold nothing.",
        (
            Change(
                "worker/acceptance.py",
                "settings.review_list,",
                "type(settings.review_list)(),",
            ),
        ),
        ("tests/integration/cli/test_enqueue.py::test_waiting_sees_that_it_is_held",),
    ),
    Guard(
        "held-at-acceptance",
        "What needs a look would be queued, and sent by the next sweep.",
        (Change("worker/store/acceptance.py", "if place in holds:", "if False:"),),
        (f"{_ACCEPTED}::test_what_needs_review_is_held_at_acceptance",),
    ),
    Guard(
        "duplicates-are-held",
        "A payment that was asked for twice, under two debts, would be paid twice.",
        (Change("worker/store/alike.py", "if not asked:", "if True:"),),
        (f"{_DUPLICATES}::test_the_second_is_held_with_a_case",),
    ),
    Guard(
        "duplicates-at-once-are-held",
        "Of two that come at the same time neither would see the other.",
        (
            Change(
                "worker/store/acceptance.py",
                "self._locks.numbers(conn, terms.customer_no, numbers, named)",
                "self._locks.numbers(conn, terms.customer_no, numbers)",
            ),
        ),
        (f"{_DUPLICATES}::test_of_many_at_once_one_is_queued[postgres]",),
    ),
    Guard(
        "duplicates-in-one-commit-are-held",
        "Of two in one commit neither would see the other.",
        (Change("worker/store/acceptance.py", "names |= {*alike}", "pass"),),
        (f"{_DUPLICATES}::test_what_is_held_counts",),
    ),
    Guard(
        "duplicates-are-compared-as-the-settings-say",
        "The span would be read and checked, and hold nothing.",
        (
            Change(
                "worker/acceptance.py",
                "duplicates_within=settings.duplicates_within",
                "duplicates_within=settings.duplicates_within * 0",
            ),
        ),
        ("tests/integration/cli/test_enqueue.py::test_what_was_asked_for_twice_is_held",),
    ),
    Guard(
        "held-at-acceptance-is-not-due",
        "Every sweep would wake a worker for what a person has to look at.",
        (
            Change(
                "worker/payouts/update.py",
                "version=payout.version + 1,\n        next_send_at=None,",
                "version=payout.version + 1,",
            ),
        ),
        (f"{_STALE}::test_what_is_held_for_review_is_not_due",),
    ),
    Guard(
        "review-is-decided",
        "Its case could be closed by looking, and a held payout wait where nobody sees it.",
        (
            Change(
                "worker/payouts/policy/actions.py",
                "if case.kind in HELD_BACK and held:",
                "if case.kind is CaseKind.STALE and held:",
            ),
        ),
        ("tests/unit/policy/test_actions.py::test_what_settles_a_case_as_things_stand",),
    ),
)
