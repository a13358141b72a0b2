"""
Guards of the ledger: who may write what, and when.
"""

from tests.mutants.guard import Change, Guard

_CLAIM = "worker/store/claims.py"
_LEASES = "worker/store/leases.py"
_LOCKS = "worker/store/locks.py"
_WRITES = "worker/store/writes.py"
_EVIDENCE = "worker/store/evidence.py"
_SWEEP = "worker/store/due_work.py"
_UPDATE = "worker/payouts/update.py"
_ENGINE = "worker/store/engine.py"
_RECEIVING = "tests/integration/web/test_durability.py"
_CLAIMS = "tests/contract/test_leases.py"
_RACES = "tests/contract/test_races.py"
_AMID = f"{_CLAIMS}::test_who_changes_a_row_amid_its_claim_waits[postgres-evidence_is_stored]"
_TAKEN_UP = (
    "tests/contract/test_acceptance.py"
    "::test_an_accepted_order_takes_up_what_was_notified_of_its_number"
)
_LOST = "tests/contract/test_due_work.py::test_an_expired_lease_closes_its_attempt"

#: A row would be written whatever happened to it since it was read.
ANY_VERSION = (
    Change(_WRITES, '    "before_version": payouts.c.version,\n'),
    Change(_WRITES, '        "before_version": before.version,\n'),
)

CLAIMS = (
    Guard(
        "write-asks-for-the-status",
        "A payout that is not where its writer believes it to be would be withdrawn.",
        (
            Change(_WRITES, '    "before_status": payouts.c.status,\n'),
            Change(_WRITES, '        "before_status": before.status,\n'),
        ),
        (f"{_CLAIMS}::test_a_decision_about_a_row_that_was_moved_is_refused",),
    ),
    Guard(
        "claim-holds-the-row",
        "A worker would send a payout of which JD has told something since it looked.",
        (
            Change(
                _LOCKS,
                ".where(payouts.c.obligation_id.in_(_IDS))\n            .order_by(payouts.c.id)\n"
                "            .with_for_update(key_share=True)",
                ".where(payouts.c.obligation_id.in_(_IDS))\n            .order_by(payouts.c.id)",
            ),
        ),
        (_AMID,),
    ),
    Guard(
        "claim-asks-for-attempts-under-way",
        "A payout would be sent while an earlier request of it is on the wire.",
        (Change(_CLAIM, "if request is None or under_way:", "if request is None:"),),
        (f"{_CLAIMS}::test_an_open_attempt_stops_a_claim",),
    ),
    Guard(
        "claim-asks-for-a-pause",
        "Sending would go on after someone pulled the switch.",
        (
            Change(
                _CLAIM,
                "~is_stopped(_NOW)",
                "sa.or_(~is_stopped(_NOW), _NOW.is_not(None))",
            ),
        ),
        (f"{_CLAIMS}::test_a_paused_channel_stops_claims_and_nothing_else",),
    ),
    Guard(
        "claim-needs-a-status-to-send-from",
        "A payout that JD has would be put back on the wire.",
        (Change(_UPDATE, "check_move(payout.status, PayoutStatus.SENDING)"),),
        (f"{_CLAIMS}::test_a_payout_that_jd_has_cannot_be_sent",),
    ),
    Guard(
        "claim-raises-the-version",
        "A decision made before the claim would still be written.",
        (
            Change(
                _UPDATE,
                "version=payout.version + 1,\n        exposed=True,\n        resends",
                "version=payout.version,\n        exposed=True,\n        resends",
            ),
        ),
        (f"{_CLAIMS}::test_a_claim_is_written_before_anything_is_sent",),
    ),
    Guard(
        "claim-exposes",
        "A payout on the wire could be withdrawn.",
        (
            Change(
                _UPDATE,
                "exposed=True,\n        resends",
                "exposed=payout.exposed,\n        resends",
            ),
        ),
        (f"{_CLAIMS}::test_a_claim_is_written_before_anything_is_sent",),
    ),
    Guard(
        "claim-keeps-the-first-request",
        "A resend would be another request under the same number.",
        (
            Change(
                _CLAIM,
                "sa.func.coalesce(payouts.c.sealed_request, given)",
                "sa.func.coalesce(given, payouts.c.sealed_request)",
            ),
        ),
        (f"{_CLAIMS}::test_a_resend_repeats_the_first_request",),
    ),
    Guard(
        "claim-keeps-the-first-moment",
        "Each resend would open its window anew.",
        (Change(_UPDATE, "first_sent_at=payout.first_sent_at or now", "first_sent_at=now"),),
        (f"{_CLAIMS}::test_a_resend_repeats_the_first_request",),
    ),
    Guard(
        "renewal-asks-for-the-status",
        "A worker would connect for a payout that has been decided meanwhile.",
        (Change(_LEASES, "payouts.c.status == PayoutStatus.SENDING,"),),
        (f"{_CLAIMS}::test_settled_evidence_stops_a_renewal",),
    ),
    Guard(
        "renewal-asks-for-the-owner",
        "A worker back from the dead would send under its successor's lease.",
        (
            Change(
                _LEASES,
                'payouts.c.lease_token == sa.bindparam("token"),',
                'sa.bindparam("token", type_=sa.String).is_not(None),',
            ),
        ),
        (f"{_CLAIMS}::test_another_attempts_token_renews_nothing",),
    ),
    Guard(
        "renewal-asks-for-the-time",
        "A worker would connect after its lease, when the payout may be taken for lost.",
        (Change(_LEASES, "payouts.c.lease_until > _NOW,"),),
        (f"{_CLAIMS}::test_an_expired_lease_cannot_be_renewed",),
    ),
    Guard(
        "renewal-asks-for-a-pause",
        "What was claimed before a pause would still be sent.",
        (Change(_LEASES, "~is_stopped(_NOW),"),),
        (f"{_CLAIMS}::test_a_paused_channel_stops_a_renewal",),
    ),
    Guard(
        "only-the-owner-ends-a-lease",
        "A worker back from the dead would end its successor's lease, and a third would send.",
        (
            Change(
                _EVIDENCE,
                "if ending is None or payout.lease_token != ending.attempt.lease_token:",
                "if ending is None:",
            ),
        ),
        (f"{_CLAIMS}::test_an_old_attempt_cannot_end_a_new_lease",),
    ),
    Guard(
        "end-of-a-lease-is-news",
        "A decision made while the request was on the wire would still be written.",
        (
            Change(
                _UPDATE,
                "lease_ended_at=ended_at,\n        version=payout.version + 1,",
                "lease_ended_at=ended_at,\n        version=payout.version,",
            ),
        ),
        (f"{_CLAIMS}::test_closing_an_attempt_ends_its_lease",),
    ),
)

