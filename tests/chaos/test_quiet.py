"""
The hour without faults, short: nothing is told under load, and what is wrong would be.
"""

from pathlib import Path
from tempfile import TemporaryDirectory

from tests.chaos.quiet import service
from worker.demo.stack import HURRIED, HURRIED_SANDBOX

SECONDS = 8.0


def test_steady_load_tells_nobody_anything_and_a_pause_does() -> None:
    """
    Each payout comes to its end; then a person stops the channel, and every look says so.
    """
    told: list[str] = []
    with (
        TemporaryDirectory(prefix="payouts-quiet-") as folder,
        service(Path(folder), "postgres", HURRIED, HURRIED_SANDBOX) as found,
    ):
        well = found.load(SECONDS, 2.0, told.append)
        found.ledger.pause(found.stack.environment["PAYOUTS_CUSTOMER_NO"], "drill", "mei")
        paused = found.load(0.0, 2.0, told.append)

    assert well.breaches == ()
    assert well.jobs == 2 * SECONDS
    assert well.looks >= 2
    assert any("alert paused (page)" in breach for breach in paused.breaches)
    assert "metrics logged: sending is paused: drill; next: payouts channel" in paused.breaches
