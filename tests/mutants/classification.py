"""
Guards of belief: what a message must be, and whose, before it counts.
"""

from tests.mutants.guard import Change, Guard

_CLASSIFICATION = "worker/payouts/policy/classification.py"
_CLASSIFICATIONS = "tests/unit/policy/test_classification.py"
_ELSE = f"{_CLASSIFICATIONS}::test_what_names_something_else_is_no_evidence"
_DUPLICATE = f"{_CLASSIFICATIONS}::test_a_duplicate_answer"

GUARDS = (
    Guard(
        "evidence-is-verified",
        "Anyone who reaches the receiver could call a payout failed, and have it paid again.",
        (Change(_CLASSIFICATION, "if not answer.verified:", "if False:"),),
        (f"{_CLASSIFICATIONS}::test_nothing_unverified_says_anything",),
    ),
    Guard(
        "merchant-is-compared",
        "What another merchant's trade came to would count for ours.",
        (
            Change(
                _CLASSIFICATION, "answer.merchant not in {None, payout.terms.customer_no}", "False"
            ),
        ),
        (_ELSE,),
    ),
    Guard(
        "number-is-compared",
        "A close of another payout would fail this one, which may be paid.",
        (Change(_CLASSIFICATION, "answer.number not in {None, payout.out_trade_no}", "False"),),
        (_ELSE,),
    ),
    Guard(
        "amount-is-compared",
        "A payout of another amount than was ordered would be recorded as paid.",
        (Change(_CLASSIFICATION, "answer.amount_fen not in {None, payout.amount_fen}", "False"),),
        (_ELSE,),
    ),
    Guard(
        "currency-is-compared",
        "A hundred of another money would count for a hundred yuan.",
        (Change(_CLASSIFICATION, "answer.currency not in {None, payout.currency}", "False"),),
        (_ELSE,),
    ),
    Guard(
        "all-four-are-named",
        "A message that leaves out whose trade it tells of would settle ours.",
        (
            Change(
                _CLASSIFICATION,
                "return None not in (*named, answer.trade_status)",
                "return answer.trade_status is not None",
            ),
        ),
        (f"{_CLASSIFICATIONS}::test_a_trade_status_must_name_all_four",),
    ),
    Guard(
        "duplicate-without-us-is-a-stranger",
        "The status of someone else's trade under our number would count for ours.",
        (Change(_CLASSIFICATION, "if duplicate and tried_since is None:", "if False:"),),
        (_DUPLICATE,),
    ),
    Guard(
        "trade-older-than-ours-is-a-stranger",
        "A trade made before we sent anything would count for ours.",
        (Change(_CLASSIFICATION, "if _precedes(answer, tried_since):", "if False:"),),
        (_DUPLICATE,),
    ),
    Guard(
        "only-a-reply-refuses",
        "A question refused would pass for the payout refused, while JD has it.",
        (Change(_CLASSIFICATION, "return _absence(evidence)", "return Refusal(evidence)"),),
        (f"{_CLASSIFICATIONS}::test_only_the_reply_can_refuse",),
    ),
    Guard(
        "only-a-query-finds-nothing",
        "A not-found told before JD had looked would lead to a resend.",
        (
            Change(
                _CLASSIFICATION,
                "if is_refusal else Silent(evidence)",
                "if is_refusal else _absence(evidence)",
            ),
        ),
        (f"{_CLASSIFICATIONS}::test_only_a_query_can_find_nothing",),
    ),
    Guard(
        "absence-needs-its-question",
        "Without the moment of the question nobody knows what a not-found proves.",
        (
            Change(
                _CLASSIFICATION,
                "if meaning is Meaning.NOT_FOUND and evidence.asked_at is not None:",
                "if meaning is Meaning.NOT_FOUND:\n        assert evidence.received_at",
            ),
        ),
        (f"{_CLASSIFICATIONS}::test_an_absence_without_the_moment_of_its_question_is_silent",),
    ),
    Guard(
        "unclear-answer-is-no-refusal",
        "A system error would make a payout failed that JD may have booked.",
        (
            Change(
                "worker/payouts/evidence.py",
                "Meaning.BALANCE})",
                "Meaning.BALANCE, Meaning.UNCLEAR})",
            ),
        ),
        (f"{_CLASSIFICATIONS}::test_any_other_reply_refuses_nothing",),
    ),
    Guard(
        "taken-in-is-known",
        "A payout that JD has taken in would be sent again.",
        (
            Change(
                _CLASSIFICATION,
                "frozenset({Meaning.PROCESSED, Meaning.DUPLICATE",
                "frozenset({Meaning.DUPLICATE",
            ),
        ),
        (f"{_CLASSIFICATIONS}::test_a_reply_that_took_it_in_shows_that_jd_knows_it",),
    ),
    Guard(
        "part-that-came-back-is-not-all",
        "A payout of which one fen came back could be paid again in full.",
        (
            Change(
                _CLASSIFICATION,
                "if answer.refund_fen == payout.amount_fen:",
                "if answer.refund_fen:",
            ),
        ),
        ("tests/unit/policy/test_state.py::test_what_came_back",),
    ),
)
