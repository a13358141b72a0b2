"""
Payouts a second through the whole product, beside doing without it.
"""

from pathlib import Path

from tests.bench import product, rig, stack, unsafe
from tests.bench.figures import Result, Samples
from tests.bench.wanted import Wanted


def measure(wanted: Wanted, directory: Path) -> Result:
    """
    Pay the same number of payouts in every way, in turns.
    """
    samples = Samples()
    payouts = wanted.payouts
    with (
        rig.running(wanted, directory) as ready,
        unsafe.running(directory / "unsafe", ready.gateway) as without,
    ):
        for _ in range(wanted.rounds):
            task = payouts / without.pay(payouts)
            loop = payouts / without.pay_bare(payouts).seconds
            samples.add("unsafe Celery task", "1/s", task)
            samples.add("bare loop, one process", "1/s", loop)
            this: dict[str, float] = {}
            for database, running in ready.stacks:
                ours = payouts / running.pay(payouts, product.PAID_AT_ONCE)
                named = running.checkout.named(database)
                samples.add(named, "1/s", ours)
                samples.add(f"{named} ÷ unsafe Celery task", "ratio", ours / task)
                samples.add(f"{named} ÷ bare loop", "ratio", ours / loop)
                if database in this:
                    samples.add(f"{database} ÷ {named}", "ratio", this[database] / ours)
                this.setdefault(database, ours)
    return Result(
        name="throughput",
        what=(
            "Payouts with a final status a second, from the first message sent: broker, worker,"
            " beat, receiver and sandbox as processes. The unsafe task keeps nothing and has no"
            " database; the bare loop has no Celery either. Rounds in turns; ratios by round."
        ),
        conditions={
            "payouts": payouts,
            "rounds": wanted.rounds,
            "prefork children": stack.CONCURRENCY,
        },
        figures=samples.figures(),
    )
