"""
Guards of the tables: what the database refuses, whatever program writes to it.

Each is taken out of the tables and of the revision that makes them, as if it had been forgotten.
"""

from tests.mutants.guard import Change, Guard

_TABLES = "worker/store/tables.py"
_REVISION = "worker/store/migrations/versions/r0001_first_tables.py"
_DEBTS = "worker/store/migrations/versions/r0004_obligations.py"
_FENCES = "worker/store/fences.py"
_STAYS = "tests/contract/test_facts.py::test_nothing_changes_but_what_some_process_may_change"
_KEPT = "tests/contract/test_facts.py::test_no_row_is_deleted"
_STAY_ENDED = "tests/contract/test_facts.py::test_what_has_ended_stays_ended"
_SENSE = "tests/contract/test_constraints.py::test_a_payout_that_makes_no_sense_is_refused"


def _both(text: str, instead: str) -> tuple[Change, ...]:
    return Change(_TABLES, text, instead), Change(_REVISION, text, instead)


def _of_no_row(condition: str) -> tuple[Change, ...]:
    """
    A partial index that covers nothing.
    """
    return _both(f'"{condition}"', '"1 = 0"')


def _of_any_row(condition: str) -> tuple[Change, ...]:
    """
    A check that everything passes.
    """
    return _both(f'"{condition}"', '"1 = 1"')


