"""
Guards of the HTTP API: what is told to whom, and what is said of money.
"""

from tests.mutants.guard import Change, Guard

_OWN = "worker/store/own_payouts.py"
_REPAYMENT = "worker/payouts/policy/repayment.py"
_REQUESTS = "worker/web/api/requests.py"
_CONTRACT = "tests/contract/test_own_payouts.py"
_UNSAFE = "tests/unit/policy/test_repayment.py::test_a_freed_obligation_may_be_unsafe_again"

GUARDS = (
    Guard(
        "producer-sees-its-own",
        "An application would see, and withdraw, another's payouts.",
        (
            Change(
                _OWN,
                "payouts.c.customer_no == customer_no, payouts.c.producer == producer",
                "payouts.c.customer_no == customer_no",
            ),
        ),
        (
            f"{_CONTRACT}::test_anothers_payout_is_not_found",
            "tests/contract/test_withdrawals.py::test_anothers_is_not_found",
        ),
    ),
    Guard(
        "producer-sees-one-merchants",
        "A process of one merchant would tell of another's payouts.",
        (
            Change(
                _OWN,
                "payouts.c.customer_no == customer_no, payouts.c.producer == producer",
                "payouts.c.producer == producer",
            ),
        ),
        (f"{_CONTRACT}::test_anothers_payout_is_not_found",),
    ),
    Guard(
        "without-a-key-nothing-is-sealed",
        "A payout would be accepted that nobody can ever send, since no key opens it.",
        (
            Change(
                "worker/store/seals.py",
                'raise BadKeyring("this process holds no key for payee data")',
                'return b""',
            ),
        ),
        (f"{_CONTRACT}::test_without_a_key_all_is_told_but_what_is_sealed",),
    ),
    Guard(
        "accepting-refuses-real-money",
        "Whoever has a token, or can write to the broker, could have real money paid.",
        (
            Change(
                "worker/acceptance.py",
                "refuse_real_money(settings)\n    return Acceptor",
                "return Acceptor",
            ),
        ),
        ("tests/unit/test_bootstrap.py::test_no_job_is_accepted_for_real_money",),
    ),
    Guard(
        "body-is-not-cut-off",
        "The beginning of a body that is too large would be taken for a job.",
        (Change(_REQUESTS, "if len(content) > MAX_BODY_BYTES:", "if False:"),),
        ("tests/integration/api/test_accept.py::test_a_body_of_unknown_length_is_not_cut_off",),
    ),
    Guard(
        "misspelt-filter-is-refused",
        "A list for one status would hold all, and be paid again from.",
        (Change("worker/web/api/models.py", 'extra="forbid"', 'extra="ignore"'),),
        ("tests/integration/api/test_read.py::test_a_query_that_is_misspelt_lists_nothing",),
    ),
    Guard(
        "filter-twice-is-refused",
        "One of two filters would be overlooked.",
        (Change(_REQUESTS, "if len(all_) > 1]", "if False]"),),
        ("tests/integration/api/test_read.py::test_a_query_that_is_misspelt_lists_nothing",),
    ),
    Guard(
        "repay-not-while-spoilt",
        "A payout that JD called paid after all would be told as one to pay again.",
        (
            Change(
                _REPAYMENT,
                "if own.debt is None or may_keep_fen(own.dossier) > 0:",
                "if own.debt is None:",
            ),
        ),
        (_UNSAFE,),
    ),
    Guard(
        "repay-not-while-replaced",
        "An application would pay again what another payout pays already.",
        (
            Change(
                _REPAYMENT,
                "return left_fen(own.debt, (own.dossier, *own.others))"
                " >= own.dossier.payout.amount_fen",
                "return True",
            ),
        ),
        (_UNSAFE,),
    ),
    Guard(
        "repay-not-in-doubt",
        "What a restored database says of a payout would be taken for proof.",
        (
            Change(
                _REPAYMENT,
                "is_safe=payout.doubted_at is None and _is_left(own)",
                "is_safe=_is_left(own)",
            ),
        ),
        (_UNSAFE,),
    ),
    Guard(
        "repay-not-before-it-is-freed",
        "A payout that failed a moment ago would be told as one to pay again.",
        (Change(_REPAYMENT, "if payout.released_at is None:", "if False:"),),
        ("tests/unit/policy/test_repayment.py::test_the_earliest_moment_is_told",),
    ),
)
