"""
Guards of the file that applications copy to seal and send.
"""

from tests.mutants.guard import Change, Guard

_FILE = "worker/producer.py"
_KEYS = "tests/unit/producer/test_key_file.py"
_HTTP = "tests/unit/producer/test_http.py"
_SPOOL = "tests/unit/producer/test_spool.py"

GUARDS = (
    Guard(
        "producer-keeps-its-key-to-itself",
        "Whoever else is on the machine could ask for payouts in its name.",
        (Change(_FILE, "st_mode & 0o077", "st_mode & 0o007"),),
        (f"{_KEYS}::test_it_is_for_nobody_else",),
    ),
    Guard(
        "producer-takes-no-other-yes",
        "A job that nobody has would be taken for one that is accepted, and never be paid.",
        (Change(_FILE, "case 200 | 201, {", "case _, {"),),
        (f"{_HTTP}::test_anything_else_is_neither",),
    ),
    Guard(
        "producer-takes-no-other-no",
        "What may be accepted would be given up, and be paid a second time under a new number.",
        (Change(_FILE, "case 409 | 422, {", "case 409 | 422 | 503, {"),),
        (f"{_HTTP}::test_anything_else_is_neither",),
    ),
    Guard(
        "spool-keeps-a-number-to-its-job",
        "Another job would be taken for kept, and never be paid.",
        (Change(_FILE, "        if kept != text:\n", "        if False:\n"),),
        (f"{_SPOOL}::test_a_number_is_one_job",),
    ),
    Guard(
        "spool-keeps-a-job-until-it-is-answered",
        "What got lost on its way would be forgotten, and never be paid.",
        (
            Change(
                _FILE,
                "if pay(self._producer.seal(json.loads(job))) is not None:",
                "if pay(self._producer.seal(json.loads(job))) is None or True:",
            ),
        ),
        (
            f"{_SPOOL}::test_a_producer_that_dies_at_each_effect_loses_nothing",
            f"{_SPOOL}::test_waits_grow_to_ten_minutes",
        ),
    ),
    Guard(
        "spool-believes-a-yes-before-a-no",
        "What is paid would be taken for refused, and be asked for under a new number.",
        (Change(_FILE, " AND (answer IS NULL OR ? = 'accepted')", " AND ? != ''"),),
        (f"{_SPOOL}::test_a_rejection_is_a_no_unless_it_was_accepted",),
    ),
)
