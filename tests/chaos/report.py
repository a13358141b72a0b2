"""
What a run found, in words.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from tests.chaos import recovery
from tests.chaos.course import Outcome
from tests.chaos.plan import kinds
from worker.payouts.model import Transition

#: The stories of so many payouts are told with their breaches.
_STORIES = 5


def lines(outcome: Outcome) -> Iterator[str]:
    """
    The whole report.
    """
    yield from _faults(outcome)
    yield from _work(outcome)
    yield from _verdict(outcome)


def _faults(outcome: Outcome) -> Iterator[str]:
    histories = outcome.findings.histories
    found = [(fault.kind, recovery.after(began, histories)) for fault, began in outcome.faults]
    yield f"faults ({len(found)}), and how soon after each, in seconds as median / p99 / longest,"
    yield "a payout that was under way moved on; and all had that were being sent:"
    for kind in kinds(outcome.wanted.database, restores=outcome.wanted.restores):
        of_kind = [one for name, one in found if name is kind]
        yield _row(kind, len(of_kind), of_kind)
    yield _row("all", len(found), [one for _, one in found])
    ended = ", ".join(f"{name} {times}" for name, times in sorted(outcome.ended_by_itself.items()))
    yield f"ended by themselves, and started again: {ended or 'none'}"


def _row(name: str, count: int, found: Sequence[recovery.Recovery]) -> str:
    first = _figures(recovery.summary(one.first for one in found))
    last = _figures(recovery.summary(one.last_sent for one in found))
    return f"  {name:24}{count:4}   {first:24}{last}"


def _figures(summary: Mapping[str, float] | None) -> str:
    if summary is None:
        return "-"
    return " / ".join(f"{summary[name]:.2f}" for name in ("median", "p99", "max"))


def _work(outcome: Outcome) -> Iterator[str]:
    found = outcome.findings
    statuses = Counter(payout.status.value for payout in found.payouts)
    ends = ", ".join(f"{count} {status}" for status, count in statuses.most_common())
    cases = Counter(case.kind.value for case in found.cases)
    opened = ", ".join(f"{count} {kind}" for kind, count in cases.most_common())
    yield (
        f"jobs: {outcome.made} made, {outcome.accepted} accepted, {outcome.rejected} rejected,"
        f" {outcome.repeated} times repeated by the producer"
    )
    yield f"payouts: {ends}"
    yield f"cases: {opened or 'none'}"
    yield (
        f"gateway: {found.books['debits']} debits,"
        f" {found.books['refused_duplicates']} duplicates refused,"
        f" {found.books['conflicting']} of them with other content,"
        f" {found.books['duplicates']} numbers paid twice"
    )
    heard = ", ".join(f"{count} heard by the {name}" for name, count in outcome.heard.items())
    yield f"events: {heard}; {outcome.told_again} lost by the broker and told again"
    yield f"at rest {outcome.rested_after:.1f} s after the last fault was fixed"


def _verdict(outcome: Outcome) -> Iterator[str]:
    found = outcome.findings
    if not outcome.breaches:
        yield f"audit passed: every promise holds for {len(found.payouts)} payouts"
        return
    yield f"audit FAILED, seed {outcome.wanted.seed}: {len(outcome.breaches)} breaches"
    for breach in outcome.breaches:
        yield f"  {breach}"
    broken = "\n".join(outcome.breaches)
    guilty = [p for p in found.payouts if p.out_trade_no in broken][:_STORIES]
    for payout in guilty:
        history = next(h for h in found.histories if h and h[0].payout_id == payout.id)
        yield f"the story of {payout.out_trade_no}:"
        yield from _story(outcome, history)


def _story(outcome: Outcome, history: Sequence[Transition]) -> Iterator[str]:
    told = [(move.at, f"{move.to_status} ({move.reason}) by {move.actor}") for move in history]
    told += [(began, f"    {fault.kind}: {fault.target}") for fault, began in outcome.faults]
    for at, what in sorted(told):
        if history[0].at <= at <= history[-1].at:
            yield f"  {at:%H:%M:%S.%f}  {what}"
