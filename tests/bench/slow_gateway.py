"""
Payouts a second where the gateway takes a second for each answer.
"""

import contextlib
from dataclasses import replace
from pathlib import Path

from tests.bench import gateway, product, rig, stack, unsafe
from tests.bench.errors import CannotMeasure
from tests.bench.figures import Result, Samples
from tests.bench.wanted import Wanted

_OPTION = "--latency"
_MOST_ROUNDS = 3
_PROBE = 2 * stack.CONCURRENCY


def measure(wanted: Wanted, directory: Path) -> Result:
    """
    Pay through a slow gateway, in turns with one that answers at once.
    """
    if not gateway.takes(_OPTION):
        raise CannotMeasure(f"`payouts sandbox` of this checkout knows no {_OPTION}")
    samples = Samples()
    rounds = min(wanted.rounds, _MOST_ROUNDS)
    slow_by = wanted.latency
    wanted = replace(wanted, databases=wanted.databases[:1])
    with contextlib.ExitStack() as parts:
        slow = parts.enter_context(
            rig.running(wanted, directory / "slow", sandbox=(_OPTION, wanted.latency))
        )
        fast = parts.enter_context(rig.running(wanted, directory / "fast"))
        without = parts.enter_context(unsafe.running(directory / "unsafe", slow.gateway))
        task_payouts = _enough(_PROBE / without.pay(_PROBE), wanted.seconds)
        enough = [
            max(
                wanted.payouts,
                _enough(_PROBE / running.pay(_PROBE, product.PAID_AT_ONCE), wanted.seconds),
            )
            for _, running in slow.stacks
        ]
        for _ in range(rounds):
            task = task_payouts / without.pay(task_payouts)
            samples.add(f"unsafe Celery task, {slow_by}", "1/s", task)
            for payouts, (database, late), (_, early) in zip(
                enough, slow.stacks, fast.stacks, strict=True
            ):
                slowly = payouts / late.pay(payouts, product.PAID_AT_ONCE)
                at_once = payouts / early.pay(payouts, product.PAID_AT_ONCE)
                named = late.checkout.named(database)
                samples.add(f"{named}, {slow_by}", "1/s", slowly)
                samples.add(f"{named}, at once", "1/s", at_once)
                samples.add(f"{named}, {slow_by} ÷ at once", "ratio", slowly / at_once)
                samples.add(
                    f"{named}, {slow_by} ÷ unsafe Celery task, {slow_by}", "ratio", slowly / task
                )
    return Result(
        name="slow_gateway",
        what=(
            "Payouts with a final status a second where each answer takes so long, from the first"
            " message sent: the time in which none can end yet is counted. So many are paid, slowly"
            " and at once, that it takes about as long as the conditions say."
        ),
        conditions={
            "latency": wanted.latency,
            "payouts": ", ".join(map(str, enough)),
            "payouts, unsafe": task_payouts,
            "seconds": wanted.seconds,
            "rounds": rounds,
            "prefork children": stack.CONCURRENCY,
        },
        figures=samples.figures(),
    )


def _enough(per_second: float, seconds: float) -> int:
    return max(stack.CONCURRENCY, round(per_second * seconds))
