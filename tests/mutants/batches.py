"""
Guards of what goes together: many payouts in one commit, each as if it were alone.
"""

from tests.mutants.guard import Change, Guard

_CLAIM = "worker/store/claims.py"
_EVIDENCE = "worker/store/evidence.py"
_ACCEPTANCE = "worker/store/acceptance.py"
_DUE = "worker/store/due_work.py"
_PACE = "worker/payouts/pace.py"
_GROUP = "worker/usecases/group_commit.py"
_IN_FLIGHT = "worker/in_flight.py"
_DISPATCH = "worker/broker/dispatch.py"
_BATCHES = "tests/contract/test_batches.py"
_ENTRIES = "tests/contract/test_entries.py"
_LEASES = "tests/contract/test_leases.py"
_BOUND = f"{_BATCHES}::test_no_more_is_claimed_than_the_pace_allows"
_OWN = f"{_BATCHES}::test_each_outcome_of_a_batch_is_its_own"
_QUESTIONS = f"{_BATCHES}::test_questions_have_a_pace_of_their_own"
_BUCKET = "tests/unit/payouts/test_pace.py"
_TOGETHER = "tests/unit/usecases/test_group_commit.py"
_FLIGHTS = "tests/unit/test_in_flight.py"
_WAKE_UPS = "tests/integration/broker/test_dispatch.py"

