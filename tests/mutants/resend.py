"""
Guards of the right to send, and to send again.
"""

from tests.mutants.guard import Change, Guard

_RESEND = "worker/payouts/policy/may_send.py"
_DENIED = "worker/payouts/policy/absence.py"
_LIMITS = "worker/payouts/limits.py"
_SETTINGS = "worker/settings.py"
_TESTS = "tests/unit/policy/test_may_send.py"
_SIGNS = f"{_TESTS}::test_any_sign_of_a_trade_forbids_it"
_REFUSED = f"{_TESTS}::test_a_refused_payout_goes_again_when_an_operator_made_it_due"
_SETTING = "tests/unit/test_settings.py::test_a_setting_that_would_hurt_is_refused"

_ABSENT = "absent is not None"
_ALLOWED = "may_resend(facts, now, limits)"

GUARDS = (
    Guard(
        "open-case-stops-sending",
        "A payout that a person still looks into would be sent meanwhile.",
        (Change(_RESEND, "if facts.dossier.open_cases or beyond(facts)", "if beyond(facts)"),),
        (f"{_TESTS}::test_an_open_case_stops_all_sending",),
    ),
    Guard(
        "known-trade-stops-a-queued-payout",
        "After a restore a payout that JD has already paid would be sent.",
        (
            Change(
                _RESEND,
                "open_cases or beyond(facts)",
                "open_cases or (\n        "
                "facts.payout.status is not PayoutStatus.QUEUED and beyond(facts)\n    )",
            ),
        ),
        (f"{_TESTS}::test_a_trade_that_is_known_stops_a_queued_payout",),
    ),
    Guard(
        "refused-waits-for-an-operator",
        "What JD refused for our fault would be sent again and again.",
        (Change(_RESEND, "wanted = facts.payout.next_send_at is not None", "wanted = True"),),
        (f"{_TESTS}::test_what_may_be_sent_by_itself",),
    ),
    Guard(
        "known-trade-stops-a-refused-payout",
        "A payout that was booked although refused would be booked again.",
        (
            Change(
                _RESEND,
                "open_cases or beyond(facts)",
                "open_cases or (\n        "
                "facts.payout.status is not PayoutStatus.REFUSED and beyond(facts)\n    )",
            ),
        ),
        (_REFUSED,),
    ),
    Guard(
        "resend-needs-proven-absence",
        "Whatever timed out would be sent a second time.",
        (Change(_RESEND, f"{_ABSENT} and {_ALLOWED}", _ALLOWED),),
        (f"{_TESTS}::test_what_may_be_sent_by_itself",),
    ),
    Guard(
        "resend-needs-the-rule",
        "Resends would have neither limit nor window.",
        (Change(_RESEND, f"{_ABSENT} and {_ALLOWED}", _ABSENT),),
        (f"{_TESTS}::test_a_resend_has_its_window", f"{_TESTS}::test_resends_are_limited"),
    ),
    Guard(
        "no-other-status-sends",
        "A payout that JD works on, or has paid, would be sent again.",
        (Change(_RESEND, "case _:\n            return False", "case _:\n            return True"),),
        (f"{_TESTS}::test_absence_allows_nothing_but_a_resend_from_unknown",),
    ),
    Guard(
        "trade-contradicts-absence",
        "Two not-found answers would outweigh JD's word that it has the payout.",
        (
            Change(
                "worker/payouts/policy/signs.py",
                "shown = [trade.evidence for trade in facts.trades]",
                "shown: list[Evidence] = []",
            ),
        ),
        (_SIGNS,),
    ),
    Guard(
        "no-result-contradicts-absence",
        "What only JD's support can explain would pass for not found.",
        (Change(_DENIED, "if ended is None or facts.no_results:", "if ended is None:"),),
        (_SIGNS,),
    ),
    Guard(
        "every-gap-has-its-answer",
        "One not-found answer, perhaps too early, would be enough to send again.",
        (Change(_DENIED, "for gap in limits.resend_gaps:", "for gap in limits.resend_gaps[:1]:"),),
        (f"{_TESTS}::test_absent_means_said_often_and_late_enough",),
    ),
    Guard(
        "asked-long-enough-after-the-lease",
        "JD would be asked before a request that is under way can have arrived.",
        (Change(_DENIED, "max(earliest, ended + gap)", "max(earliest, ended)"),),
        (f"{_TESTS}::test_absent_means_said_often_and_late_enough",),
    ),
    Guard(
        "question-counts-not-its-answer",
        "A late answer to a question from before the sending would count.",
        (
            Change(
                _DENIED, "absent.asked_at >= earliest", "absent.evidence.received_at >= earliest"
            ),
        ),
        (f"{_TESTS}::test_a_late_answer_to_an_early_question_does_not_count",),
    ),
    Guard(
        "answers-lie-apart",
        "Two answers in one breath would count as two looks.",
        (Change(_DENIED, "told.asked_at + limits.resend_gaps[0]", "told.asked_at"),),
        (f"{_TESTS}::test_two_answers_in_one_breath_are_one",),
    ),
    Guard(
        "mismatch-forbids-a-resend",
        "A number under which JD booked something else would be sent again.",
        (
            Change(
                "worker/payouts/policy/signs.py",
                "odd += [mismatch.evidence for mismatch in facts.mismatches]",
            ),
        ),
        (_SIGNS,),
    ),
    Guard(
        "known-number-forbids-a-resend",
        "A number that JD once said it knows would be sent again.",
        (
            Change(
                "worker/payouts/policy/signs.py",
                "shown += [known.evidence for known in facts.known]",
            ),
        ),
        (_SIGNS,),
    ),
    Guard(
        "taken-number-forbids-a-resend",
        "A number that someone else used would be sent again.",
        (
            Change(
                "worker/payouts/policy/signs.py",
                "odd = [taken.evidence for taken in facts.taken]",
                "odd: list[Evidence] = []",
            ),
        ),
        (f"{_TESTS}::test_a_number_that_somebody_else_used_is_never_sent_again",),
    ),
    Guard(
        "resends-are-limited",
        "Should JD not deduplicate as it says, each resend would pay once more.",
        (Change(_RESEND, "_transmissions(facts.dossier) <= limits.resend_limit", "True"),),
        (f"{_TESTS}::test_resends_are_limited",),
    ),
    Guard(
        "resends-end-with-the-window",
        "JD promises nothing about a number that was first sent days ago.",
        (Change(_RESEND, "now - payout.first_sent_at <= limits.resend_window", "True"),),
        (f"{_TESTS}::test_a_resend_has_its_window",),
    ),
    Guard(
        "lease-outlasts-the-deadline",
        "A lease could end, and another worker send, while the request is still on the wire.",
        (
            Change(
                _LIMITS,
                "return self.http_deadline + self.lease_margin",
                "return self.http_deadline",
            ),
        ),
        ("tests/unit/test_settings.py::test_durations_carry_their_unit",),
    ),
    Guard(
        "two-gaps-at-least",
        "A setting could make one not-found answer enough for a resend.",
        (Change("worker/setting_types.py", "if len(gaps) < 2 or", "if"),),
        (_SETTING,),
    ),
    Guard(
        "no-setting-lifts-the-limit",
        "A setting could allow any number of resends.",
        (
            Change(
                _SETTINGS,
                "default=_LIMITS.resend_limit, ge=0, le=2",
                "default=_LIMITS.resend_limit",
            ),
        ),
        (_SETTING,),
    ),
)
