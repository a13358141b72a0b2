"""
Guards of the auditor: what it would overlook without each.
"""

from tests.mutants.guard import Change, Guard

_DEBTS = "worker/sandbox/debts.py"
_AUDITOR = "worker/sandbox/auditor.py"
_TESTS = ("tests/unit/sandbox/test_auditor.py",)

GUARDS = (
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
)
