"""
Guards of sealed jobs: nobody but a producer says whom to pay, and the row still says so.
"""

from tests.mutants.guard import Change, Guard

_PROVENANCE = "worker/payouts/policy/provenance.py"
_SEALING = "worker/intake/sealing.py"
_KEYS = "worker/store/job_keys.py"
_ACCEPT = "worker/usecases/accept.py"
_OPENED = "tests/unit/intake/test_sealing.py"
_TAKEN = "tests/unit/usecases/test_sealed_jobs.py"
_KEPT = "tests/contract/test_job_keys.py"

GUARDS = (
    Guard(
        "unsealed-moves-no-money",
        "Whoever can write to the broker could have anybody paid.",
        (Change(_PROVENANCE, "    if is_play_money(terms.profile):\n", "    if True:\n"),),
        (f"{_TAKEN}::test_without_a_seal_no_money_moves",),
    ),
    Guard(
        "row-is-held-against-its-seal",
        "Whoever has the keys of the database could have anybody paid.",
        (Change("worker/usecases/send.py", "if not self._is_as_sealed(draft):", "if False:"),),
        (f"{_TAKEN}::test_a_row_is_held_against_its_producers_seal",),
    ),
    Guard(
        "seal-is-for-this-merchant",
        "A job for another merchant's account would be paid from this one.",
        (
            Change(
                _PROVENANCE,
                "if (claims.merchant, claims.profile) != (terms.customer_no, terms.profile):",
                "if False:",
            ),
        ),
        (f"{_TAKEN}::test_a_seal_is_good_here_and_now",),
    ),
    Guard(
        "retired-key-opens-nothing-new",
        "Whoever stole a key could go on after it was retired.",
        (Change(_PROVENANCE, "if not key.is_good:", "if False:"),),
        (f"{_TAKEN}::test_a_disabled_producers_keys_end",),
    ),
    Guard(
        "seal-expires",
        "A job that was kept back for months would be paid then.",
        (Change(_PROVENANCE, "if claims.expires <= now:", "if False:"),),
        (f"{_TAKEN}::test_a_seal_is_good_here_and_now",),
    ),
    Guard(
        "seal-is-for-what-it-says",
        "What was to withdraw a payout would make one, or the other way round.",
        (Change(_ACCEPT, "if purpose not in {None, claims.purpose}:", "if False:"),),
        (f"{_TAKEN}::test_a_seal_for_something_else_than_the_address_is_refused",),
    ),
    Guard(
        "header-says-nothing-else",
        "A compression, or a key in the header itself, would be believed.",
        (Change(_SEALING, 'or {*header} != {*expected, "kid", *more} ', ""),),
        (f"{_OPENED}::test_whatever_no_key_of_ours_has_sealed_is_not_opened",),
    ),
    Guard(
        "key-does-what-it-is-for",
        "What a public key opens, anybody could have sealed.",
        (Change(_SEALING, "if key is None or key.kind is not kind:", "if key is None:"),),
        (f"{_OPENED}::test_whatever_no_key_of_ours_has_sealed_is_not_opened",),
    ),
    Guard(
        "debt-is-named-where-money-moves",
        "A producer that tries again under a new number would pay twice.",
        (Change(_SEALING, "is_play_money(claims.profile)", "True"),),
        (f"{_OPENED}::test_what_is_sealed_must_be_right_as_well",),
    ),
    Guard(
        "key-is-what-was-registered",
        "Whoever writes to the database could register a key.",
        (Change(_KEYS, "for key in keys if key.is_intact", "for key in keys"),),
        (f"{_KEPT}::test_a_key_that_somebody_changed_opens_nothing",),
    ),
    Guard(
        "another-person-approves-a-key",
        "One person alone could make a producer of their own.",
        (
            Change(
                _KEYS, "check_second(key.added_by, person, read_register(conn), profile)", "pass"
            ),
        ),
        (f"{_KEPT}::test_where_money_moves_another_person_lets_a_key_count",),
    ),
    Guard(
        "disabled-producers-keys-end",
        "An application that was shut out would go on.",
        (
            Change(
                "worker/store/producers.py",
                "retire_keys_of(conn, name, who, why, now, self._seals)",
                "pass",
            ),
        ),
        (f"{_TAKEN}::test_a_disabled_producers_keys_end",),
    ),
)
