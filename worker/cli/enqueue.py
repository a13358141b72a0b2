"""
`payouts enqueue`: hand jobs to the worker.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import BinaryIO, cast

import click
from kombu.exceptions import OperationalError

from worker import bootstrap
from worker.broker.app import app
from worker.broker.names import QueueName, TaskName
from worker.cli import arrival
from worker.cli.arrival import Fate
from worker.cli.faults import broker
from worker.cli.output import Page, answering, note
from worker.intake import files
from worker.intake.files import Checked
from worker.producer import Producer, Unusable
from worker.views import texts


@click.command()
@click.argument("file", type=click.File("rb"))
@click.option(
    "--wait",
    "seconds",
    type=click.FloatRange(min=0, min_open=True),
    help="Wait so long for each job to be accepted or rejected; needs the database's settings.",
)
@click.option(
    "--key",
    "key_file",
    type=click.Path(exists=True, dir_okay=False),
    help="Seal each job with this key file of `payouts producers keys add`.",
)
@answering
def enqueue(file: BinaryIO, seconds: float | None, key_file: str | None) -> Page:
    """
    Enqueue the job, or the array of jobs, in FILE; - is standard input.

    Without a key they are taken in the sandbox profile only.

    Every job is checked first, and none is sent unless all are right. Keep the file until each of
    its jobs is accepted: the same job may be enqueued again and is still paid once.
    """
    checked = _checked(file, _producer(key_file))
    if any(job.faults for job in checked):
        return _invalid(checked)
    if seconds is None:
        sent = checked[: _send(checked)]
        note("A job is accepted once its row is committed: `payouts show NUMBER` knows it then.")
        return _page([Fate(job) for job in sent], len(checked), is_over=False)
    ledger = bootstrap.ledger()
    since = ledger.now()
    sent = checked[: _send(checked)]
    fates = arrival.wait(sent, ledger, since, seconds, note)
    return _page(fates, len(checked), is_over=True)


def _producer(key_file: str | None) -> Producer | None:
    """
    Who seals. Raises `BadParameter`.
    """
    try:
        return None if key_file is None else Producer.load(key_file)
    except Unusable as fault:
        raise click.BadParameter(str(fault), param_hint="--key") from None


def _checked(file: BinaryIO, producer: Producer | None) -> list[Checked]:
    """
    The jobs of a file, each as it is sent.
    """
    listed, now = files.read(file.read()), datetime.now(UTC)
    if producer is None:
        return files.check(listed, now)
    checked = files.check(listed, now, producer.kid.partition(".")[0])
    return [
        replace(one, job=producer.seal(cast(Mapping[str, object], one.job)))
        if one.order is not None
        else one
        for one in checked
    ]


def _send(checked: Sequence[Checked]) -> int:
    """
    Send as many jobs as the broker takes; return how many that were.
    """
    count = 0
    try:
        # Sending by itself takes seconds to see that nobody is there.
        with app.connection_for_write() as connection:
            connection.ensure_connection(max_retries=0)
        for job in checked:
            app.send_task(
                TaskName.ENQUEUE.value,
                kwargs={"job": job.job},
                queue=QueueName.ENTRY.value,
                retry=False,
            )
            count += 1
    except OperationalError as fault:
        note(f"the broker {broker()} cannot be reached: {fault}")
    return count


def _invalid(checked: Sequence[Checked]) -> Page:
    wrong = [job for job in checked if job.faults]
    told = [f"jobs[{job.index}] {fault}" for job in wrong for fault in job.faults]
    failure = f"nothing was sent: {len(wrong)} of {len(checked)} jobs cannot be accepted"
    found = [
        {"index": job.index, "out_trade_no": job.out_trade_no, "faults": list(job.faults)}
        for job in wrong
    ]
    document: dict[str, object] = {"error": failure, "jobs": found}
    return Page(document, failure="\n  ".join([failure, *told]))


def _page(fates: Sequence[Fate], wanted: int, *, is_over: bool) -> Page:
    failure = _shortfall(fates, wanted, is_over=is_over)
    document: dict[str, object] = {"jobs": [_facts(fate) for fate in fates]}
    if failure is not None:
        document["error"] = failure
    return Page(document, "\n".join(map(_line, fates)), failure)


def _shortfall(fates: Sequence[Fate], wanted: int, *, is_over: bool) -> str | None:
    """
    What is wrong with the whole, if anything; `is_over` after waiting for the worker.
    """
    if len(fates) < wanted:
        return (
            f"{len(fates)} of {wanted} jobs were sent before the broker failed. Nothing is lost:"
            " enqueue the same file again when it is back, none of it is paid twice"
        )
    if rejected := sum(fate.state == "rejected" for fate in fates):
        return f"{rejected} of {wanted} jobs were rejected"
    if is_over and (waiting := sum(fate.state == "waiting" for fate in fates)):
        return f"{waiting} of {wanted} jobs still wait in the queue: is a worker running?"
    return None


def _facts(fate: Fate) -> dict[str, object]:
    return {
        "index": fate.checked.index,
        "out_trade_no": fate.checked.out_trade_no,
        "state": fate.state,
        "payout_id": fate.payout_id,
        "held": fate.is_held,
        "faults": list(fate.faults),
    }


def _line(fate: Fate) -> str:
    number = fate.checked.out_trade_no
    match fate.state:
        case "accepted":
            held = f"; {texts.HELD}" if fate.is_held else ""
            return f"{number} accepted as payout {fate.payout_id}{held}"
        case "rejected":
            return f"{number} rejected: {'; '.join(fate.faults)}"
        case _:
            return f"{number} waiting for a worker"
