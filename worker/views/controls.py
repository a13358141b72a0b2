"""
Limits of producers and the deny list, as they are shown.
"""

from worker.payouts.control_change import ChangeKind, ControlChange, ProducerLimits
from worker.views.formats import iso, shown

#: A document, as JSON has it.
Document = dict[str, object]


def limits(found: ProducerLimits) -> Document:
    """
    What a producer may have sent; null where nothing is limited.
    """
    return {
        "largest_fen": found.largest_fen,
        "day_fen": found.day_fen,
        "new_payees": found.new_payees,
    }


def change(found: ControlChange) -> Document:
    """
    A change of a control, and what became of it. Of a payee's account the ends alone.
    """
    wanted = found.change
    return {
        "id": found.id,
        "kind": wanted.kind,
        "producer": wanted.producer,
        "limits": limits(wanted.limits) if wanted.kind is ChangeKind.LIMITS else None,
        "payee_masked": found.payee_masked,
        "removes": wanted.removes,
        "why": wanted.why,
        "proposed_by": found.proposed_by.who,
        "proposed_at": iso(found.proposed_at),
        "approved_by": found.approved_by and found.approved_by.who,
        "approved_at": iso(found.approved_at),
        "unchecked": found.unchecked,
        "voided_at": iso(found.voided_at),
        "voided_why": found.voided_why,
    }


def in_words(found: ProducerLimits) -> str:
    """
    What a producer may have sent, in a line.
    """
    told = (
        ("{} fen a payout", found.largest_fen),
        ("{} fen a day", found.day_fen),
        ("{} new payees a day", found.new_payees),
    )
    return ", ".join(text.format(limit) for text, limit in told if limit is not None) or "no limit"


def what(found: ControlChange) -> str:
    """
    What a change says.
    """
    match found.change.kind:
        case ChangeKind.LIMITS:
            return f"{found.change.producer}: {in_words(found.change.limits)}"
        case ChangeKind.DENY:
            return f"deny {found.payee_masked}"
        case ChangeKind.ALLOW:
            return f"end entry {found.change.removes}"
        case ChangeKind.CONFIRM:
            return "the records count as they stand"


def became(found: ControlChange) -> str:
    """
    What became of a change.
    """
    if found.voided_at is not None:
        return f"void: {found.voided_why}"
    if found.approved_by is None:
        return "waits"
    return f"in force by {shown(found.approved_by.who)}{', unchecked' if found.unchecked else ''}"


def told(found: ControlChange) -> str:
    """
    What whoever wants a change is told.
    """
    if found.waits:
        return (
            f"change {found.id} waits for another person: `payouts controls approve {found.id}`;"
            " until then nothing changes"
        )
    alone = "; nobody else was asked, as the sandbox profile allows" if found.unchecked else ""
    return f"{what(found)}: in force from now on{alone}"
