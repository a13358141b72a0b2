"""
A refused request compared with the one that takes its place.
"""

from collections.abc import Mapping

from worker.payouts.errors import NotAllowed
from worker.payouts.mending import Difference

#: What may be written otherwise. All else says who is paid, how much, by whom and under what
#: number: a payout has that for life.
MENDABLE = frozenset(
    {"trade_subject", "notify_url", "biz_trade_no", "return_params", "pay_tool", "trade_source"}
)

#: The moment of the request is another each time, and tells nothing.
_MOMENT = "request_datetime"


def differences(before: str, after: str) -> tuple[Difference, ...]:
    """
    The fields in which two canonical texts differ, by name, but for the moment of the request.

    Raises `NotAllowed`, naming the fields and no value, if any of them may not.
    """
    old, new = _fields(before), _fields(after)
    names = sorted(n for n in {*old, *new} - {_MOMENT} if old.get(n) != new.get(n))
    if fixed := [name for name in names if name not in MENDABLE]:
        raise NotAllowed(f"this would be another payment, for it changes {', '.join(fixed)}")
    return tuple(Difference(name, old.get(name), new.get(name)) for name in names)


def _fields(text: str) -> Mapping[str, str]:
    """
    The fields of a canonical text, whose values hold no `&`.
    """
    return dict(part.partition("=")[::2] for part in text.split("&"))