EVIDENCE = (
    Guard(
        "evidence-raises-the-version",
        "A decision would not miss although JD's word has arrived since the person looked.",
        (
            Change(
                _EVIDENCE,
                "version=payout.version + 1,\n                updated_at=locked.now,",
                "updated_at=locked.now,",
            ),
        ),
        ("tests/contract/test_actions.py::test_a_decision_about_what_has_changed_is_refused",),
    ),
    Guard(
        "decision-asks-for-a-legal-move",
        "A mistake in deciding would put a paid payout back into the queue.",
        (Change(_UPDATE, "check_move(payout.status, update.status)", "pass"),),
        ("tests/contract/test_evidence.py::test_an_illegal_move_is_refused",),
    ),
    Guard(
        "moves-are-checked",
        "Every table of legal moves would be so much paper.",
        (
            Change(
                "worker/payouts/status.py",
                "if new is not old and new not in TRANSITIONS[old]:",
                "if False:",
            ),
        ),
        ("tests/contract/test_evidence.py::test_an_illegal_move_is_refused",),
    ),
    Guard(
        "pause-is-written",
        "What should stop the channel would stop nothing.",
        (Change(_EVIDENCE, "if update.pause is not None:", "if False:"),),
        ("tests/contract/test_channels.py::test_a_standing_may_pause_the_channel",),
    ),
    Guard(
        "unverifiable-answers-stop-the-channel",
        "Payouts would be sent on to someone who speaks in JD's place.",
        (Change(_EVIDENCE, "if in_a_row >= judge.unverifiable_limit:", "if False:"),),
        ("tests/contract/test_channels.py::test_unverifiable_answers_in_a_row_stop_the_channel",),
    ),
    Guard(
        "orphans-are-taken-up",
        "After a restore a payout would be paid a second time, although JD told of the first.",
        (
            Change(
                "worker/store/acceptance.py",
                '\n    _adopt_orphans(conn, rows[0]["customer_no"],',
                '\n    _ = (conn, rows[0]["customer_no"],',
            ),
        ),
        (_TAKEN_UP,),
    ),
)

SWEEP = (
    Guard(
        "running-lease-is-left-alone",
        "The sweep would end the lease of a worker that is just sending.",
        (
            Change(
                _SWEEP,
                "payouts.c.lease_until.is_(None) | (payouts.c.lease_until <= now)",
                "sa.true()",
            ),
        ),
        ("tests/contract/test_due_work.py::test_a_running_lease_is_left_alone",),
    ),
    Guard(
        "lost-is-not-find_stale",
        "What a dead worker may have sent would be queued and sent again.",
        (Change(_LEASES, "outcome=AttemptOutcome.LOST", "outcome=AttemptOutcome.NOT_CONNECTED"),),
        (_LOST,),
    ),
    Guard(
        "lost-lease-has-its-end",
        "Questions from before the end of the lease would count towards a resend.",
        (Change(_LEASES, "one.lease_until or now, now", "one.accepted_at, now"),),
        (_LOST,),
    ),
    Guard(
        "lost-lease-is-news",
        "A decision made while the lease ran would still be written.",
        (
            Change(
                _UPDATE,
                "lease_ended_at=ended_at,\n        version=payout.version + 1,",
                "lease_ended_at=ended_at,\n        version=payout.version,",
            ),
        ),
        (_LOST,),
    ),
)

