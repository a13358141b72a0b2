"""
Guards of the use cases: the order of the steps, and what they ask before they act.
"""

from tests.mutants.guard import Change, Guard

_SEND = "worker/usecases/send.py"
_QUERY = "worker/usecases/query.py"
_ACCEPT = "worker/usecases/accept.py"
_SWEEP = "worker/usecases/sweep.py"
_EVIDENCE = "worker/usecases/evidence.py"
_SENDING = "tests/unit/usecases/test_send.py"
_WEB = "tests/integration/web/test_durability.py"
_FOLLOWING = "tests/unit/usecases/test_query.py"

GUARDS = (
    Guard(
        "commit-before-send",
        "A worker that dies after sending would leave a payout that looks unsent.",
        (
            Change(
                _SEND,
                "return self._gateway.render(draft.order, payout.terms, draft.at)",
                "text = self._gateway.render(draft.order, payout.terms, draft.at)\n"
                "        self._gateway.submit(text, payout.terms, lambda: None)\n"
                "        return text",
            ),
        ),
        (f"{_SENDING}::test_the_claim_is_committed_before_the_connection",),
    ),
    Guard(
        "may-it-be-sent",
        "Whoever wakes a worker could have any payout sent again.",
        (
            Change(
                _SEND,
                "if not may_send(gather_facts(draft.dossier), draft.at, self._limits):",
                "if not (gather_facts(draft.dossier) and may_send):",
            ),
        ),
        (f"{_SENDING}::test_what_was_answered_is_not_sent_again_by_itself",),
    ),
    Guard(
        "only-our-own-merchant",
        "A payout of another merchant would be sent with our keys.",
        (Change(_SEND, "if not self._handler.is_ours(payout):", "if False:"),),
        (f"{_SENDING}::test_a_payout_of_another_merchant_is_not_touched",),
    ),
    Guard(
        "waiting-evidence-comes-first",
        "A payout would be sent although JD's word that it has it lies in the ledger.",
        (
            Change(
                _SEND,
                "if any(evidence.applied_at is None for evidence in draft.dossier.evidence):",
                "if False:",
            ),
        ),
        (f"{_SENDING}::test_an_answer_that_waits_may_open_a_case",),
    ),
    Guard(
        "resend-is-the-same-request",
        "JD would see another request under the number, and could book both.",
        (Change(_SEND, "if draft.request is not None:", "if False:"),),
        (f"{_SENDING}::test_a_resend_is_the_same_request",),
    ),
    Guard(
        "lease-is-renewed-before-connecting",
        "A worker that slept over its lease would send beside its successor.",
        (
            Change(
                _SEND,
                "if not has_leave and not self._ledger.renew(claim.attempt, self._limits.lease):",
                "if False:",
            ),
        ),
        (f"{_SENDING}::test_a_worker_that_slept_over_its_lease_does_not_connect",),
    ),
    Guard(
        "leave-to-connect-ends",
        "A worker that slept after its claim would send beside its successor.",
        (Change(_SEND, "not connected and self._steady() <= leave_until", "not connected"),),
        (f"{_SENDING}::test_a_worker_that_slept_over_its_lease_does_not_connect",),
    ),
    Guard(
        "leave-is-for-one-connection",
        "A second try would be made after someone pulled the switch.",
        (Change(_SEND, "not connected and self._steady() <=", "self._steady() <="),),
        (f"{_SENDING}::test_a_second_connection_asks_again",),
    ),
    Guard(
        "leave-begins-before-the-claim",
        "A worker that slept between its claim and the count of that second would not notice.",
        (Change(_SEND, "claim, asked.at + LEAVE_S)", "claim, self._steady() + LEAVE_S)"),),
        (f"{_SENDING}::test_the_leave_begins_before_the_claim",),
    ),
    Guard(
        "lost-answer-is-no-failed-connection",
        "A request that got no answer would be closed as never sent, and sent again.",
        (
            Change(
                _SEND,
                "self._close(claim, AttemptOutcome.NO_ANSWER, error.detail)",
                "self._close(claim, AttemptOutcome.NOT_CONNECTED, error.detail)",
            ),
        ),
        (f"{_SENDING}::test_what_becomes_of_a_submission",),
    ),
    Guard(
        "answer-is-stored-with-its-attempt",
        "A worker that dies after closing would lose what JD answered, and resend what JD knows.",
        (
            Change(
                _SEND,
                "Ending(claim.attempt, outcome, detail), answer)",
                "Ending(claim.attempt, outcome, detail), None)",
            ),
        ),
        (f"{_SENDING}::test_an_answered_attempt_has_its_answer",),
    ),
    Guard(
        "what-cannot-be-judged-is-stored",
        "A fault in our decision would lose what JD said, and JD would not say it again.",
        (Change(_EVIDENCE, "            return store(None)\n", "            return None\n"),),
        (f"{_WEB}::test_what_cannot_be_judged_is_stored_all_the_same",),
    ),
    Guard(
        "question-is-dated-when-asked",
        "A not-found from before the sending would be taken for one from after it.",
        (
            Change(
                _QUERY,
                "Told(Source.QUERY, answer, asked_at=question.at)",
                "Told(Source.QUERY, answer, asked_at=self._ledger.now())",
            ),
        ),
        (f"{_FOLLOWING}::test_an_answer_is_as_old_as_its_question",),
    ),
    Guard(
        "expired-job-is-not-accepted",
        "What the producer has given up, and may have paid otherwise, would be paid.",
        (
            Change(
                _ACCEPT,
                "expired = order.send_before is not None and order.send_before <= "
                "self._ledger.now()",
                "expired = False",
            ),
        ),
        ("tests/unit/usecases/test_accept.py::test_a_job_whose_time_is_over_is_a_conflict",),
    ),
    Guard(
        "known-number-with-other-content-is-a-conflict",
        "A producer would believe accepted what is never paid.",
        (Change(_ACCEPT, "if not names:", "if True:"),),
        (
            "tests/unit/usecases/test_accept.py::test_a_known_number_with_other_content_is_a_conflict",
        ),
    ),
    Guard(
        "payee-is-compared",
        "The same number for another payee would pass for the same payout.",
        (Change("worker/payouts/acceptance.py", "return (*own, *payee)", "return (*own,)"),),
        ("tests/unit/payouts/test_model.py::test_payee_fields_are_named_without_values",),
    ),
    Guard(
        "sweep-ends-expired-leases",
        "A payout whose worker died would stay in sending, and nobody would ask about it.",
        (Change(_SWEEP, "*self._ledger.expire_leases(limit), "),),
        (f"{_FOLLOWING}::test_a_lost_worker_is_noticed",),
    ),
    Guard(
        "sweep-judges-what-waits",
        "Evidence that could not be judged at once would lie in the ledger and move nothing.",
        (Change(_SWEEP, ", *self._ledger.find_unapplied(limit)"),),
        (f"{_FOLLOWING}::test_what_was_stored_and_not_judged_is_judged_by_the_sweep",),
    ),
    Guard(
        "unverified-notification-is-refused",
        "A forgery would be stored and acknowledged.",
        (
            Change(
                _EVIDENCE,
                "if not answer.verified or answer.number is None:",
                "if not answer.number:",
            ),
        ),
        (f"{_FOLLOWING}::test_what_is_not_ours_is_not_acknowledged",),
    ),
    Guard(
        "what-waits-is-judged-too",
        "What a process stored that is gone would wait for the sweep.",
        (
            Change(
                "worker/store/evidence.py",
                "judge.decide(dossier, locked.now)",
                "judge.decide(replace(dossier, evidence=dossier.evidence[-1:]), locked.now)",
            ),
        ),
        (f"{_FOLLOWING}::test_what_came_while_nobody_judged_is_judged_with_the_next",),
    ),
    Guard(
        "rights-are-asked-in-a-transaction",
        "A look at the broker's user would send, take and drop messages.",
        (
            Change(
                "worker/cli/doctor/rights.py",
                """            yield ["MULTI"], told
            return
""",
                """            yield ["MULTI"], told
""",
            ),
        ),
        ("tests/integration/cli/test_doctor_rights.py::test_nothing_is_left_behind",),
    ),
)
