"""
Guards of rows: that each is what was written, and that what belongs to it is all there.
"""

from tests.mutants.guard import Change, Guard

_VOUCHING = "worker/store/vouching.py"
_DOSSIERS = "worker/store/dossiers.py"
_OBLIGATION = "worker/payouts/policy/obligation.py"
_FORGED = "tests/tampering/test_rows.py::test_what_a_forger_would_write"
_HIDDEN = "tests/tampering/test_rows.py::test_an_older_payout_of_a_debt_is_not_hidden"
_EACH = "tests/tampering/test_vouched.py::test_each_column_is_vouched_for"
_APPROVED = "tests/tampering/test_vouched.py::test_a_proposal_that_was_changed_is_not_approved"
_ENDED = "tests/tampering/test_vouched.py::test_two_people_end_what_nobody_vouches_for"
_TAKEN = "tests/tampering/test_vouched.py::test_what_was_taken_away_is_missed"
_EXCHANGED = "tests/tampering/test_vouched.py::test_messages_that_are_exchanged_are_missed"
_ORDER = "tests/tampering/test_vouched.py::test_messages_in_another_order_are_missed"
_OLDER = "tests/tampering/test_vouched.py::test_what_passes_for_an_older_version_is_not_believed"
_STAYS = "tests/tampering/test_vouched.py::test_what_was_changed_stays_so"
_LOST = "tests/unit/usecases/test_lost_key.py"

_RECORD = "tests/tampering/test_history.py::test_each_column_of_a_record_is_chained"
_OLDER_STATE = "tests/tampering/test_history.py::test_an_older_state_of_a_whole_payout_is_found"
_SEEN = "tests/contract/test_checkpoints.py::test_a_checkpoint_that_was_changed_is_told"
_MADE_UP = "tests/tampering/test_history.py::test_a_decision_that_nobody_made_is_found"

