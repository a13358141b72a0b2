"""
Guards of what people limit and deny: counted exactly, asked at each claim, and vouched for.
"""

from tests.mutants.guard import Change, Guard

_CLAIM = "worker/store/claim_holds.py"
_DAYS = "worker/store/producer_days.py"
_CHANGES = "worker/store/control_changes.py"
_CONTROLS = "tests/contract/test_controls.py"
_RECORDS = "tests/contract/test_control_records.py"

GUARDS = (
    Guard(
        "limits-hold-a-claim",
        "A stolen key of a producer's would pay as much as its thief wants.",
        (Change("worker/store/claims.py", "if one.claimed.id not in holds", "if True"),),
        (f"{_CONTROLS}::test_an_amount_over_the_limit_is_held",),
    ),
    Guard(
        "day-is-held-while-it-is-counted",
        "Many workers at once would each see room for one more payout.",
        (Change(_DAYS, ".with_for_update()\n)\n_WRITE", ")\n_WRITE"),),
        (f"{_RECORDS}::test_sixteen_workers_count_exactly[postgres-sum]",),
    ),
    Guard(
        "day-counts-what-was-claimed",
        "A limit of a day would be one of a single batch.",
        (
            Change(
                _CLAIM,
                "write_days(conn, [day for name, day in days.items() if day != held[name]], seals)",
                "pass",
            ),
        ),
        (f"{_CONTROLS}::test_the_sum_of_a_day",),
    ),
    Guard(
        "day-gives-back-what-is-free-alone",
        "What was withdrawn before it was ever claimed would make room for more than the limit.",
        (
            Change(
                "worker/payouts/policy/producer_limits.py",
                "if first_sent_at is None or day_of(first_sent_at) != day.day:",
                "if False:",
            ),
            Change(
                _DAYS,
                "if payout.first_sent_at is None or day_of(payout.first_sent_at) != day_of(now):",
                "if False:",
            ),
        ),
        (f"{_CONTROLS}::test_a_debt_that_is_free_gives_its_room_back",),
    ),
    Guard(
        "day-is-vouched-for",
        "Whoever writes to the database would count from nought again.",
        (Change(_DAYS, "if days.keys() != {*producers}:", "if False:"),),
        (f"{_RECORDS}::test_a_count_that_was_changed_has_nothing_sent",),
    ),
    Guard(
        "known-payee-is-opened",
        "A digest that somebody copied would make any payee one who was paid before.",
        (
            Change(
                _DAYS,
                "seals.payee_digest(rows.to_payee(row, seals))",
                'row["payee_digest"]',
            ),
        ),
        (f"{_RECORDS}::test_a_payee_does_not_pass_for_one_who_was_paid",),
    ),
    Guard(
        "deny-list-is-asked-at-the-claim",
        "What was accepted before a payee was denied, or let go since, would be paid.",
        (Change(_CLAIM, "if order.payee.account_no in controls.denied", "if False"),),
        (f"{_CONTROLS}::test_while_a_payee_is_denied_nothing_is_sent_to_it",),
    ),
    Guard(
        "controls-are-vouched-for",
        "Whoever writes to the database would raise a limit, or end an entry of the deny list.",
        (
            Change(
                "worker/store/controls.py",
                "if not is_vouched_for(found, changes, self._seals):",
                "if False:",
            ),
        ),
        (f"{_RECORDS}::test_whoever_changes_a_limit_has_nothing_sent",),
    ),
    Guard(
        "sample-is-not-taken-away",
        "With the sample everything that it vouches for would be gone, and nobody notice.",
        (Change("worker/store/keys.py", "                check_fresh(conn)\n", ""),),
        (f"{_RECORDS}::test_whoever_changes_a_limit_has_nothing_sent",),
    ),
    Guard(
        "raising-a-limit-takes-two",
        "One person would lift what two agreed on.",
        (
            Change(
                _CHANGES,
                "if not takes_two or is_play_money(held.profile):",
                "if True:",
            ),
        ),
        (f"{_CONTROLS}::test_with_real_money_another_person_raises_it",),
    ),
    Guard(
        "who-raises-a-limit-does-not-approve-it",
        "One person would be both.",
        (Change(_CHANGES, "found.proposed_by, person,", "Person(0), person,"),),
        (f"{_CONTROLS}::test_with_real_money_another_person_raises_it",),
    ),
    Guard(
        "over-a-limit-takes-two-with-real-money",
        "One person would let go what two must raise the limit for.",
        (
            Change(
                "worker/payouts/policy/controls.py",
                "payout.reason is Reason.LIMIT and is_play_money(payout.terms.profile)",
                "payout.reason is Reason.LIMIT",
            ),
        ),
        (f"{_CONTROLS}::test_with_real_money_a_person_lets_go_what_fits_a_raised_limit",),
    ),
)
