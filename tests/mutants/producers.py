"""
Guards between producers: who shows no good token gets nothing, and nobody hears of another's.
"""

from tests.mutants.guard import Change, Guard

_STORE = "worker/store/producers.py"
_TOKENS = "worker/usecases/producers.py"
_ACCEPT = "worker/usecases/accept.py"
_PROMISES = "tests/contract/test_producers.py"
_ACCEPTED = "tests/unit/usecases/test_accept.py"

GUARDS = (
    Guard(
        "token-expires",
        "A token that was given for a day would hand over payouts for ever.",
        (Change(_STORE, "tokens.c.digest == digest, is_running", "tokens.c.digest == digest"),),
        (f"{_PROMISES}::test_a_token_ends_at_its_moment",),
    ),
    Guard(
        "revoked-token-is-refused",
        "A token that leaked would hand over payouts for ever.",
        (
            Change(
                _STORE,
                "producers.c.disabled_at.is_(None), tokens.c.revoked_at.is_(None)",
                "producers.c.disabled_at.is_(None)",
            ),
        ),
        (f"{_PROMISES}::test_a_revoked_token_is_good_for_nothing",),
    ),
    Guard(
        "disabled-producer-is-refused",
        "An application that was shut out would go on handing over payouts.",
        (
            Change(
                _STORE,
                "producers.c.disabled_at.is_(None), tokens.c.revoked_at.is_(None)",
                "tokens.c.revoked_at.is_(None)",
            ),
        ),
        (f"{_PROMISES}::test_a_disabled_producers_tokens_are_good_for_nothing",),
    ),
    Guard(
        "token-has-one-scope",
        "Whoever may look, as a dashboard does, could hand over payouts.",
        (Change(_TOKENS, "if token.scope is not scope:", "if False:"),),
        ("tests/unit/usecases/test_producers.py::test_a_token_is_good_for_one_thing",),
    ),
    Guard(
        "number-of-another-producer",
        "An application could try out whom another one pays, and how much, number by number.",
        (Change(_ACCEPT, "if payout.producer != order.producer:", "if False:"),),
        (f"{_ACCEPTED}::test_another_producers_number_tells_nothing",),
    ),
    Guard(
        "debt-of-another-producer",
        "An application would be told the numbers and amounts of another's payouts.",
        (
            Change(
                _ACCEPT,
                "if self._ledger.producers_of(order.obligation) != {order.producer}:",
                "if False:",
            ),
        ),
        (f"{_ACCEPTED}::test_another_producers_debt_tells_nothing",),
    ),
)