GUARDS = (
    Guard(
        "history-is-vouched-for",
        "Whoever takes a decision away could have the row say that there was none.",
        (
            Change(
                "worker/store/tables.py",
                "and_to=bindings.PROVEN, named=bindings.HISTORY",
                "and_to=bindings.PROVEN",
            ),
        ),
        (_EACH,),
    ),
    Guard(
        "history-is-compared",
        "A decision that nobody made would pass for an operator's.",
        (
            Change(
                "worker/store/integrity.py",
                "history and history != links.end",
                "history is None",
            ),
        ),
        (_MADE_UP, _RECORD),
    ),
    Guard(
        "history-goes-on-from-what-a-checkpoint-saw",
        "An older state of a payout that was paid, put back whole, would not be noticed.",
        (Change("worker/store/integrity.py", "if not links.had(known):", "if False:"),),
        (_OLDER_STATE,),
    ),
    Guard(
        "checkpoint-covers-those-before-it",
        "What a checkpoint saw of a payout could be taken away.",
        (Change("worker/payouts/checkpoint.py", "[before, number, *(", "[number, *("),),
        ("tests/contract/test_checkpoints.py::test_each_covers_those_before_it",),
    ),
    Guard(
        "checkpoint-is-vouched-for",
        "Whoever writes to the database could write checkpoints of his own.",
        (
            Change(
                "worker/store/checkpoints.py",
                "not self._seals.vouches(checkpoints.c.seal, row)",
                "False",
            ),
        ),
        (_SEEN,),
    ),
    Guard(
        "a-link-follows-the-one-before",
        "What came first in a payout's history could be taken away.",
        (
            Change(
                "worker/payouts/history.py",
                "json.dumps([before, kind, *plain])",
                "json.dumps([kind, *plain])",
            ),
        ),
        ("tests/tampering/test_history.py::test_a_record_that_is_gone_is_missed",),
    ),
    Guard(
        "row-is-vouched-for",
        "A payout that was paid would be sent again for a status that someone wrote.",
        (Change(_VOUCHING, "*counts, seals.vouches(payouts.c.seal, row), h", "*counts, True, h"),),
        (_EACH,),
    ),
    Guard(
        "row-without-a-seal-is-of-an-older-version",
        "Whoever takes the seal away could write what he likes.",
        (Change(_VOUCHING, "is_vouched_for(row) or not seals", "not seals"),),
        (_FORGED,),
    ),
    Guard(
        "row-of-an-older-version-has-its-payee",
        "A row would pass for an older version's that no version wrote.",
        (
            Change(
                _VOUCHING,
                "or not seals.vouches(payouts.c.sealed_payee, row):",
                "or not row:",
            ),
        ),
        (_OLDER,),
    ),
    Guard(
        "broken-seal-stays-broken",
        "A row that was changed would pass for ours after the next answer of JD's.",
        (
            Change(
                _VOUCHING,
                "if payout.vouched is None or not payout.vouched.holds:",
                "if payout.vouched is None:",
            ),
        ),
        (_STAYS,),
    ),
    Guard(
        "attempts-are-counted",
        "A payout that JD may have would seem never to have been sent.",
        (
            Change(
                _DOSSIERS,
                "and len(tries) == vouched.attempts",
            ),
        ),
        (_HIDDEN,),
    ),
    Guard(
        "attempts-are-vouched-for",
        "An attempt that may have reached JD would seem never to have been connected.",
        (Change(_DOSSIERS, "all(is_attempt_of(payout, row, seals) for row in tries)", "True"),),
        (_EACH,),
    ),
    Guard(
        "messages-are-counted",
        "JD's word would be taken away, and what it proves.",
        (Change(_DOSSIERS, "and len(pieces) == vouched.messages", ""),),
        (_TAKEN,),
    ),
    Guard(
        "messages-are-of-their-payout",
        "What JD says of one payout would count for another.",
        (Change(_DOSSIERS, "return is_own and ", "return "),),
        (_EXCHANGED,),
    ),
    Guard(
        "messages-have-their-places",
        "What JD told after two people decided would seem to have come before.",
        (Change(_DOSSIERS, 'is_own and row["place"] in {None, count}', "is_own"),),
        (_ORDER,),
    ),
    Guard(
        "decision-is-vouched-for",
        "Two people would seem to have ended a payout that nobody looked at.",
        (
            Change(
                _DOSSIERS,
                "or not is_proposal_of(payout, decided, known_to(decided, ids), seals)",
                "",
            ),
        ),
        (_EACH,),
    ),
    Guard(
        "proposal-is-vouched-for",
        "The second person would approve what the first did not propose.",
        (
            Change(
                "worker/store/proposals.py",
                "if not is_proposal_of(dossier.payout, row, known, self._seals):",
                "if False:",
            ),
        ),
        (_APPROVED,),
    ),
    Guard(
        "debt-is-whole-at-the-claim",
        "Hiding the older payout of a debt would have it paid twice.",
        (
            Change(
                "worker/store/claims.py",
                'if not is_whole(debt.obligation, [known[row["id"]] for row in debt.rows]):',
                "if False:",
            ),
        ),
        (_HIDDEN,),
    ),
    Guard(
        "debt-counts-its-payouts",
        "A payout that was moved to another debt would not be missed.",
        (Change(_OBLIGATION, "len(dossiers) == obligation.payout_count and ", ""),),
        (_HIDDEN,),
    ),
    Guard(
        "debt-is-vouched-for",
        "More would be owed than anybody said.",
        (Change(_VOUCHING, "return seals.vouches(obligations.c.seal, row)", "return True"),),
        (_HIDDEN, _EACH),
    ),
    Guard(
        "nothing-follows-from-a-changed-row",
        "A status would be derived from what someone wrote.",
        (
            Change(
                "worker/payouts/policy/state.py",
                "if not payout.is_intact:\n        return _standstill(facts)\n    ",
                "",
            ),
        ),
        (_LOST,),
    ),
    Guard(
        "nobody-acts-alone-on-a-changed-row",
        "A payout that was paid would be withdrawn, and its debt freed.",
        (Change("worker/payouts/policy/actions.py", "check_intact(facts)\n    ", ""),),
        (_LOST,),
    ),
    Guard(
        "two-people-can-end-a-changed-row",
        "Its debt would be blocked for ever.",
        (
            Change(
                "worker/store/renewal.py",
                "payout = replace(payout, vouched=Vouched(*belongs, history=history))",
            ),
        ),
        (_ENDED,),
    ),
)
