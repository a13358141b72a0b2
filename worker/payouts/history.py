"""
The chain of what became of a payout: of its transitions, and of what people decided about it.

Each link is a digest of the one before it and of what happened. The last ones stand in the payout's
row, under its seal: so nothing of it can be changed, made up, taken away or put into another order,
and of two states of a payout the older one is a beginning of the newer.
"""

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

#: What a transition says.
TRANSITION = ("from_status", "to_status", "reason", "evidence_id", "actor", "at")

#: And a decision.
DECISION = (*("action", "who", "why", "proof", "case_id", "replaced_by", "proposal_id", "at"),)

#: What either says, in that order.
Said = Sequence[object]


@dataclass(frozen=True, slots=True)
class History:
    """
    The newest links of a payout's two chains; empty where there is none.
    """

    transitions: str = ""
    decisions: str = ""

    def __str__(self) -> str:
        return f"{self.transitions}.{self.decisions}"

    @classmethod
    def parse(cls, text: str) -> "History":
        """
        From its text, whatever that is.
        """
        transitions, _, decisions = text.partition(".")
        return cls(transitions, decisions)

    def moved(self, said: Said) -> "History":
        """
        With one transition more.
        """
        return replace(self, transitions=_link(self.transitions, "transition", said))

    def decided(self, said: Said) -> "History":
        """
        With one decision more.
        """
        return replace(self, decisions=_link(self.decisions, "decision", said))


def links(transitions: Iterable[Said], decisions: Iterable[Said]) -> tuple[list[str], list[str]]:
    """
    Every link that these chains ever had, the empty ones first.
    """
    moves, decided = [History()], [History()]
    for said in transitions:
        moves.append(moves[-1].moved(said))
    for said in decisions:
        decided.append(decided[-1].decided(said))
    return [one.transitions for one in moves], [one.decisions for one in decided]


def _link(before: str, kind: str, said: Said) -> str:
    plain = [one.astimezone(UTC).isoformat() if isinstance(one, datetime) else one for one in said]
    return hashlib.sha256(json.dumps([before, kind, *plain]).encode()).hexdigest()