GUARDS = (
    Guard(
        "one-payout-for-each-debt",
        "Two payouts of one debt would be claimed at once, each as if the other were not.",
        (
            Change(
                _CLAIM,
                "for debt, payout_id in first.items()",
                "for payout_id, debt in owed_by.items()",
            ),
        ),
        (f"{_BATCHES}::test_of_two_payouts_that_share_a_debt_one_is_claimed",),
    ),
    Guard(
        "tokens-bound-a-claim",
        "A batch would go out faster than JD allows, and be refused or lost.",
        (Change(_CLAIM, "payout_ids[:tokens]", "payout_ids"),),
        (_BOUND,),
    ),
    Guard(
        "sends-spend-tokens",
        "The pace would hold within a batch, and not from one to the next.",
        (Change(_CLAIM, "spend(conn, claimant.customer_no, PaceKind.SEND, full_at)", "pass"),),
        (_BOUND,),
    ),
    Guard(
        "tokens-bound-the-questions",
        "JD would be asked faster than it allows, and answer nothing more.",
        (Change(_DUE, "taken = found[:tokens]", "taken = found"),),
        (_QUESTIONS,),
    ),
    Guard(
        "questions-spend-tokens",
        "The pace of questions would hold within a batch, and not from one to the next.",
        (Change(_DUE, "spend(conn, asker.customer_no, PaceKind.QUERY, full_at)", "pass"),),
        (_QUESTIONS,),
    ),
    Guard(
        "each-kind-has-its-bucket",
        "Questions would wait until nothing is sent any more, and outcomes stay unknown.",
        (
            Change(
                _DUE,
                "self._locks.pace(conn, asker.customer_no, PaceKind.QUERY)",
                "self._locks.pace(conn, asker.customer_no, PaceKind.SEND)",
            ),
            Change(
                _DUE,
                "spend(conn, asker.customer_no, PaceKind.QUERY, full_at)",
                "spend(conn, asker.customer_no, PaceKind.SEND, full_at)",
            ),
        ),
        (_QUESTIONS,),
    ),
    Guard(
        "a-bucket-keeps-what-it-owes",
        "Tokens that were taken would be there again at once.",
        (
            Change(
                _PACE,
                "return now + self._owed(full_at, now) + tokens * self.every",
                "return now + tokens * self.every",
            ),
        ),
        (_BUCKET,),
    ),
    Guard(
        "answer-is-kept-with-its-payout",
        "The success of one payout would be stored for another of its batch.",
        (
            Change(
                _EVIDENCE,
                "files = [(locked[news[place].payout_id], news[place]) for place in places]",
                "files = [*zip(locked.values(), map(news.__getitem__, places[::-1]))]",
            ),
        ),
        (_OWN,),
    ),
    Guard(
        "answer-is-kept-with-its-attempt",
        "A refusal would take back an attempt that it does not answer.",
        (Change("worker/store/rows.py", '"attempt_id": told.attempt_id,', '"attempt_id": None,'),),
        (_OWN, _LEASES, "tests/contract/test_evidence.py"),
    ),
    Guard(
        "stored-answers-keep-their-order",
        "One payout would be judged by the number of another one's evidence.",
        (
            Change(
                _EVIDENCE,
                "ids |= zip(answers, stored, strict=True)",
                "ids |= zip(answers, reversed(stored.all()), strict=True)",
            ),
        ),
        (f"{_BATCHES}::test_what_is_judged_has_the_number_that_it_is_stored_under",),
    ),
    Guard(
        "lost-lease-closes-no-attempt",
        "A worker back from the dead would write its own end over what the sweep has found.",
        (
            Change(
                _EVIDENCE,
                "if news.ending and locked.payout.lease_token == news.ending.attempt.lease_token",
                "if news.ending",
            ),
        ),
        (_LEASES, "tests/contract/test_due_work.py"),
    ),
    Guard(
        "each-hears-its-own-result",
        "A thread would take what became of another payout for what became of its own.",
        (
            Change(
                _GROUP,
                "for waiting, result in zip(group, results, strict=True):",
                "for waiting, result in zip(group, reversed(results), strict=True):",
            ),
        ),
        (_TOGETHER,),
    ),
    Guard(
        "what-fails-together-is-kept-alone",
        "The fault of one payout would lose what JD said of forty-nine others.",
        (Change(_GROUP, "if len(group) == 1 or _is_away(fault):", "if True:"),),
        (f"{_TOGETHER}::test_the_fault_of_one_is_nobody_elses",),
    ),
    Guard(
        "a-row-that-is-taken-is-not-the-database",
        "One frozen process would have forty-nine other payouts' answers thrown away.",
        (Change(_GROUP, " and not isinstance(fault, StoreBusy)", ""),),
        (f"{_TOGETHER}::test_a_row_that_someone_holds_is_nobody_elses_fault",),
    ),
    Guard(
        "a-lock-is-told-from-an-outage",
        "One frozen process would have forty-nine other payouts' answers thrown away.",
        (
            Change(
                "worker/store/faults.py",
                "if held else StoreUnavailable",
                "if False else StoreUnavailable",
            ),
        ),
        ("tests/unit/store/test_faults.py",),
    ),
    Guard(
        "notices-of-one-payout-follow-each-other",
        "Two notifications that come together would be judged each as if the other had not come.",
        (
            Change(
                _EVIDENCE,
                "            held = None  # what",
                "            held = held  # what",
            ),
        ),
        (f"{_BATCHES}::test_notifications_of_one_payout_follow_each_other",),
    ),
    Guard(
        "each-notice-finds-its-own-payout",
        "What JD said of one payout would be kept, and judged, as said of another.",
        (
            Change(
                "worker/store/notifications.py",
                "_noticed(locked[numbers[place]], answers[place])",
                "_noticed(locked[numbers[place]], answers[known[0]])",
            ),
        ),
        (f"{_BATCHES}::test_notifications_that_come_together_find_each_its_payout",),
    ),
    Guard(
        "jobs-of-one-debt-follow-each-other",
        "Two jobs that come together would each be paid what is left of a debt but once.",
        (Change(_ACCEPTANCE, "if known & names), default=0)", "if False), default=0)"),),
        (f"{_ENTRIES}::test_jobs_that_come_together_share_a_debt_as_if_they_had_come_alone",),
    ),
    Guard(
        "a-taken-number-is-its-jobs-alone",
        "A producer that repeats itself would have fifty other jobs accepted one by one.",
        (Change(_ACCEPTANCE, "if number not in taken]", "if True]"),),
        (f"{_ENTRIES}::test_a_job_that_cannot_be_is_nobody_elses_trouble",),
    ),
    Guard(
        "no-more-than-there-is-room-for",
        "Payouts would be claimed that no thread is free to send, and their leases run out.",
        (Change(_IN_FLIGHT, "taken = take(min(room, BATCH))", "taken = take(BATCH)"),),
        (_FLIGHTS,),
    ),
    Guard(
        "no-more-than-a-batch",
        "One commit would hold the locks of thousands of payouts.",
        (Change(_IN_FLIGHT, "taken = take(min(room, BATCH))", "taken = take(room)"),),
        (_FLIGHTS,),
    ),
    Guard(
        "wake-up-goes-to-an-empty-queue",
        "Wake-ups would pile up at the broker, each of them to look for what is done.",
        (Change(_DISPATCH, "if _is_empty(producer.channel, queue):", "if True:"),),
        (_WAKE_UPS,),
    ),
)
