"""
Guards of what two people decide on proof from outside.
"""

from tests.mutants.guard import Change, Guard

_TWO = "worker/payouts/policy/two_people.py"
_POLICY = "worker/payouts/policy/outside_proof.py"
_SIGNS = "worker/payouts/policy/signs.py"
_STORE = "worker/store/proposals.py"
_TESTS = "tests/contract/test_proposals.py"

GUARDS = (
    Guard(
        "a-decision-waits-a-day",
        "A payout would be called failed and paid again while JD's own word is on its way.",
        (Change(_POLICY, "    if now < earliest:\n", "    if False:\n"),),
        (f"{_TESTS}::test_it_waits_for_a_day_and_a_fresh_answer",),
    ),
    Guard(
        "a-decision-takes-a-fresh-answer",
        "Two people would decide without JD's latest word, which may be that it is paid.",
        (Change(_POLICY, "if heard is not None and now - heard <= FRESH_WITHIN:", "if True:"),),
        (f"{_TESTS}::test_it_waits_for_a_day_and_a_fresh_answer",),
    ),
    Guard(
        "nothing-is-decided-while-it-is-under-way",
        "A payout would be called failed while a worker sends it.",
        (
            Change(
                _POLICY,
                "if payout.lease_until is not None or payout.status is PayoutStatus.SENDING:",
                "if False:",
            ),
        ),
        (f"{_TESTS}::test_it_waits_for_a_day_and_a_fresh_answer",),
    ),
    Guard(
        "what-jd-has-told-is-not-taken-back",
        "What JD calls paid would be called failed, and its debt paid again.",
        (
            Change(
                _POLICY,
                "if proof.status(payout.amount_fen).rank < payout.status.rank:",
                "if False:",
            ),
        ),
        (f"{_TESTS}::test_what_cannot_be_decided",),
    ),
    Guard(
        "no-more-comes-back-than-was-paid",
        "More than the debt would be paid in the place of a payout.",
        (Change(_POLICY, "if not 0 < proof.returned_fen <= payout.amount_fen:", "if False:"),),
        (f"{_TESTS}::test_what_cannot_be_decided",),
    ),
    Guard(
        "another-person-approves",
        "One person alone would free a debt, and have it paid to another account.",
        (Change(_TWO, "elif first.uids & second.uids:", "elif False:"),),
        (f"{_TESTS}::test_who_may_approve",),
    ),
    Guard(
        "only-a-registered-person-approves",
        "Whoever can be root or the worker's user would be both people.",
        (Change(_TWO, "if not register.may_approve(second):", "if False:"),),
        (f"{_TESTS}::test_who_may_approve",),
    ),
    Guard(
        "the-service-approves-nothing",
        "What gets hold of a worker would free debts once its user is on the list.",
        (
            Change(
                "worker/payouts/person.py",
                "person.uid in self.people - self.services",
                "person.uid in self.people",
            ),
        ),
        (f"{_TESTS}::test_who_may_approve",),
    ),
    Guard(
        "what-jd-tells-between-the-two-voids-it",
        "The second person would approve what JD has contradicted since.",
        (Change(_STORE, "if voiding(dossier, proposal):", "if False:"),),
        (f"{_TESTS}::test_what_jd_tells_between_the_two_voids_it",),
    ),
    Guard(
        "a-proof-is-used-once",
        "One bank's slip would free two debts.",
        (
            Change(
                "worker/store/migrations/versions/r0007_decisions_on_outside_proof.py",
                '_unique("uq_proposals_reference", "proposals", "reference", "voided_at IS NULL")',
                "pass",
            ),
        ),
        (f"{_TESTS}::test_a_proof_is_used_once",),
    ),
    Guard(
        "a-mended-request-pays-the-same",
        "A refused payout would be mended into one for another payee or amount.",
        (
            Change(
                "worker/jdpay/mending.py",
                "if fixed := [name for name in names if name not in MENDABLE]:",
                "if fixed := []:",
            ),
        ),
        ("tests/unit/jdpay/test_mending.py",),
    ),
    Guard(
        "what-is-set-aside-holds-up-itself",
        "After the next restore one that was set aside before would hold up nothing.",
        (
            Change(
                "worker/store/channels.py",
                "at.is_not(None), at >= doubted.c.doubted_at",
                "at.is_not(None)",
            ),
        ),
        (
            "tests/contract/test_health.py::test_one_in_doubt_is_set_aside_and_holds_up_itself_alone",
        ),
    ),
    Guard(
        "evidence-against-a-decision-locks-the-debt",
        "JD says that it pays after all, and another payout pays as well.",
        (
            Change(
                _SIGNS,
                "return facts.dossier.decided is not None and not against(facts)",
                "return facts.dossier.decided is not None",
            ),
        ),
        (f"{_TESTS}::test_lower_evidence_against_it_opens_a_case",),
    ),
)
