"""
Guards of the two auditors: what each would overlook without them.
"""

from tests.mutants.guard import Change, Guard

_DEBTS = "worker/sandbox/debts.py"
_AUDITOR = "worker/sandbox/auditor.py"
_TESTS = ("tests/unit/sandbox/test_auditor.py",)

_ON_RECORD = "worker/payouts/debts.py"
_GROUNDS = "worker/payouts/grounds.py"
_ATTENTION = "worker/payouts/attention.py"
_INVARIANTS = "tests/unit/payouts/test_invariants.py"
_PLANTED = ("tests/contract/test_audit.py",)

GUARDS = (
    Guard(
        "only-a-forgotten-claim-undoes-a-failure",
        "A payout that failed and is unknown again would look as it should.",
        (
            Change(
                "worker/payouts/invariants.py",
                "if fell and not any(a.detail == FROM_A_JOURNAL for a in facts.dossier.attempts):",
                "if False:",
            ),
        ),
        (_INVARIANTS,),
    ),
    Guard(
        "auditor-sums-the-debt",
        "A debt that two numbers pay would look paid once.",
        (Change(_DEBTS, "self.kept_fen + self.undecided_fen - self.owed_fen", "0"),),
        _TESTS,
    ),
    Guard(
        "auditor-counts-what-is-undecided",
        "A payout sent beside one that may still be paid would go unnoticed.",
        (Change(_DEBTS, "undecided += trade.away_fen(now)", "undecided += 0"),),
        _TESTS,
    ),
    Guard(
        "auditor-normalizes-names",
        "A debt spelt in full-width letters would be another one, and could be paid again.",
        (Change(_DEBTS, 'unicodedata.normalize("NFKC", job.obligation)', "job.obligation"),),
        _TESTS,
    ),
    Guard(
        "auditor-drops-rejected-jobs",
        "A job that was never accepted would make room for a second payment.",
        (Change(_DEBTS, "if job.number not in rejected:", "if True:"),),
        _TESTS,
    ),
    Guard(
        "auditor-asks-what-was-freed",
        "A debt could be freed whose money the payee has.",
        (Change(_AUDITOR, "if said.released and freed > free:", "if False:"),),
        _TESTS,
    ),
    Guard(
        "auditor-looks-for-each-job",
        "A job that vanished would go unnoticed.",
        (Change(_AUDITOR, "elif number not in rejected:", "elif False:"),),
        _TESTS,
    ),
    Guard(
        "auditor-asks-in-spite-of-a-case",
        "A payout called paid that is not booked would pass, if only a case were open.",
        (
            Change(
                _AUDITOR,
                "faults += _said_too_much(said, job, trade, now)",
                "faults += () if said.has_case else _said_too_much(said, job, trade, now)",
            ),
        ),
        _TESTS,
    ),
    Guard(
        "audit-sums-what-may-be-kept",
        "Two payouts of one debt could both be kept, and the audit would pass.",
        (Change(_ON_RECORD, "if kept_fen > obligation.owed_fen:", "if False:"),),
        _PLANTED,
    ),
    Guard(
        "audit-compares-what-is-committed",
        "A debt whose room was made larger by hand would pass.",
        (Change(_ON_RECORD, "if owed.committed_fen != debt.held_fen:", "if False:"),),
        _PLANTED,
    ),
    Guard(
        "audit-knows-the-debt",
        "A payout that was moved to another debt would pass.",
        (Change(_ON_RECORD, "if owed.name != normalized(payout.obligation):", "if False:"),),
        _PLANTED,
    ),
    Guard(
        "audit-asks-for-the-decision-that-frees",
        "A debt could be freed by hand, and be paid again.",
        (
            Change(
                _GROUNDS,
                "if not any(d.action in FREEING and d.at == payout.released_at for d in made):",
                "if False:",
            ),
        ),
        _PLANTED,
    ),
    Guard(
        "audit-judges-each-proof",
        "A decision could name any evidence.",
        (Change(_GROUNDS, "if needed == decision.proof:", "if True:"),),
        _PLANTED,
    ),
    Guard(
        "audit-judges-by-what-was-known",
        "Evidence that came after a decision would prove it.",
        (
            Change(
                _GROUNDS,
                "for e in dossier.evidence if e.received_at <= at",
                "for e in dossier.evidence",
            ),
        ),
        _PLANTED,
    ),
    Guard(
        "audit-asks-whether-jd-was-heard",
        "A debt could be freed on an answer of days ago.",
        (Change(_GROUNDS, "check_fresh(dossier, decision.at)", "pass"),),
        _PLANTED,
    ),
    Guard(
        "audit-asks-who-approved",
        "One person alone could end a payout, and free its debt.",
        (
            Change(
                _GROUNDS,
                "check_approver(proposal, proposal.approved_by, register, profile)",
                "True",
            ),
        ),
        _PLANTED,
    ),
    Guard(
        "audit-asks-why-it-was-sent-again",
        "A number sent again without JD's word would pass.",
        (Change(_GROUNDS, "if again and (facts.no_results or not denied):", "if False:"),),
        _PLANTED,
    ),
    Guard(
        "audit-asks-who-wanted-it-sent-again",
        "A refused payout sent again by nobody's wish would pass.",
        (
            Change(
                _GROUNDS,
                "if move.from_status is PayoutStatus.REFUSED and not",
                "if False and not",
            ),
        ),
        _PLANTED,
    ),
    Guard(
        "audit-asks-what-jd-had-told",
        "A payout sent though JD had it already would pass.",
        (Change(_GROUNDS, "    if beyond(facts):\n", "    if False:\n"),),
        _PLANTED,
    ),
    Guard(
        "audit-looks-for-questions",
        "A payout that nobody asks about any more would pass.",
        (Change(_ATTENTION, "    if says is None:\n", "    if False:\n"),),
        _PLANTED,
    ),
    Guard(
        "audit-looks-for-cases",
        "A contradiction that no person was told of would pass.",
        (Change(_ATTENTION, "if answering(note, known) is None:", "if False:"),),
        _PLANTED,
    ),
    Guard(
        "recalled-claims-wait-for-a-word",
        "After a restore the audit would miss cases that nobody owed yet.",
        (
            Change(
                _ATTENTION,
                "if any(at is not None and at >= judged_at for at in recalled):",
                "if False:",
            ),
        ),
        (f"{_INVARIANTS}::test_a_claim_from_a_journal_is_judged_with_the_next_word",),
    ),
)
