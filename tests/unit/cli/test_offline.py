"""
Commands that need no settings.
"""

import json

from click.testing import CliRunner

from worker.cli import COMMANDS, main
from worker.store.keyring import Keyring


def test_the_schema_of_a_job() -> None:
    """
    `payouts schema` prints a JSON Schema, with and without `--json`.
    """
    plain, machine = (CliRunner().invoke(main, ["schema", *form]) for form in ([], ["--json"]))

    assert json.loads(plain.stdout) == json.loads(machine.stdout)
    assert "amount_fen" in json.loads(machine.stdout)["required"]


def test_a_new_key_fits_the_keyring() -> None:
    """
    `payouts keygen` prints a key and nothing else.
    """
    key = CliRunner().invoke(main, ["keygen"]).stdout.strip()

    assert repr(Keyring([key])) == "Keyring(1 keys, hidden)"


def test_every_command_has_help() -> None:
    """
    Each name in the table leads to a command that says what it does.
    """
    silent = [
        name
        for name in COMMANDS
        if "Usage:" not in CliRunner().invoke(main, [name, "--help"]).stdout
    ]

    assert silent == []


def test_an_unknown_command_is_a_usage_error() -> None:
    """
    Exit code 2.
    """
    assert CliRunner().invoke(main, ["pay"]).exit_code == 2
