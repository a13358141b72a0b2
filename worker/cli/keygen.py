"""
`payouts keygen`: a key for payee data.
"""

import click

from worker.cli.output import Page, answering
from worker.store.keyring import Keyring


@click.command()
@answering
def keygen() -> Page:
    """
    Print a new key for PAYOUTS_KEYRING.

    To rotate, put it in front of the old ones, with a comma between, and run `payouts keys rotate`:
    what the others sealed stays readable only while they are there.
    """
    key = Keyring.generate_key()
    return Page({"key": key}, key)
