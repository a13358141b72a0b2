"""
Guards of what people may decide, and of the proofs that free an obligation.
"""

from tests.mutants.guard import Change, Guard

_ACTIONS = "worker/payouts/policy/actions.py"
_PROOF = "worker/payouts/policy/proof.py"
_TESTS = "tests/unit/policy/test_actions.py"
_STATES = f"{_TESTS}::test_each_action_has_its_states"
_NOT_FREE = f"{_TESTS}::test_what_does_not"

GUARDS = (
    Guard(
        "open-case-stops-decisions",
        "Someone would free an obligation while another still looks into the payout.",
        (Change(_ACTIONS, "    if others:\n", "    if False:\n"),),
        (f"{_TESTS}::test_an_open_case_comes_first",),
    ),
    Guard(
        "waiting-evidence-stops-decisions",
        "Someone would free an obligation while JD's word of the payment lies in the ledger.",
        (
            Change(
                _ACTIONS,
                "if any(evidence.applied_at is None for evidence in dossier.evidence):",
                "if False:",
            ),
        ),
        (f"{_TESTS}::test_nothing_is_decided_while_evidence_waits",),
    ),
    Guard(
        "begin_epoch-stops-decisions",
        "Someone would withdraw what a restored database has forgotten to have sent.",
        (Change(_ACTIONS, "if facts.payout.doubted_at is not None:", "if False:"),),
        (f"{_TESTS}::test_nothing_is_decided_from_a_restored_row",),
    ),
    Guard(
        "only-the-unexposed-is-given-up",
        "A payout that JD may have would be called failed, and paid again.",
        (
            Change(
                _PROOF,
                "if facts.exposing or not facts.refusals or beyond(facts):",
                "if not facts.refusals:",
            ),
        ),
        (f"{_TESTS}::test_what_may_have_reached_jd_is_never_given_up",),
    ),
    Guard(
        "what-may-be-sent-again-is-not-free",
        "A refused payout would be sent again after its obligation was paid by another.",
        (Change(_ACTIONS, "if not facts.payout.status.is_final:", "if False:"),),
        (f"{_TESTS}::test_a_refusal_for_sure_is_proof_in_its_states",),
    ),
    Guard(
        "only-the-find_stale-is-withdrawn",
        "The obligation of a payout that is out would be freed, and paid again.",
        (Change(_ACTIONS, "_need(facts, PayoutStatus.QUEUED, PayoutStatus.HELD)"),),
        (_STATES,),
    ),
    Guard(
        "exposed-is-not-withdrawn",
        "A payout that JD may have would be taken for withdrawn.",
        (Change(_ACTIONS, "if facts.exposing or facts.trades:", "if False:"),),
        (f"{_TESTS}::test_what_may_have_reached_jd_is_never_withdrawn",),
    ),
    Guard(
        "only-the-refused-is-sent-again-by-hand",
        "A person could send again what has ended, and what another payout may pay by now.",
        (
            Change(
                _ACTIONS,
                "    _need(facts, PayoutStatus.REFUSED, otherwise=or_two_people(facts))\n",
            ),
        ),
        (f"{_TESTS}::test_a_refusal_for_sure_is_proof_in_its_states",),
    ),
    Guard(
        "close-counts-after-a-day",
        "A close that JD corrects the same day would free the obligation.",
        (Change(_PROOF, "last.as_of - first.as_of < CLOSED_TWICE_AFTER:", "False:"),),
        (_NOT_FREE,),
    ),
    Guard(
        "close-counts-by-query",
        "Two notifications, not asked for, would free the obligation.",
        (Change(_PROOF, "(e for e in closed if e.source is Source.QUERY)", "(e for e in closed)"),),
        (_NOT_FREE,),
    ),
    Guard(
        "close-beside-success-is-no-proof",
        "A payout that was paid, and closed twice, would be paid again.",
        (
            Change(
                _PROOF,
                "(e for e in told if not beyond(facts, TradeStatus.CLOS, e.as_of))",
                "(e for e in told)",
            ),
        ),
        (_NOT_FREE,),
    ),
    Guard(
        "return-counts-by-query",
        "A notified return would free the obligation before JD confirms it.",
        (
            Change(
                "worker/payouts/policy/facts.py",
                "told = (t for t in self.trades if t.evidence.source is Source.QUERY)",
                "told = (t for t in self.trades)",
            ),
        ),
        (_NOT_FREE,),
    ),
    Guard(
        "refusals-count-if-every-attempt-has-one",
        "The refusal of a resend would free what the first attempt paid.",
        (Change(_PROOF, "if facts.exposing or not facts.refusals or", "if not facts.refusals or"),),
        (_NOT_FREE,),
    ),
    Guard(
        "a-short-balance-frees-nothing",
        "JD may carry out later what it refused because our balance was short, and another pays.",
        (Change(_PROOF, "if last.answer.meaning is Meaning.BALANCE:", "if False:"),),
        (_NOT_FREE,),
    ),
    Guard(
        "refusal-counts-with-a-later-absence",
        "A refusal alone would free the obligation of a payout that JD has after all.",
        (
            Change(
                _PROOF,
                "if a.asked_at > refused_at)",
                "if a.asked_at)",
            ),
        ),
        (_NOT_FREE,),
    ),
)
