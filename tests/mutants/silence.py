"""
Guards of payouts about which JD never answers, or whose address has changed.
"""

from tests.mutants.guard import Change, Guard

_SILENCE = "worker/payouts/policy/silence.py"
_ABSENCE = "worker/payouts/policy/absence.py"
_OBLIGATION = "worker/payouts/policy/obligation.py"
_SILENT = "tests/unit/usecases/test_silence.py"
_MOVED = "tests/unit/usecases/test_redirect.py"
_STORE = "worker/store/silence.py"
_CONTRACT = "tests/contract/test_due_work.py::test_silence_begins_anew_once_jd_has_told_something"

GUARDS = (
    Guard(
        "silence-lasts-a-day",
        "An hour without a network would let two people decide past JD's word.",
        (Change(_SILENCE, "now - since >= SILENT_AFTER and", "True and"),),
        (f"{_SILENT}::test_a_day_of_silence_is_waited_for_and_jd_is_asked_to_the_end",),
    ),
    Guard(
        "silence-is-asked-into",
        "Two people would decide in a silence that nobody has asked into for months.",
        (Change(_SILENCE, " and now - asked_at <= FRESH_WITHIN", ""),),
        (f"{_SILENT}::test_a_day_of_silence_is_waited_for_and_jd_is_asked_to_the_end",),
    ),
    Guard(
        "a-word-of-jds-ends-its-silence",
        "A payout that JD notifies of would be called failed, because it answers no question.",
        (
            Change(
                _SILENCE,
                "return None if any(at >= since for at in told) else since",
                "return since",
            ),
        ),
        (f"{_SILENT}::test_what_jd_notifies_counts_at_once",),
    ),
    Guard(
        "silence-begins-anew",
        "A day without answers of a year ago would count for today.",
        (
            Change(
                _STORE,
                "payouts.c.unanswered_since.is_not(None) & ~told",
                "payouts.c.unanswered_since.is_not(None)",
            ),
        ),
        (_CONTRACT,),
    ),
    Guard(
        "silence-frees-what-two-people-decided-alone",
        "A debt would be freed on an old answer, because JD answers no more.",
        (
            Change(
                _OBLIGATION,
                "if stands(facts) and is_silent(facts, now):",
                "if is_silent(facts, now):",
            ),
        ),
        (f"{_SILENT}::test_silence_alone_frees_nothing",),
    ),
    Guard(
        "a-denial-comes-from-where-it-was-sent",
        "What the old address booked would be sent again, because the new one does not know it.",
        (Change(_ABSENCE, "if since is None or not _may_be_elsewhere(facts, since):", "if True:"),),
        (f"{_MOVED}::test_what_is_not_at_the_new_address_is_not_sent_there",),
    ),
    Guard(
        "a-doubt-is-lifted-where-it-was-sent",
        "What a restored database forgot would be sent again at another address.",
        (Change(_ABSENCE, "if doubted_at is not None and doubted_at <= since:", "if False:"),),
        (f"{_MOVED}::test_a_doubt_is_not_lifted_at_another_address",),
    ),
    Guard(
        "a-redirection-is-remembered",
        "The same: nobody would know any more that a denial came from elsewhere.",
        (
            Change(
                "worker/payouts/policy/effects.py",
                "elsewhere = payout.exposed or payout.doubted_at is not None",
                "elsewhere = False",
            ),
        ),
        (
            f"{_MOVED}::test_what_is_not_at_the_new_address_is_not_sent_there",
            f"{_MOVED}::test_a_doubt_is_not_lifted_at_another_address",
        ),
    ),
    Guard(
        "what-is-under-way-is-not-redirected",
        "Its worker would send it at the old address after the row says the new one.",
        (
            Change(
                "worker/payouts/policy/redirection.py",
                "if possible_from(payout) is None:",
                "if False:",
            ),
        ),
        (f"{_MOVED}::test_what_is_under_way_or_there_already_is_not_redirected",),
    ),
    Guard(
        "what-is-denied-elsewhere-is-a-case",
        "It would be asked about for ever, and nobody would hear of it for weeks.",
        (
            Change(
                "worker/payouts/policy/cases.py",
                "if status is PayoutStatus.UNKNOWN and elsewhere:",
                "if False:",
            ),
        ),
        (f"{_MOVED}::test_what_is_not_at_the_new_address_is_not_sent_there",),
    ),
)
