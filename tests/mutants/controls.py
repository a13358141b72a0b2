"""
Guards that hold sending back: what waited too long, the breaker, and a restored database.
"""

from tests.mutants.guard import Change, Guard

_CHANNEL = "worker/store/channels.py"
_STATE = "worker/payouts/policy/state.py"
_SWEEP = "tests/unit/usecases/test_maintenance.py"
_HEALTH = "tests/contract/test_health.py"
_EPOCHS = "worker/usecases/epochs.py"
_RESTORE = "tests/unit/usecases/test_restore.py"
_DOUBT = "worker/payouts/policy/restore.py"
_STALE = "tests/unit/policy/test_controls.py"
_ACCEPT = "tests/unit/usecases/test_accept.py"
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
        "restore-is-noticed",
        "A database that has forgotten what was sent would have it sent again.",
        (Change(_EPOCHS, "if self._ledger.has_forgotten(known):", "if False:"),),
        (f"{_RESTORE}::test_a_database_that_has_counted_less_was_restored",),
    ),
    Guard(
        "claims-are-marked",
        "A failover that lost a claim and no sweep would have the number sent again.",
        (Change(_EPOCHS, "        if forgotten:", "        if False:"),),
        (f"{_RESTORE}::test_a_claim_that_a_failover_lost_is_noticed_before_the_next_one_is_sent",),
    ),
    Guard(
        "no-mark-no-sending",
        "A failover while the broker is away would have the number sent again.",
        (Change(_EPOCHS, 'raise NotSent("no_high_water_mark") from away', "return"),),
        (f"{_RESTORE}::test_without_its_mark_nothing_is_sent",),
    ),
    Guard(
        "tokens-tell-attempts-apart",
        "Attempts of a forgotten history have the numbers of later ones, and would pass for them.",
        (
            Change(
                "worker/store/health.py",
                '        attempts.c.lease_token == sa.bindparam("token", type_=sa.String),\n',
                "",
            ),
        ),
        (f"{_RESTORE}::test_a_larger_batch_does_not_hide_the_claims_that_were_lost",),
    ),
    Guard(
        "epochs-have-names",
        "After one restore each claim would be taken for the first after another.",
        (Change("worker/store/health.py", "uid=self._new_token(),", "uid=installation.c.uid,"),),
        (f"{_RESTORE}::test_what_was_found_once_is_not_found_again",),
    ),
    Guard(
        "mark-never-goes-down",
        "One sweep of the restored database would hide that it was restored.",
        (
            Change(
                "worker/broker/high_water_mark.py",
                "if number(ARGV[1]) > number(known[1]) then",
                "if true then",
            ),
        ),
        ("tests/integration/broker/test_high_water_mark.py::test_it_never_goes_down",),
    ),
    Guard(
        "repeated-job-is-asked-about",
        "A job that the backup lacks would be repeated, and paid a second time.",
        (Change("worker/store/acceptance.py", "doubted_at=restored_at,", "doubted_at=None,"),),
        (f"{_RESTORE}::test_a_job_that_the_backup_lacks_is_asked_about_before_it_is_sent",),
    ),
    Guard(
        "a-new-doubt-stops-its-payout",
        "What JD is asked about first would be sent meanwhile.",
        (
            Change("worker/payouts/policy/may_send.py", " or is_doubted(facts, limits):", ":"),
            Change("worker/store/due_work.py", "        payouts.c.doubted_at.is_(None),\n", ""),
        ),
        (f"{_RESTORE}::test_a_job_that_the_backup_lacks_is_asked_about_before_it_is_sent",),
    ),
    Guard(
        "a-new-doubt-stops-nobody-else",
        "For a week after a restore each new payout would hold up all the others.",
        (
            Change(
                _CHANNEL,
                "doubted.c.doubted_at >= doubted.c.accepted_at,",
                "doubted.c.doubted_at.is_not(None),",
            ),
        ),
        (f"{_HEALTH}::test_after_a_restore_a_new_payout_is_in_doubt_alone",),
    ),
    Guard(
        "doubt-lasts-for-the-gaps",
        "A request of a forgotten claim, still under way, would be sent a second time.",
        (
            Change(
                _DOUBT,
                "return bool(beyond(facts)) or proven_absent(facts, _forgotten(since, limits),"
                " limits) is None",
                "return bool(beyond(facts)) or not facts.absences",
            ),
        ),
        (f"{_RESTORE}::test_a_doubt_is_lifted_by_the_gaps_of_a_resend",),
    ),
    Guard(
        "doubt-counts-from-the-last-lease",
        "Two early answers would send again what a forgotten claim is still sending.",
        (Change(_DOUBT, "return since + limits.lease", "return since"),),
        (f"{_RESTORE}::test_a_doubt_is_lifted_by_the_gaps_of_a_resend",),
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
                "worker/service.py",
                "settings.terms, settings.review_list",
                "settings.terms, type(settings.review_list)()",
            ),
        ),
        ("tests/integration/cli/test_enqueue.py::test_waiting_sees_that_it_is_held",),
    ),
    Guard(
        "held-at-acceptance",
        "What needs a look would be queued, and sent by the next sweep.",
        (Change("worker/store/acceptance.py", "if for_review:", "if False:"),),
        (f"{_ACCEPTED}::test_what_needs_review_is_held_at_acceptance",),
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
                "frozenset({CaseKind.STALE, CaseKind.REVIEW})",
                "frozenset({CaseKind.STALE})",
            ),
        ),
        ("tests/unit/policy/test_actions.py::test_what_settles_a_case_as_things_stand",),
    ),
)
