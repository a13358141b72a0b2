"""
Guards of replacing: that no more is paid for an obligation than is owed.
"""

from tests.mutants.guard import Change, Guard
from tests.mutants.store import ANY_VERSION

_OBLIGATION = "worker/payouts/policy/obligation.py"
_PROOF = "worker/payouts/policy/proof.py"
_ACTIONS = "worker/store/actions.py"
_DEBTS = "tests/unit/usecases/test_obligation.py"
_UNIT = "tests/unit/policy/test_obligation.py"
_REPLACING = "tests/contract/test_replacement.py"
_DECIDED = "tests/contract/test_actions.py"

GUARDS = (
    Guard(
        "replacement-pays-what-is-left",
        "An obligation that was freed, and paid after all, would be paid twice.",
        (Change(_OBLIGATION, "if not found and order.amount_fen > left:", "if False:"),),
        (f"{_REPLACING}::test_a_payout_that_was_freed_and_paid_after_all_counts",),
    ),
    Guard(
        "part-is-replaced-by-that-part",
        "For the one fen that came back the whole amount would be paid again.",
        (Change(_OBLIGATION, "if isinstance(amount_fen, int) and amount_fen >", "if 0 >"),),
        (f"{_UNIT}::test_what_may_replace_a_withdrawn_payout",),
    ),
    Guard(
        "replacement-pays-the-same-obligation",
        "Freeing one obligation would pay another a second time.",
        (
            Change(
                _OBLIGATION,
                "if not isinstance(obligation, str) or "
                "normalized(obligation) != normalized(payout.obligation):",
                "if False:",
            ),
        ),
        (f"{_UNIT}::test_what_may_replace_a_withdrawn_payout",),
    ),
    Guard(
        "job-fits-its-obligation",
        "An obligation of which a part is kept would be free to be paid whole.",
        (
            Change(
                _OBLIGATION,
                "if order.amount_fen > left:\n        raise",
                "if False:\n        raise",
            ),
        ),
        (f"{_UNIT}::test_a_job_fits_its_obligation",),
    ),
    Guard(
        "released-payouts-count-with-what-is-kept",
        "A payout that was freed, and paid after all, would not count.",
        (
            Change(
                _OBLIGATION,
                "may_keep_fen(d) if d.payout.released_at is not None else d.payout.amount_fen",
                "0 if d.payout.released_at is not None else d.payout.amount_fen",
            ),
        ),
        (
            f"{_UNIT}::test_what_is_left_to_pay",
            f"{_DEBTS}::test_a_split_whose_part_was_released_and_paid_after_all",
        ),
    ),
    Guard(
        "latest-query-says-what-came-back",
        "A return that JD has taken back would be paid again.",
        (
            Change(
                "worker/payouts/policy/facts.py",
                "return max(told, key=lambda t: (t.evidence.as_of, t.evidence.id), default=None)",
                "return max(told, key=lambda t: t.evidence.answer.refund_fen or 0, default=None)",
            ),
            Change(_PROOF, "if beyond(facts, TradeStatus.REFU, last.evidence.as_of):", "if False:"),
        ),
        (f"{_UNIT}::test_what_a_payee_may_keep",),
    ),
    Guard(
        "claim-asks-the-debt-again",
        "A late success of a released payout would be paid a second time by its replacement.",
        (Change("worker/store/claims.py", "if not isinstance(coverage, Covered):", "if False:"),),
        (f"{_DEBTS}::test_a_late_success_stops_the_payout_that_pays_instead",),
    ),
    Guard(
        "claim-asks-jd-about-older-payouts",
        "A payout freed on an old word would be paid beside its replacement.",
        (
            Change(
                _OBLIGATION,
                "return AskFirst(tuple(stale)) if stale else Covered()",
                "return Covered()",
            ),
        ),
        (f"{_DEBTS}::test_an_old_word_is_asked_for_again_before_the_first_send",),
    ),
    Guard(
        "claim-asks-jd-about-refused-payouts",
        "A payout that JD refused, and paid after all, would be paid again.",
        (Change(_OBLIGATION, "is not None and d.attempts]", "is not None and d.payout.exposed]"),),
        (f"{_DEBTS}::test_jd_is_asked_about_a_refused_payout_too",),
    ),
    Guard(
        "release-asks-jd-anew",
        "An obligation would be freed on what JD said a day ago.",
        (
            Change(
                _ACTIONS,
                "                check_fresh(dossier, now)\n                commit_fen(",
                "                commit_fen(",
            ),
        ),
        (f"{_DEBTS}::test_nothing_is_freed_on_an_old_word",),
    ),
    Guard(
        "replacement-asks-jd-anew",
        "A payout would be replaced on what JD said a day ago.",
        (
            Change(
                _ACTIONS,
                "\n            check_fresh(dossier, now)\n            check_replacement",
                "\n            check_replacement",
            ),
        ),
        (f"{_DEBTS}::test_nothing_is_freed_on_an_old_word",),
    ),
    Guard(
        "decision-of-people-asks-for-the-version",
        "A person would withdraw, on what was read a minute ago, a payout that is on the wire.",
        ANY_VERSION,
        (f"{_DECIDED}::test_a_decision_about_what_has_changed_is_refused",),
    ),
    Guard(
        "case-is-closed-once",
        "Two people would act on one case, each in the belief to be the only one.",
        (
            Change(
                "worker/store/decisions.py",
                "cases.c.id == case_id, cases.c.closed_at.is_(None)",
                "cases.c.id == case_id, sa.true()",
            ),
        ),
        (f"{_DECIDED}::test_a_case_is_closed_once",),
    ),
    Guard(
        "obligation-is-freed-once",
        "A debt that another payout holds by now would be freed a second time.",
        (Change("worker/payouts/policy/effects.py", "if action is Action.RELEASE:", "if False:"),),
        ("tests/contract/test_actions.py::test_releasing_frees_the_obligation_once",),
    ),
)
