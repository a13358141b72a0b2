"""
``python -m tests.hostile``: exit 0 if nothing was wrong, 1 if something was.
"""

import logging
import sys
import time
from functools import partial

import click

from tests.doubles.ledger import MemoryLedger
from tests.doubles.world import Clock
from tests.hostile.trial import Tally, Trial, lines, resident_mib

#: A ledger in memory keeps everything it was told, so each has so many messages alone.
_LEDGER = 10_000


@click.command()
@click.option("--messages", default=100_000, show_default=True, help="How many to put.")
@click.option("--seed", default=1, show_default=True, help="Decides all of them.")
def main(messages: int, seed: int) -> None:
    """
    Put hostile replies and notifications to the service and the receiver.
    """
    logging.getLogger("jdpay_payouts").addHandler(logging.NullHandler())
    begun, before = time.monotonic(), resident_mib()
    tally = Tally()
    for place in range(0, messages, _LEDGER):
        clock = Clock()
        trial = Trial(MemoryLedger(clock), partial(clock.advance, seconds=1))
        tally.merge(trial.run(seed + place, min(_LEDGER, messages - place)))
    for line in lines(tally):
        click.echo(line)
    seconds = time.monotonic() - begun
    click.echo(f"{seconds:.0f} s, {resident_mib() - before:.0f} MiB more than at the beginning")
    sys.exit(1 if tally.faults else 0)


if __name__ == "__main__":
    main()
