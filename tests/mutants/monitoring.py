"""
Guards of those who look on: what would be silent, or told too often, without them.
"""

from tests.mutants.guard import Change, Guard

_SYMPTOMS = "worker/payouts/policy/symptoms.py"
_ALERTS = "worker/payouts/policy/alerts.py"
_PROBE = "worker/broker/health.py"
_RULES = "tests/unit/policy/test_alerts.py"
_EACH = "tests/integration/alerts/test_each_alert.py"
_LEDGER = "tests/contract/test_monitoring.py"

GUARDS = (
    Guard(
        "sweep-counts-when-it-has-ended",
        "Sweeps that fail every time would pass for sweeps.",
        (
            Change(
                "worker/store/health.py",
                "swept_at=own.value(sweeps.c.ended_at)",
                "swept_at=conn.scalar(sa.select(installation.c.swept_at))",
            ),
        ),
        (f"{_LEDGER}::test_a_sweep_counts_when_it_has_ended",),
    ),
    Guard(
        "failing-sweep-is-looked-on",
        "Nobody would tell that every sweep fails: what tells it would come after the failure.",
        (Change("tasks/payouts.py", "    finally:\n", "    except MemoryError:\n"),),
        ("tests/unit/broker/test_app.py::test_a_sweep_that_fails_is_looked_on",),
    ),
    Guard(
        "alert-is-told-by-one",
        "Each of several workers would write the line, and each of them would wake someone.",
        (
            Change(
                "worker/store/health_notes.py",
                "return insert_new(conn, alerts, **named, kind=kind) is not None",
                "return insert_new(conn, alerts, **named, kind=kind) is not False",
            ),
        ),
        ("tests/contract/test_races.py::test_an_alert_is_told_to_one_of_many",),
    ),
    Guard(
        "nothing-claimed-is-late",
        "What is due could stay so for days, as long as it was claimed once.",
        (Change(_SYMPTOMS, "done_at or due_at", "health.now"),),
        (f"{_RULES}::test_each_sign_has_its_alert",),
    ),
    Guard(
        "paused-is-not-late",
        "A pause that a person made for the night would wake them all night for late sends.",
        (Change("worker/store/health.py", "MAY_BE_SENT, *is_free(now))", "MAY_BE_SENT)"),),
        (f"{_LEDGER}::test_what_is_kept_back_is_not_late",),
    ),
    Guard(
        "job-in-another-queue-is-found",
        "A producer that names no queue would never learn that nobody reads its jobs.",
        (
            Change(
                _PROBE,
                "return any(f'\"{task}\"'.encode() in message for task in TaskName)",
                "return False",
            ),
        ),
        (f"{_EACH}::test_a_fault_is_an_alert_until_it_is_mended",),
    ),
    Guard(
        "message-lost-in-hand-is-found",
        "A job that was taken and is in no list would be gone, and nobody would look for it.",
        (Change(_PROBE, "math.max(0, held - listed)", "0"),),
        (f"{_EACH}::test_a_fault_is_an_alert_until_it_is_mended",),
    ),
    Guard(
        "foreign-notification-is-counted",
        "JD's word about another merchant's money would be refused in silence.",
        (
            Change(
                "worker/usecases/evidence.py",
                "            self.ledger.note_foreign(self.customer_no, merchant)\n",
            ),
        ),
        (f"{_EACH}::test_a_fault_is_an_alert_until_it_is_mended",),
    ),
    Guard(
        "case-wakes-nobody",
        "Whoever is woken for each case soon looks at no alert any more.",
        (Change("worker/cli/alerts.py", "alert.severity is Severity.PAGE", "True"),),
        ("tests/integration/cli/test_alerts.py::test_what_may_wait_for_the_morning_wakes_nobody",),
    ),
    Guard(
        "libraries-are-quiet",
        "A line for each message fills the disk, and hides the one that counts.",
        (Change("worker/logs.py", "level=max(asked, logging.WARNING)", "level=asked"),),
        ("tests/unit/test_logs.py::test_libraries_chatter_is_not_told",),
    ),
)
