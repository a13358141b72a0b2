"""
Which changes of controls take two people, and what is in force after all of them.
"""

from collections.abc import Iterable

from worker.payouts.control_change import (
    ChangeKind,
    ControlChange,
    Controls,
    NewChange,
    ProducerLimits,
)
from worker.payouts.errors import NotAllowed


def takes_two_people(change: NewChange, controls: Controls) -> bool:
    """
    Whether more would be sent after a change than before it.
    """
    match change.kind:
        case ChangeKind.LIMITS:
            before = controls.limits.get(change.producer or "", ProducerLimits())
            return change.limits.allows_more_than(before)
        case ChangeKind.DENY:
            return False
        case ChangeKind.ALLOW | ChangeKind.CONFIRM:
            return True


def check_change(change: NewChange, known: Iterable[ControlChange]) -> None:
    """
    Raise `NotAllowed` for a change that changes nothing, or removes what is not there.
    """
    entries = {entry.id: entry for entry in denials(known)}
    match change.kind:
        case ChangeKind.DENY:
            if any(entry.change.account_no == change.account_no for entry in entries.values()):
                raise NotAllowed("this payee is on the deny list already")
        case ChangeKind.ALLOW:
            if change.removes not in entries:
                raise NotAllowed(f"the deny list has no entry {change.removes}")
        case ChangeKind.LIMITS | ChangeKind.CONFIRM:
            pass


def check_waiting(change: ControlChange) -> None:
    """
    Raise `NotAllowed` if a change is in force already, or is void.
    """
    if change.approved_at is not None:
        raise NotAllowed(f"change {change.id} is in force already")
    if change.voided_at is not None:
        raise NotAllowed(f"change {change.id} is void: {change.voided_why}")


def same_subject(one: NewChange, other: NewChange) -> bool:
    """
    Whether a newer change takes the place of one that waits.
    """
    about = (one.kind, one.producer, one.removes)
    return one.kind is not ChangeKind.DENY and about == (other.kind, other.producer, other.removes)


def denials(changes: Iterable[ControlChange]) -> tuple[ControlChange, ...]:
    """
    The entries of the deny list, oldest first.
    """
    listed: dict[int, ControlChange] = {}
    for one in _in_order(changes):
        if one.change.kind is ChangeKind.DENY:
            listed[one.id] = one
        elif one.change.kind is ChangeKind.ALLOW and one.change.removes is not None:
            listed.pop(one.change.removes, None)
    return tuple(listed.values())


def in_force(changes: Iterable[ControlChange]) -> Controls:
    """
    What all changes together say.
    """
    ordered = _in_order(changes)
    limits = {
        one.change.producer: one.change.limits
        for one in ordered
        if one.change.kind is ChangeKind.LIMITS and one.change.producer is not None
    }
    return Controls(
        {name: found for name, found in limits.items() if not found.is_none},
        {
            one.change.account_no: one.approved_at
            for one in denials(ordered)
            if one.change.account_no is not None and one.approved_at is not None
        },
    )


def _in_order(changes: Iterable[ControlChange]) -> list[ControlChange]:
    """
    Those in force, in the order in which they came into it.
    """
    found = [
        (one.approved_at, one.id, one)
        for one in changes
        if one.approved_at is not None and one.voided_at is None
    ]
    return [one for _, _, one in sorted(found, key=lambda each: each[:2])]
