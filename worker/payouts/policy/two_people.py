"""
What takes two people: another one than who began it, whom the register lists.
"""

from worker.payouts.errors import NotAllowed
from worker.payouts.person import Person, Register
from worker.payouts.profile import is_play_money


def check_second(first: Person, second: Person, register: Register, profile: str | None) -> bool:
    """
    Whether the second of two people is another one who may; in the sandbox all may.

    Raises `NotAllowed` outside the sandbox.
    """
    found = None
    if not register.may_approve(second):
        found = (
            f"uid {second.uid} may not approve: only a user whom `payouts people` lists may, never"
            " root, nor as whom a worker runs"
        )
    elif first.uids & second.uids:
        found = "who proposed it cannot approve it: another person must"
    if found is not None and not is_play_money(profile):
        raise NotAllowed(found)
    return found is None
