"""
Guards of what is sealed: that it opens in its own place only, and that no key is lost.
"""

from tests.mutants.guard import Change, Guard

_KEYRING = "worker/store/keyring.py"
_SEALS = "worker/store/seals.py"
_KEYS = "worker/store/keys.py"
_BINDINGS = "worker/store/bindings.py"
_MOVED = "tests/contract/test_seals.py::test_what_is_moved_from_anywhere_does_not_open"
_BESIDE = "tests/contract/test_seals.py::test_beside_another_value_it_does_not_open"
_FIXED = "tests/unit/usecases/test_tampering.py::test_what_acceptance_fixed_is_not_sent_otherwise"
_TAMPERING = "tests/unit/usecases/test_tampering.py"
_ROTATED = "tests/contract/test_keys.py"

GUARDS = (
    Guard(
        "seal-is-bound",
        "A payee copied to another payout's row would be paid for it.",
        (
            Change(
                _KEYRING,
                "key.aead.encrypt(nonce, _encoded(content), head + bound_to)",
                "key.aead.encrypt(nonce, _encoded(content), head)",
            ),
            Change(
                _KEYRING,
                "self._keys[key_id].aead.decrypt(nonce, encrypted, head + bound_to)",
                "self._keys[key_id].aead.decrypt(nonce, encrypted, head)",
            ),
        ),
        (_MOVED,),
    ),
    Guard(
        "seal-is-bound-to-its-column",
        "What one column holds would be taken for another's.",
        (
            Change(
                _SEALS, "[self._uid, column.table.name, column.name, *facts]", "[self._uid, *facts]"
            ),
        ),
        (_MOVED,),
    ),
    Guard(
        "seal-is-bound-to-its-installation",
        "A row of the sandbox, or of another merchant's database, would be paid here.",
        (Change(_SEALS, "[self._uid, column.table.name,", "[column.table.name,"),),
        ("tests/contract/test_seals.py::test_a_whole_row_of_another_installation_does_not_open",),
    ),
    Guard(
        "seal-is-bound-to-the-amount",
        "Whoever can write to the database would choose how much is paid.",
        (
            Change(
                _BINDINGS,
                '"notify_url", "out_trade_no", "amount_fen", "currency"',
                '"notify_url", "out_trade_no", "currency"',
            ),
        ),
        (f"{_FIXED}[amount_fen]",),
    ),
    Guard(
        "seal-is-bound-to-the-debt",
        "A debt would be paid twice, under the name of another.",
        (
            Change(
                _BINDINGS,
                '*("obligation", "producer", "send_before"),',
                '*("producer", "send_before"),',
            ),
        ),
        ("tests/contract/test_seals.py::test_what_acceptance_fixed_is_beside_the_payee",),
    ),
    Guard(
        "seal-names-its-key",
        "A seal would be opened by another key than its own.",
        (
            Change(_KEYRING, "_encoded(content), head + bound_to)", "_encoded(content), bound_to)"),
            Change(_KEYRING, "encrypted, head + bound_to)", "encrypted, bound_to)"),
        ),
        ("tests/unit/store/test_keyring.py::test_a_seal_is_what_the_documents_say",),
    ),
    Guard(
        "tampered-payout-has-a-case",
        "A changed row would be tried for ever, and nobody would know.",
        (
            Change(
                "worker/usecases/send.py",
                "if isinstance(fault, SealError):",
                "if isinstance(fault, WrongKey):",
            ),
        ),
        (_FIXED,),
    ),
    Guard(
        "changed-message-says-nothing",
        "Whoever can write to the database would have JD say that it knows nothing of a payout.",
        (
            Change(
                "worker/payouts/policy/classification.py", "if not evidence.is_intact:", "if False:"
            ),
        ),
        (f"{_TAMPERING}::test_a_message_that_was_changed_proves_nothing",),
    ),
    Guard(
        "changed-message-is-seen",
        "A status written into the database would pass for JD's.",
        (Change(_BINDINGS, '*("trade_status", "trade_no"', '*("trade_no"'),),
        (f"{_TAMPERING}::test_a_message_that_was_changed_proves_nothing[evidence.trade_status]",),
    ),
    Guard(
        "changed-message-stops-the-claim",
        "A payout would be sent again on a message that was changed after it was judged.",
        (
            Change(
                "worker/usecases/send.py",
                "if not all(evidence.is_intact for evidence in draft.dossier.evidence):",
                "if False:",
            ),
        ),
        (f"{_TAMPERING}::test_a_queued_payout_with_a_changed_message_is_not_sent",),
    ),
    Guard(
        "changed-message-spoils-a-proof",
        "A debt would be freed on JD's silence, though a word of JD's was changed.",
        (
            Change(
                "worker/payouts/policy/signs.py",
                "    odd += [tampered.evidence for tampered in facts.tampered]\n",
            ),
        ),
        (
            "tests/unit/policy/test_signs.py::test_what_was_changed_in_the_database_spoils_everything",
        ),
    ),
    Guard(
        "version-before-can-read",
        "Workers of the version before would take every new row for one whose key is lost.",
        (
            Change(
                _SEALS,
                "return Manner(named if named in keyring.ids else newest, form)",
                "return Manner(named if named in keyring.ids else newest, Form.VOUCHED)",
            ),
        ),
        (f"{_ROTATED}::test_until_the_keys_are_rotated_the_version_before_reads_everything",),
    ),
    Guard(
        "version-before-may-not-start",
        "It would find rows that it cannot read, and open a case on each.",
        (Change(_KEYS, "raise_oldest_program(conn, OLDEST_WITH_CHAINS)", "pass"),),
        (f"{_ROTATED}::test_everything_is_sealed_anew",),
    ),
    Guard(
        "migration-does-not-let-it-start-again",
        "Migrating once more would let the version before start on rows that it cannot read.",
        (
            Change(
                "worker/store/installation.py",
                "sa.update(installation).where(sa.or_(oldest.is_(None), oldest < revision))",
                "sa.update(installation)",
            ),
        ),
        (f"{_ROTATED}::test_migrating_again_lets_no_older_version_start",),
    ),
    Guard(
        "unbound-key-may-not-go-on",
        "What it sealed unbound could be moved from row to row for ever.",
        (Change(_KEYS, "if sealed_by == key_id:", "if False:"),),
        (f"{_ROTATED}::test_a_key_that_sealed_unbound_may_not_go_on",),
    ),
    Guard(
        "needed-key-is-kept",
        "Payouts would lose their payees with the key.",
        (Change(_KEYS, "counts.get(key_id, 0) + counts.get(None, 0)", "counts.get(None, 0)"),),
        (f"{_ROTATED}::test_a_key_is_retired_once_nothing_needs_it",),
    ),
    Guard(
        "key-that-is-not-named-is-kept",
        "What Fernet sealed would lose its key.",
        (Change(_KEYS, "counts.get(key_id, 0) + counts.get(None, 0)", "counts.get(key_id, 0)"),),
        (f"{_ROTATED}::test_what_names_no_key_keeps_all_of_them",),
    ),
    Guard(
        "key-of-a-running-process-is-kept",
        "A process would seal with a key that was just thrown away.",
        (Change(_KEYS, "if now < last:", "if False:"),),
        (f"{_ROTATED}::test_a_key_is_retired_once_nothing_needs_it",),
    ),
    Guard(
        "resealing-passes-over-what-is-held",
        "Whoever works on a payout, and who seals it anew, would wait for each other.",
        (Change(_KEYS, "skip_locked=True", "skip_locked=False"),),
        (f"{_ROTATED}::test_a_row_that_is_being_worked_on_is_not_waited_for[postgres]",),
    ),
    Guard(
        "running-process-looks-again",
        "It would seal with the key before until it is restarted, and that key is thrown away.",
        (
            Change(
                _SEALS,
                "self._uid is None or (to_seal and self._steady() >= self._look_at)",
                "self._uid is None",
            ),
        ),
        (f"{_ROTATED}::test_a_running_process_takes_up_the_next_key",),
    ),
)
