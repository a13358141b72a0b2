"""
What a row says of itself under a seal: whoever writes to the database beside us holds no key.
"""

from dataclasses import dataclass, replace

from worker.payouts.history import History, Said


@dataclass(frozen=True, slots=True)
class Vouched:
    """
    A seal vouches for a payout's row, and for how many attempts and messages belong to it.
    """

    attempts: int
    messages: int
    #: Whether that is so: the row is what was written, and what belongs to it is all there.
    holds: bool = True
    #: None in a row of a version that knew of no chain.
    history: History | None = None


def with_attempt(vouched: Vouched | None) -> Vouched | None:
    """
    With one attempt more.
    """
    return vouched and replace(vouched, attempts=vouched.attempts + 1)


def with_message(vouched: Vouched | None) -> Vouched | None:
    """
    With one message more.
    """
    return vouched and replace(vouched, messages=vouched.messages + 1)


def with_transition(vouched: Vouched | None, said: Said) -> Vouched | None:
    """
    With one transition more.
    """
    if vouched is None or vouched.history is None:
        return vouched
    return replace(vouched, history=vouched.history.moved(said))


def with_decision(vouched: Vouched | None, said: Said) -> Vouched | None:
    """
    With one decision more.
    """
    if vouched is None or vouched.history is None:
        return vouched
    return replace(vouched, history=vouched.history.decided(said))
