"""
Guards of doubt: what shows that JD knows more of a payout than a proof says.
"""

from tests.mutants.guard import Change, Guard

_SIGNS = "worker/payouts/policy/signs.py"
_CLASSIFICATION = "worker/payouts/policy/classification.py"
_CASES = "worker/payouts/policy/cases.py"
_CLIENT = "worker/jdpay/client.py"
_UNIT = "tests/unit/policy/test_signs.py"
_STORIES = "tests/unit/usecases/test_contradictions.py"
_LATE = f"{_UNIT}::test_only_what_is_notified_late_and_in_full_leaves_a_return_whole"
_FOREIGN = (
    "tests/unit/jdpay/test_client.py::test_nothing_goes_to_an_address_that_the_settings_do_not_name"
)
_KNOWN = "tests/unit/policy/test_classification.py"

GUARDS = (
    Guard(
        "second-number-spoils-a-proof",
        "JD may have booked the payout twice, and one of the two would prove it unpaid.",
        (Change(_SIGNS, "(*odd, *second_numbers(facts), *further", "(*odd, *further"),),
        (_UNIT,),
    ),
    Guard(
        "what-goes-further-spoils-a-proof",
        "A payout that JD knows more of would be freed, and paid again.",
        (Change(_SIGNS, ", *further(facts, told, since))}", ")}"),),
        (_UNIT,),
    ),
    Guard(
        "any-trace-spoils-silence",
        "JD would be told to know nothing of what it has named in a message.",
        (
            Change(
                _SIGNS, "if told is None or _goes_further", "if told is not None and _goes_further"
            ),
        ),
        (_UNIT,),
    ),
    Guard(
        "unreadable-status-spoils-a-proof",
        "A status that we cannot read may be success, and the payout would be paid again.",
        (Change(_SIGNS, "if evidence.answer.meaning is Meaning.UNREADABLE:", "if False:"),),
        (_UNIT,),
    ),
    Guard(
        "money-spoils-a-close",
        "What JD has paid before it closed the trade would be paid again.",
        (Change(_SIGNS, "if told is TradeStatus.CLOS and status in _MONEY:", "if False:"),),
        (_UNIT,),
    ),
    Guard(
        "late-notification-leaves-a-return",
        "What came back could not be paid anew, since its success was notified after it.",
        (
            Change(
                _SIGNS,
                "if told is TradeStatus.REFU and is_whole and "
                "evidence.source is Source.NOTIFICATION:",
                "if False:",
            ),
        ),
        (_LATE,),
    ),
    Guard(
        "only-a-notification-is-late",
        "A return that JD has taken back, asked, would be paid again.",
        (
            Change(
                _SIGNS,
                "is_whole and evidence.source is Source.NOTIFICATION:",
                "is_whole:",
            ),
        ),
        (_LATE,),
    ),
    Guard(
        "only-a-whole-notification-is-late",
        "A later return that JD did not tell in full would be taken for an old word.",
        (Change(_SIGNS, "is TradeStatus.REFU and is_whole and", "is TradeStatus.REFU and"),),
        (_LATE,),
    ),
    Guard(
        "only-a-whole-return-is-the-same",
        "A later return that names no amount would count for the one before it.",
        (
            Change(
                _SIGNS,
                "if status is told and (is_whole or told is TradeStatus.CLOS):",
                "if status is told:",
            ),
        ),
        (_LATE,),
    ),
    Guard(
        "later-progress-spoils-a-proof",
        "A close that JD has moved on from would free what may still be paid.",
        (Change(_SIGNS, "return since is not None and evidence.as_of > since", "return False"),),
        (_UNIT,),
    ),
    Guard(
        "earlier-progress-spoils-nothing",
        "No close would ever be proven, since every trade was in progress before.",
        (
            Change(
                _SIGNS,
                "return since is not None and evidence.as_of > since",
                "return since is not None",
            ),
        ),
        (_UNIT,),
    ),
    Guard(
        "trade-number-shows-a-trade",
        "A payout that has a number of JD's would pass for unknown to it.",
        (
            Change(
                _CLASSIFICATION,
                "answer.trade_no is not None or bool(answer.refund_fen)",
                "bool(answer.refund_fen)",
            ),
        ),
        (_UNIT, _STORIES),
    ),
    Guard(
        "amount-that-came-back-shows-a-trade",
        "What came back in part, without a status, would pass for never sent.",
        (
            Change(
                _CLASSIFICATION,
                "answer.trade_no is not None or bool(answer.refund_fen)",
                "answer.trade_no is not None",
            ),
        ),
        (_UNIT, _STORIES),
    ),
    Guard(
        "notification-shows-a-trade",
        "JD, that tells of a trade unasked, would be taken not to have it.",
        (Change(_CLASSIFICATION, "return named or unasked or", "return named or"),),
        (_UNIT, _STORIES),
    ),
    Guard(
        "notification-of-no-number-shows-nothing",
        "A message that names no trade would stand in the way of every proof.",
        (
            Change(
                _CLASSIFICATION,
                "evidence.source is Source.NOTIFICATION and answer.number is not None",
                "evidence.source is Source.NOTIFICATION",
            ),
        ),
        (_UNIT, _STORIES, _KNOWN),
    ),
    Guard(
        "duplicate-shows-a-trade",
        "A number that JD calls used, by our own resend, would be sent a third time.",
        (
            Change(
                _CLASSIFICATION,
                "Meaning.PROCESSED, Meaning.DUPLICATE, Meaning.UNREADABLE",
                "Meaning.PROCESSED, Meaning.UNREADABLE",
            ),
        ),
        (_KNOWN, _UNIT),
    ),
    Guard(
        "unreadable-shows-a-trade",
        "A message with a status that we do not know would count for nothing.",
        (
            Change(
                _CLASSIFICATION,
                "Meaning.DUPLICATE, Meaning.UNREADABLE})",
                "Meaning.DUPLICATE})",
            ),
        ),
        (_UNIT, _STORIES),
    ),
    Guard(
        "newest-question-says-what-came-back",
        "A return that JD has corrected since would be paid again by its first amount.",
        (
            Change(
                "worker/payouts/policy/facts.py",
                "return max(told, key=lambda t: (t.evidence.as_of, t.evidence.id), default=None)",
                "return min(told, key=lambda t: (t.evidence.as_of, t.evidence.id), default=None)",
            ),
        ),
        ("tests/unit/policy/test_obligation.py::test_what_is_left_to_pay",),
    ),
    Guard(
        "case-names-the-newest",
        "A case that was closed would cover what JD says later, and nobody would look.",
        (Change(_CASES, "yield CaseNote(kind, max(ids))", "yield CaseNote(kind, min(ids))"),),
        (f"{_STORIES}::test_closing_a_case_covers_nothing_that_comes_later",),
    ),
    Guard(
        "unconfirmed-end-is-told",
        "A return could never be asked about, at an address that is gone, and nobody would know.",
        (
            Change(
                _CASES,
                "return end_asked_since(facts, status, ended_at, limits)",
                "return None",
            ),
        ),
        ("tests/unit/policy/test_cases.py::test_a_return_that_nobody_can_ask_about_is_told",),
    ),
    Guard(
        "address-is-in-the-settings",
        "Whoever can write a row would have payments sent to a server of his own.",
        (Change(_CLIENT, "if address not in allowed:", "if False:"),),
        (_FOREIGN,),
    ),
)