_HELD = "tests/integration/concurrency/test_locked_rows.py::test_a_claim_passes_by_what_is_held"

LOCKS = (
    Guard(
        "claim-passes-locked-debts-by",
        "On PostgreSQL one frozen worker would stop every claim: nothing is sent.",
        (Change(_LOCKS, ".with_for_update(skip_locked=True)", ".with_for_update()"),),
        (_HELD,),
    ),
    Guard(
        "questions-pass-locked-rows-by",
        "On PostgreSQL one frozen worker would stop every querier: nothing is asked.",
        (Change(_SWEEP, "key_share=True, skip_locked=True", "key_share=True"),),
        (_HELD,),
    ),
    Guard(
        "acceptance-locks-the-debt",
        "On PostgreSQL two jobs at once would each be paid what is left of a debt but once.",
        (
            Change(
                "worker/store/obligations.py",
                "    .order_by(obligations.c.name)\n    .with_for_update()\n",
                "    .order_by(obligations.c.name)\n",
            ),
        ),
        (f"{_RACES}::test_two_jobs_at_once_do_not_share_what_is_left_once[postgres]",),
    ),
)

DATABASE = (
    Guard(
        "commits-are-durable",
        "A power cut would undo the claim of a payout that was sent.",
        (Change(_ENGINE, "PRAGMA synchronous = FULL", "PRAGMA synchronous = NORMAL"),),
        ("tests/unit/store/test_engine.py::test_sqlite_is_set_up_to_keep_money",),
    ),
    Guard(
        "commits-are-durable-on-postgresql",
        "Where the server is tuned for speed, a crash would undo the claim of a payout that was"
        " sent.",
        (Change("worker/store/session.py", "WHEN 'off' THEN 'on'", "WHEN 'off' THEN 'off'"),),
        ("tests/unit/store/test_session.py::test_defaults_do_not_count",),
    ),
    Guard(
        "health-writes",
        "A receiver on a standby would be sent JD's notifications, and could store none.",
        (
            Change(
                "worker/usecases/evidence.py",
                "self.ledger.check_writable()",
                "self.ledger.now()",
            ),
        ),
        (f"{_RECEIVING}::test_a_receiver_that_could_only_read_is_unhealthy",),
    ),
    Guard(
        "foreign-keys-are-kept",
        "The history of a payout could be deleted under it.",
        (Change(_ENGINE, "PRAGMA foreign_keys = ON", "PRAGMA foreign_keys = OFF"),),
        ("tests/contract/test_constraints.py::test_rows_of_a_payout_keep_it",),
    ),
    Guard(
        "writers-lock-at-once",
        "A guard would be read before another writer's change, and written after it.",
        (Change(_ENGINE, '"BEGIN IMMEDIATE"', '"BEGIN DEFERRED"'),),
        ("tests/unit/store/test_engine.py::test_a_writing_transaction_takes_the_lock_at_once",),
    ),
    Guard(
        "every-write-is-committed",
        "A payout would be on the wire, and its claim nowhere.",
        (
            Change(
                "worker/store/base.py",
                "with self._engine.begin() as conn:",
                "with self._engine.connect() as conn:",
            ),
        ),
        (f"{_CLAIMS}::test_a_claimed_payout_cannot_be_claimed_again",),
    ),
    Guard(
        "profile-is-checked",
        "A worker with real keys would pay out a sandbox's payouts.",
        (Change("worker/store/installation.py", "if recorded != profile:", "if False:"),),
        ("tests/unit/store/test_installation.py::test_another_profile_is_refused",),
    ),
    Guard(
        "keyring-is-checked",
        "Payouts would be sealed with keys that open none of the others.",
        (
            Change(
                "worker/store/keys.py",
                "if missing := in_use - {*keyring.ids}:",
                "if missing := ():",
            ),
        ),
        ("tests/contract/test_keys.py::test_a_key_is_retired_once_nothing_needs_it",),
    ),
)

NUMBERS = (
    Guard(
        "orphan-looks-for-its-payout-again",
        "A payout whose notification came while it was accepted would be sent beside it.",
        (
            Change(
                "worker/store/notifications.py",
                "            if number not in locked:",
                "            if True:",
            ),
        ),
        (f"{_RACES}::test_a_notification_that_comes_amid_the_acceptance_finds_it[postgres]",),
    ),
    Guard(
        "orphan-and-job-hold-the-number",
        "On PostgreSQL neither of the two would see the other, and the payout would be sent.",
        (
            Change(
                _LOCKS,
                'if conn.dialect.name != "postgresql":',
                "if True:",
            ),
        ),
        (f"{_RACES}::test_a_notification_and_its_job_at_once_find_each_other[postgres]",),
    ),
)

GUARDS = (*CLAIMS, *EVIDENCE, *SWEEP, *LOCKS, *DATABASE, *NUMBERS)
