"""
A job that pays an obligation in place of an earlier payout.
"""

from datetime import timedelta

from worker.intake import files
from worker.payouts.errors import InvalidJob, UnreadableJobs
from worker.payouts.model import Payout, Terms
from worker.payouts.policy.controls import ReviewList
from worker.usecases.operate import Done, Operator


def replace(
    operator: Operator,
    payout: Payout,
    content: bytes,
    terms: Terms,
    why: str,
    review_list: ReviewList,
    *,
    duplicates_within: timedelta,
) -> Done:
    """
    Have the one job in `content` pay instead of a payout; its obligation may be left out.

    Raises `InvalidJob` with every fault, those of the job by itself and those beside the payout,
    `UnreadableJobs`, or `NotAllowed`.
    """
    found = files.read(content)
    if len(found) != 1:
        raise UnreadableJobs("the file must hold one job: one payout replaces one")
    job = found[0]
    if isinstance(job, dict) and job.get("obligation") is None:
        job = {**job, "obligation": payout.obligation}
    operator.check_replaceable(payout.id, terms)
    (checked,) = files.check([job])
    misfits: tuple[str, ...] = ()
    if isinstance(job, dict):
        misfits = operator.misfits(
            payout,
            out_trade_no=checked.out_trade_no,
            obligation=job["obligation"],
            amount_fen=job.get("amount_fen"),
            send_before=checked.order.send_before if checked.order else None,
        )
    faults = (*checked.faults, *misfits)
    if checked.order is None or faults:
        raise InvalidJob(faults)
    return operator.replace(payout.id, checked.order, terms, why, review_list, duplicates_within)
