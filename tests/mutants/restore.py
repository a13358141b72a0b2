"""
Guards of what a restored database has forgotten.
"""

from tests.mutants.guard import Change, Guard

_CHANNEL = "worker/store/channels.py"
_EPOCHS = "worker/usecases/epochs.py"
_DOUBT = "worker/payouts/policy/restore.py"
_UPDATE = "worker/payouts/update.py"
_FILES = "worker/store/journal.py"
_ROWS = "worker/store/recall.py"
_RESTORE = "tests/unit/usecases/test_restore.py"
_HEALTH = "tests/contract/test_health.py"
_JOURNAL = "tests/unit/store/test_journal.py"
_EVIDENCE = "tests/contract/test_evidence.py"
_RECALL = "tests/contract/test_recall.py"

GUARDS = (
    Guard(
        "process-remembers-what-it-told-the-mark",
        "Where the broker is emptied before a failover, a payout would go out a second time.",
        (Change("worker/usecases/epochs.py", "return farther(known, own)", "return known"),),
        (f"{_RESTORE}::test_a_process_remembers_what_the_mark_has_forgotten",),
    ),
    Guard(
        "restore-is-noticed",
        "A database that has forgotten what was sent would have it sent again.",
        (Change(_EPOCHS, "if self._ledger.has_forgotten(known):", "if False:"),),
        (f"{_RESTORE}::test_a_database_that_has_counted_less_was_restored",),
    ),
    Guard(
        "claims-are-marked",
        "A failover that lost a claim and no sweep would have the number sent again.",
        (Change(_EPOCHS, "        if forgotten:", "        if False:"),),
        (f"{_RESTORE}::test_a_claim_that_a_failover_lost_is_noticed_before_the_next_one_is_sent",),
    ),
    Guard(
        "claims-belong-to-an-epoch",
        "What was claimed before a restore was told would be sent after it, in doubt as it is.",
        (
            Change(
                _EPOCHS,
                '            self._uid = None\n            raise NotSent("restored")\n',
                "            self._uid = None\n            return\n",
            ),
        ),
        (f"{_RESTORE}::test_what_was_claimed_before_an_epoch_began_is_not_sent_in_it",),
    ),
    Guard(
        "a-claim-is-lost-before-it-is-told",
        "A failover would let two processes send one payout, each by a claim of the same number.",
        (Change("worker/store/epochs.py", " or lacks_own)", ")"),),
        (f"{_RESTORE}::test_a_claim_that_is_lost_before_it_is_told_is_not_sent",),
    ),
    Guard(
        "an-epoch-that-was-followed-is-over",
        "A database from the moment before an epoch would send again what was sent in it.",
        (Change(_EPOCHS, "if self._told != uid:", "if False:"),),
        (f"{_RESTORE}::test_a_database_from_the_moment_before_an_epoch_is_noticed",),
    ),
    Guard(
        "a-refusal-speaks-for-its-own-attempt",
        "A debt would count as failed while JD may be paying it by an attempt of before.",
        (
            Change(
                _DOUBT,
                "return dossier.decided is None and (top is None or not top.status.is_final)",
                "return False",
            ),
        ),
        (f"{_RECALL}::test_a_refusal_does_not_speak_for_a_claim_that_was_forgotten",),
    ),
    Guard(
        "a-close-speaks-for-every-claim",
        "What JD has closed would be unknown again, and might be sent again.",
        (
            Change(
                _DOUBT,
                "return dossier.decided is None and (top is None or not top.status.is_final)",
                "return True",
            ),
        ),
        (f"{_RECALL}::test_a_close_speaks_for_every_claim",),
    ),
    Guard(
        "a-reply-answers-by-its-token",
        "A refusal of a lost claim would count for another one, which JD may be paying.",
        (
            Change(
                "worker/store/evidence.py",
                "return news if conn.scalar(same) else news.without_attempt()",
                "return news",
            ),
        ),
        (_EVIDENCE,),
    ),
    Guard(
        "a-refusal-of-a-forgotten-claim-is-silent",
        "A payout that stands as queued would be refused, which no move allows, for ever.",
        (
            Change(
                "worker/payouts/policy/classification.py",
                "is_refusal = is_refusal and evidence.attempt_id is not None",
                "pass",
            ),
        ),
        (f"{_EVIDENCE}::test_a_refusal_of_a_lost_claim_leaves_its_payout_to_be_sent",),
    ),
    Guard(
        "every-epoch-before-is-over",
        "Where people said twice that they restored it, the first epoch could come back unseen.",
        (
            Change(
                "worker/store/epochs.py",
                "return {*conn.scalars(ended), *conn.scalars(last)}",
                "return {*conn.scalars(last)}",
            ),
        ),
        (f"{_RESTORE}::test_a_database_from_the_moment_before_an_epoch_is_noticed",),
    ),
    Guard(
        "what-was-given-up-is-doubted",
        "What was sent could be cancelled and replaced before the failover is noticed.",
        (
            Change(
                "worker/store/epochs.py",
                "_UNFINISHED | _GIVEN_UP & (payouts.c.finalized_at > now - ask_first_for)",
                "_UNFINISHED",
            ),
        ),
        (f"{_RESTORE}::test_what_was_cancelled_before_a_failover_was_noticed_is_asked_about",),
    ),
    Guard(
        "a-doubted-cancellation-frees-nothing",
        "What stands as cancelled in a database that went back would count as unpaid.",
        (
            Change(
                "worker/payouts/policy/proof.py",
                "PayoutStatus.CANCELLED and not is_doubted and not beyond(facts)",
                "PayoutStatus.CANCELLED and not beyond(facts)",
            ),
        ),
        (f"{_RESTORE}::test_one_that_was_set_aside_frees_no_debt",),
    ),
    Guard(
        "a-lease-of-the-backup-is-waited-for",
        "Who still sends a payout, and what its journal names, would be two claims at once.",
        (Change(_ROWS, "if until > now:", "if False:"),),
        (f"{_RECALL}::test_what_is_being_sent_is_recalled_later",),
    ),
    Guard(
        "no-mark-no-sending",
        "A failover while the broker is away would have the number sent again.",
        (Change(_EPOCHS, 'raise NotSent("no_high_water_mark") from away', "return"),),
        (f"{_RESTORE}::test_without_what_remembers_it_nothing_is_sent",),
    ),
    Guard(
        "tokens-tell-attempts-apart",
        "Attempts of a forgotten history have the numbers of later ones, and would pass for them.",
        (
            Change(
                "worker/store/epochs.py",
                "            attempts.c.lease_token"
                ' == sa.bindparam(f"{whose}_token", type_=sa.String),\n',
                "",
            ),
        ),
        (f"{_RESTORE}::test_a_larger_batch_does_not_hide_the_claims_that_were_lost",),
    ),
    Guard(
        "epochs-have-names",
        "After one restore each claim would be taken for the first after another.",
        (Change("worker/store/epochs.py", "uid=self._new_token(),", "uid=installation.c.uid,"),),
        (f"{_RESTORE}::test_what_was_found_once_is_not_found_again",),
    ),
    Guard(
        "mark-never-goes-down",
        "One sweep of the restored database would hide that it was restored.",
        (
            Change(
                "worker/broker/high_water_mark.py",
                "if number(ARGV[1]) > number(known[1]) then",
                "if true then",
            ),
        ),
        ("tests/integration/broker/test_high_water_mark.py::test_it_never_goes_down",),
    ),
    Guard(
        "repeated-job-is-asked-about",
        "A job that the backup lacks would be repeated, and paid a second time.",
        (
            Change(
                "worker/store/acceptance.py", '"doubted_at": restored_at,', '"doubted_at": None,'
            ),
        ),
        (f"{_RESTORE}::test_a_job_that_the_backup_lacks_is_asked_about_before_it_is_sent",),
    ),
    Guard(
        "a-new-doubt-stops-its-payout",
        "What JD is asked about first would be sent meanwhile.",
        (
            Change("worker/payouts/policy/may_send.py", " or is_doubted(facts, limits):", ":"),
            Change("worker/store/due_work.py", "        payouts.c.doubted_at.is_(None),\n", ""),
        ),
        (f"{_RESTORE}::test_a_job_that_the_backup_lacks_is_asked_about_before_it_is_sent",),
    ),
    Guard(
        "a-new-doubt-stops-nobody-else",
        "For a week after a restore each new payout would hold up all the others.",
        (
            Change(
                _CHANNEL,
                "doubted.c.doubted_at >= doubted.c.accepted_at,",
                "doubted.c.doubted_at.is_not(None),",
            ),
        ),
        (f"{_HEALTH}::test_after_a_restore_a_new_payout_is_in_doubt_alone",),
    ),
    Guard(
        "doubt-lasts-for-the-gaps",
        "A request of a forgotten claim, still under way, would be sent a second time.",
        (
            Change(
                _DOUBT,
                "return bool(beyond(facts)) or proven_absent(facts, _forgotten(since, limits),"
                " limits) is None",
                "return bool(beyond(facts)) or not facts.absences",
            ),
        ),
        (f"{_RESTORE}::test_a_doubt_is_lifted_by_the_gaps_of_a_resend",),
    ),
    Guard(
        "doubt-counts-from-the-last-lease",
        "Two early answers would send again what a forgotten claim is still sending.",
        (Change(_DOUBT, "return since + limits.lease", "return since"),),
        (f"{_RESTORE}::test_a_doubt_is_lifted_by_the_gaps_of_a_resend",),
    ),
    Guard(
        "claims-are-journaled",
        "What a restored database has forgotten would be known to nobody.",
        (
            Change(
                "worker/usecases/send.py",
                "            self._journal.record(epoch, claims)\n",
                "",
            ),
        ),
        (f"{_RESTORE}::test_a_claim_is_in_the_journal_before_it_is_sent",),
    ),
    Guard(
        "journal-is-on-disk",
        "The claims of the last seconds before a power cut would be in no journal.",
        (Change(_FILES, "    os.fsync(file)\n", ""),),
        (f"{_JOURNAL}::test_the_file_is_on_disk_before_anything_is_sent",),
    ),
    Guard(
        "full-journal-sends-nothing",
        "Claims would go out that no journal has.",
        (
            Change(
                "worker/store/journal.py",
                "if os.write(file, lines) < len(lines):",
                "if os.write(file, lines) < 0:",
            ),
        ),
        (f"{_JOURNAL}::test_a_full_disk_sends_nothing_and_spoils_nothing",),
    ),
    Guard(
        "torn-line-stays-the-last",
        "A journal whose disk was full once could not be read any more.",
        (
            Change(
                "worker/store/journal.py",
                "                self._end()  # what",
                "                # what",
            ),
        ),
        (f"{_JOURNAL}::test_a_full_disk_sends_nothing_and_spoils_nothing",),
    ),
    Guard(
        "recalled-payout-is-exposed",
        "What is put back would be sent like any new payout.",
        (
            Change(
                "worker/payouts/update.py",
                "PayoutStatus.UNKNOWN if is_behind else payout.status",
                "payout.status",
            ),
            Change(
                "worker/payouts/update.py",
                "        exposed=True,\n        lease_ended_at",
                "        exposed=payout.exposed,\n        lease_ended_at",
            ),
        ),
        (f"{_RECALL}::test_a_claim_that_is_lacking_exposes_its_payout",),
    ),
    Guard(
        "recalled-payout-has-a-case",
        "What is put back would be resent by itself once JD denies it.",
        (
            Change(
                "worker/store/recall.py",
                "open_case(conn, now, after, CaseNote(CaseKind.FORGOTTEN, reopens=True))",
                "pass",
            ),
        ),
        (f"{_RECALL}::test_a_payout_that_is_lacking_is_made_anew",),
    ),
    Guard(
        "recalled-debt-is-taken",
        "The debt of a forgotten payout would be paid under another number.",
        (
            Change(
                "worker/store/recall.py",
                "debts = commit_orders(conn, {0: order}, now, self._seals)",
                "debts: dict[int, int] = {}",
            ),
        ),
        (f"{_RECALL}::test_a_debt_that_is_recalled_is_taken",),
    ),
    Guard(
        "journal-is-asked-at-start",
        "A broker that was restored with its database would hide that both went back.",
        (Change(_EPOCHS, "if journal is not None and", "if False and"),),
        (f"{_RESTORE}::test_a_journal_tells_where_the_mark_has_forgotten",),
    ),
)
