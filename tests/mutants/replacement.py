"""
Guards of replacing: that no more is paid for an obligation than is owed.
"""

from tests.mutants.guard import Change, Guard

_OBLIGATION = "worker/payouts/policy/obligation.py"
_PROOF = "worker/payouts/policy/proof.py"
_ACTIONS = "worker/store/actions.py"
_UNIT = "tests/unit/policy/test_obligation.py"
_REPLACING = "tests/contract/test_replacement.py"
_DECIDED = "tests/contract/test_actions.py"

GUARDS = (
    Guard(
        "replacement-pays-what-is-left",
        "An obligation that was freed, and paid after all, would be paid twice.",
        (
            Change(
                _OBLIGATION, "if not found and order.amount_fen > left_fen(shares):", "if False:"
            ),
        ),
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
        (Change(_OBLIGATION, "if obligation != payout.obligation:", "if False:"),),
        (f"{_UNIT}::test_what_may_replace_a_withdrawn_payout",),
    ),
    Guard(
        "release-keeps-nothing-back",
        "An obligation of which a part is kept would be free to be paid whole.",
        (Change(_OBLIGATION, "if any(s.kept_fen for s in shares):", "if False:"),),
        (f"{_UNIT}::test_an_obligation_is_freed_only_if_nothing_of_it_is_kept",),
    ),
    Guard(
        "part-is-proven-by-its-amount",
        "A return of one amount would prove that another came back.",
        (Change(_PROOF, " if e.answer.refund_fen == payout.returned_fen"),),
        (f"{_UNIT}::test_what_proves_that_a_part_came_back",),
    ),
    Guard(
        "decision-of-people-asks-for-the-version",
        "A person would withdraw, on what was read a minute ago, a payout that is on the wire.",
        (
            Change(
                "worker/store/base.py",
                "payouts.c.version == before.version,",
            ),
        ),
        (f"{_DECIDED}::test_a_decision_about_what_has_changed_is_refused",),
    ),
    Guard(
        "case-is-closed-once",
        "Two people would act on one case, each in the belief to be the only one.",
        (
            Change(
                _ACTIONS,
                "cases.c.id == decision.case_id, cases.c.closed_at.is_(None)",
                "cases.c.id == decision.case_id",
            ),
        ),
        (f"{_DECIDED}::test_a_case_is_closed_once",),
    ),
    Guard(
        "obligation-is-freed-once",
        "A payout would be replaced twice, and both replacements paid.",
        (
            Change(
                "worker/payouts/policy/effects.py",
                "if payout.released_at is not None:",
                "if False:",
            ),
        ),
        (f"{_REPLACING}::test_a_replaced_payout_is_not_replaced_again",),
    ),
)