GUARDS = (
    Guard(
        "a-row-shows-no-account",
        "Whoever reads the database, a log or a page would know who is paid.",
        (Change("worker/store/rows.py", "order.payee.masked", "order.payee.account_no"),),
        ("tests/acceptance/test_secrets.py::test_payees_and_keys_are_nowhere_in_the_open",),
    ),
    Guard(
        "flower-shows-no-job",
        "A job's arguments would be in events, in Flower and in its log.",
        (
            Change(
                "tasks/consumer.py",
                '    message.headers |= {"argsrepr": "()", "kwargsrepr": CONCEALED}\n',
            ),
        ),
        ("tests/acceptance/test_secrets.py::test_payees_and_keys_are_nowhere_in_the_open",),
    ),
    Guard(
        "the-receiver-rewrites-no-message",
        "Whoever takes the receiver over could have JD say what it never said.",
        (
            Change(
                "worker/store/roles.sql",
                "GRANT UPDATE (payout_id, applied_at) ON evidence TO payouts_web;",
                "GRANT UPDATE ON evidence TO payouts_web;",
            ),
        ),
        ("tests/acceptance/test_roles.py::test_a_role_may_not_do_what_its_process_does_not",),
    ),
    Guard(
        "what-is-written-down-stays",
        "A decision or a message could be gone without a trace.",
        (
            Change(
                "worker/store/roles.sql",
                "GRANT DELETE ON alerts, certificates TO payouts_worker;",
                "GRANT DELETE ON ALL TABLES IN SCHEMA public TO payouts_worker;",
            ),
        ),
        ("tests/acceptance/test_roles.py::test_nobody_deletes_what_was_written_down",),
    ),
    Guard(
        "number-is-unique",
        "Two rows for one number would be two payments.",
        (
            Change(_TABLES, '    UniqueConstraint("customer_no", "out_trade_no"),\n'),
            Change(
                _REVISION,
                '"customer_no", "out_trade_no", name=op.f("uq_payouts_customer_no_out_trade_no")',
                '"id", "out_trade_no"',
            ),
        ),
        ("tests/contract/test_constraints.py::test_a_second_row_for_a_number_is_refused",),
    ),
    Guard(
        "debt-is-not-exceeded",
        "Nothing below the program would stop payouts that add up to more than is owed.",
        (
            Change(
                _TABLES, '"committed_fen BETWEEN 0 AND owed_fen"', '"committed_fen IS NOT NULL"'
            ),
            Change(_DEBTS, '"committed_fen BETWEEN 0 AND owed_fen"', '"committed_fen IS NOT NULL"'),
        ),
        ("tests/contract/test_constraints.py::test_no_more_is_committed_than_is_owed",),
    ),
    Guard(
        "debt-has-one-row",
        "One debt would be counted in two rows, and paid from each.",
        (
            Change(_TABLES, '    UniqueConstraint("namespace", "name"),\n'),
            Change(
                _DEBTS,
                'sa.UniqueConstraint("namespace", "name", '
                'name=op.f("uq_obligations_namespace_name"))',
                'sa.UniqueConstraint("id", name=op.f("uq_obligations_namespace_name"))',
            ),
        ),
        ("tests/contract/test_acceptance.py::test_an_obligation_is_paid_by_one_payout",),
    ),
    Guard(
        "accepted-payout-is-committed",
        "A second payout would find the debt untouched, and nothing in the database stop it.",
        (
            Change(
                "worker/store/obligations.py",
                '"committed_fen": order.amount_fen,',
                '"committed_fen": 0,',
            ),
            Change(
                "worker/store/obligations.py",
                "commit_payout(conn, obligation, orders[key].amount_fen, seals)",
                "pass",
            ),
        ),
        ("tests/unit/usecases/test_obligation.py::test_a_split_is_paid_up_to_what_is_owed",),
    ),
    Guard(
        "one-open-attempt",
        "Nothing below the program would stop a second transmission of a payout.",
        _of_no_row("outcome IS NULL"),
        ("tests/contract/test_constraints.py::test_a_second_open_attempt_is_refused",),
    ),
    Guard(
        "revision-keeps-what-the-tables-say",
        "The tables would promise what no installed database does.",
        (Change(_REVISION, '"outcome IS NULL"', '"1 = 0"'),),
        ("tests/unit/store/test_migrate.py::test_the_revisions_make_the_same_constraints",),
    ),
    Guard(
        "notification-is-stored-once",
        "Each repetition would make stale what a worker is about to decide.",
        _of_no_row("source = 'notification' AND payout_id IS NOT NULL"),
        ("tests/contract/test_evidence.py::test_a_repeated_notification_is_stored_once",),
    ),
    Guard(
        "orphan-is-stored-once",
        "Its copies could not become evidence of one payout, and the job would be turned away.",
        _of_no_row("source = 'notification' AND payout_id IS NULL"),
        ("tests/contract/test_evidence.py::test_a_repeated_orphan_is_stored_once",),
    ),
    Guard(
        "exposed-is-never-queued",
        "A mistake in the program could queue, hold or withdraw what may be out.",
        _of_any_row("NOT exposed OR status NOT IN ('queued', 'held', 'cancelled')"),
        (_SENSE,),
    ),
    Guard(
        "amount-is-checked",
        "A mistake in the program could store a payout of nothing, or of billions.",
        (
            Change(_TABLES, 'f"amount_fen BETWEEN 1 AND {MAX_FEN}"', '"1 = 1"'),
            Change(_REVISION, '"amount_fen BETWEEN 1 AND 999999999999"', '"1 = 1"'),
        ),
        (_SENSE,),
    ),
    Guard(
        "returned-is-checked",
        "More could be paid in replacement than came back.",
        _of_any_row("returned_fen BETWEEN 0 AND amount_fen"),
        (_SENSE,),
    ),
    Guard(
        "lease-is-whole",
        "A lease without an end would never be taken for lost.",
        _of_any_row("(lease_token IS NULL) = (lease_until IS NULL)"),
        (_SENSE,),
    ),
    Guard(
        "facts-stay",
        "A mistake in the program, or of the tables' owner, could change who is paid how much.",
        (Change(_FENCES, "{' OR '.join([changed(self.fixed), *late])}", "1 = 0"),),
        (_STAYS,),
    ),
    Guard(
        "what-has-ended-stays",
        "An attempt that may have arrived could be called one that never did.",
        (Change(_FENCES, "[changed(self.fixed), *late]", "[changed(self.fixed)]"),),
        (_STAY_ENDED,),
    ),
    Guard(
        "facts-are-kept",
        "A script that tidies up could take away what shows that a payout was sent.",
        (
            Change(
                _FENCES,
                "BEFORE DELETE ON {self.table} {refuse}",
                "BEFORE DELETE ON {self.table} WHEN 0 {refuse}",
            ),
        ),
        (f"{_KEPT}[sqlite]",),
    ),
)
