"""
Guards of the doors: jobs come in, notifications come in, and no real money goes out unsealed.
"""

from tests.mutants.guard import Change, Guard

_MESSAGE = "worker/intake/message.py"
_ENTRY = "worker/intake/jobs.py"
_CONSUMER = "tasks/consumer.py"
_TASKS = "tasks/payouts.py"
_BOOTSTRAP = "worker/bootstrap.py"
_RECEIVER = "worker/web/receiver.py"
_WEB = "tests/integration/web"
_NOT_OURS = "test_a_number_that_we_lack_of_another_merchant_is_not_ours"
_BUILT = "tests/unit/test_bootstrap.py"
_LEAVES = "tests/unit/intake/test_jobs.py::test_whatever_is_not_accepted_leaves_a_rejection"
_HEADERS = (
    "tests/unit/broker/test_consumer.py"
    "::test_an_entry_message_is_neither_dropped_nor_delayed_by_its_headers"
)
_FAULT = "tests/unit/intake/test_jobs.py::test_a_fault_names_its_field_and_its_rule"

GUARDS = (
    Guard(
        "a-key-counts-once-in-a-message",
        "A person would approve one amount, and another would be paid.",
        (Change(_CONSUMER, "    json_text.parse(_body(message))\n"),),
        ("tests/unit/broker/test_consumer.py::test_a_message_that_is_no_job_is_refused",),
    ),
    Guard(
        "names-show-what-they-say",
        "Two payees, or two debts, would look alike to whoever checks them.",
        (
            Change(
                "worker/intake/fields.py", "next(filter(None, map(_strange, text)), None)", "None"
            ),
        ),
        (_FAULT,),
    ),
    Guard(
        "database-fault-is-no-rejection",
        "A good job would be rejected, and its payee never paid, because the database was away.",
        (Change(_MESSAGE, "except StoreUnavailable:\n        raise\n    "),),
        ("tests/unit/intake/test_jobs.py::test_a_fault_of_the_database_passes_through",),
    ),
    Guard(
        "invalid-job-leaves-a-rejection",
        "A job would be gone without a trace.",
        (
            Change(
                _MESSAGE,
                'acceptor.reject(described("invalid", error.faults))',
                'log.info("%s", error)',
            ),
        ),
        (_LEAVES,),
    ),
    Guard(
        "conflict-leaves-a-rejection",
        "A producer would wait for a payout that was never accepted.",
        (Change(_MESSAGE, "if isinstance(outcome, Conflict):", "if False:"),),
        (_LEAVES,),
    ),
    Guard(
        "unknown-field-is-refused",
        "A misspelt limit or date would be ignored, and the job paid without it.",
        (Change(_ENTRY, 'extra="forbid"', 'extra="ignore"'),),
        (_FAULT,),
    ),
    Guard(
        "amount-is-a-whole-number",
        "An amount in yuan, written with a point or in quotes, would be taken for fen.",
        (Change(_ENTRY, "amount_fen: StrictInt =", "amount_fen: int ="),),
        (_FAULT,),
    ),
    Guard(
        "amount-is-positive",
        "A job about nothing, or less, would become a payout.",
        (Change(_ENTRY, "Field(ge=1, le=MAX_FEN,", "Field(le=MAX_FEN,"),),
        (_FAULT,),
    ),
    Guard(
        "job-acknowledged-late",
        "A worker that dies between taking a job and storing it would lose the payout.",
        (Change(_TASKS, ", acks_late=True)", ")"),),
        ("tests/unit/broker/test_app.py::test_only_the_entry_task_acknowledges_late",),
    ),
    Guard(
        "job-goes-back-while-the-database-is-away",
        "Every job of that time would be lost.",
        (Change(_TASKS, "requeue=True)", "requeue=False)"),),
        ("tests/unit/broker/test_app.py::test_a_database_that_is_away_puts_the_job_back",),
    ),
    Guard(
        "rejection-that-cannot-be-stored-keeps-the-message",
        "A job would be gone without a trace.",
        (
            Change(
                _CONSUMER,
                "self.connection_errors, requeue=True)",
                "self.connection_errors, requeue=False)",
            ),
        ),
        (
            "tests/unit/broker/test_consumer.py::test_a_rejection_that_cannot_be_stored_keeps_the_message",
        ),
    ),
    Guard(
        "job-is-not-dropped-by-its-headers",
        "Celery would drop an expired job without a trace.",
        (Change(_CONSUMER, "message.headers.pop(name, None)", "message.headers.get(name)"),),
        (_HEADERS,),
    ),
    Guard(
        "lost-acknowledgement-ends-the-connection",
        "A worker would stop taking jobs forever, and nothing would tell.",
        (
            Change(
                _CONSUMER,
                'connecting anew")\n        raise',
                'connecting anew")',
            ),
        ),
        ("tests/unit/broker/test_consumer.py::test_a_lost_acknowledgement_ends_the_connection",),
    ),
    Guard(
        "threads-answer-through-the-loop",
        "A broker that comes back would find a worker whose hands are full for ever.",
        (Change(_CONSUMER, "if threading.get_ident() == loop:", "if True:"),),
        ("tests/unit/broker/test_consumer.py::test_a_thread_answers_through_the_loop",),
    ),
    Guard(
        "body-is-capped",
        "One message could end the worker, again and again.",
        (Change(_CONSUMER, "if len(_body(message)) > jobs.MAX_BODY_BYTES:", "if False:"),),
        ("tests/unit/broker/test_consumer.py::test_a_message_that_is_no_job_is_refused",),
    ),
    Guard(
        "real-money-is-refused-at-start",
        "Whoever can write to the broker could have real money paid.",
        (
            Change(
                "worker/service.py",
                "refuse_real_money(settings)\n    return gateway(settings)",
                "return gateway(settings)",
            ),
        ),
        (f"{_BUILT}::test_no_worker_is_built_for_real_money",),
    ),
    Guard(
        "public-gateway-is-refused",
        "Payouts would go to the real gateway, which nobody has let them.",
        (Change(_BOOTSTRAP, "if not (where.is_loopback or where.is_private):", "if False:"),),
        (f"{_BUILT}::test_a_public_gateway_is_refused",),
    ),
    Guard(
        "start-checks-the-profile",
        "A worker would serve a database of another profile.",
        (
            Change(
                _BOOTSTRAP,
                "checked_ledger(settings.profile, ",
                "checked_ledger(Profile.SANDBOX, ",
            ),
        ),
        (f"{_BUILT}::test_a_database_of_another_profile_is_refused",),
    ),
    Guard(
        "start-checks-the-keyring",
        "A worker would seal payees with keys that open nothing else.",
        (
            Change(
                "worker/store/database.py",
                "keys.ensure_keyring(self.engine, keyring)",
                "pass",
            ),
        ),
        (f"{_BUILT}::test_another_keyring_is_refused",),
    ),
    Guard(
        "forgery-leads-to-a-question",
        "What cannot be verified may be a true notification, cut or changed: nobody would ask.",
        (Change(_RECEIVER, "if found.unverified_claim is not None:", "if False:"),),
        (f"{_WEB}/test_refusals.py::test_a_forgery_brings_the_query_forward_once_a_minute",),
    ),
    Guard(
        "receiver-refuses-what-is-not-stored",
        "JD would not repeat a notification that nobody has kept.",
        (
            Change(
                _RECEIVER,
                "if not handler.notify(found.answer):",
                "if handler.notify(found.answer) is None:",
            ),
        ),
        (f"{_WEB}/test_notifications.py::{_NOT_OURS}",),
    ),
    Guard(
        "receiver-waits-for-the-database",
        "JD would not repeat a notification that came while the database was away.",
        (Change(_RECEIVER, 'return _answer("fail", 503)', 'return _answer("success", 200)'),),
        (f"{_WEB}/test_durability.py::test_no_database_no_success",),
    ),
)
