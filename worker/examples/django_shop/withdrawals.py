"""
A withdrawal: asked for, handed over by way of an outbox, and brought to its end by events.
"""

import secrets
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone

from worker.examples.django_shop.models import Account, HeardEvent, OutboxJob, Withdrawal
from worker.producer import Producer

#: A job of which nothing was heard for so long is sent again, under the same number.
AGAIN_AFTER = timedelta(minutes=2)
#: A job that was not accepted for so long is rejected, and left to people.
LASTING = timedelta(days=7)


class NotEnough(Exception):
    """
    The balance is lower than what was asked for.
    """


def withdraw(account_id: int, amount_fen: int, payee: Mapping[str, str]) -> Withdrawal:
    """
    Take the amount from the balance and put its job into the outbox: both, or neither.

    Nothing is sent here: the broker knows nothing of this transaction, and may be down. Raises
    `NotEnough`.
    """
    with transaction.atomic():
        enough = Account.objects.filter(pk=account_id, balance_fen__gte=amount_fen)
        if not enough.update(balance_fen=F("balance_fen") - amount_fen):
            raise NotEnough
        number = f"W{secrets.token_hex(12).upper()}"
        asked = Withdrawal.objects.create(
            number=number, account_id=account_id, amount_fen=amount_fen
        )
        job = {
            "out_trade_no": number,
            "amount_fen": amount_fen,
            "payee_account_type": "P",
            "subject": "withdrawal",
            **payee,
        }
        sealed = Producer.load(settings.PRODUCER_KEY).seal(job, LASTING)
        OutboxJob.objects.create(withdrawal=asked, job=sealed)
    return asked


def relay(send: Callable[[str], object]) -> int:
    """
    Send what the worker has not confirmed; return how much that was. Raises what `send` raises.

    Whoever dies between the two steps sends the job again. That is harmless: the same number with
    the same content is the same payout.
    """
    sent = 0
    unconfirmed = Q(sent_at=None) | Q(sent_at__lt=timezone.now() - AGAIN_AFTER)
    for number, job in OutboxJob.objects.filter(unconfirmed).values_list("pk", "job"):
        send(job)
        # Not `save()`: an event may have removed it meanwhile.
        OutboxJob.objects.filter(pk=number).update(sent_at=timezone.now())
        sent += 1
    return sent


def hear(event: Mapping[str, Any]) -> None:
    """
    Work off an event, once however often it is told: its id is stored with what it changes.
    """
    data = event["data"]
    with transaction.atomic():
        _, is_new = HeardEvent.objects.get_or_create(id=event["id"])
        payouts = Withdrawal.objects.select_for_update()
        payout = payouts.filter(pk=data.get("out_trade_no")).first()
        if not is_new or payout is None:
            return
        if event["type"] == "job.rejected":
            if OutboxJob.objects.filter(pk=payout.pk).delete()[0]:
                payout.status = "rejected"  # for people: see `payouts rejections`
        elif (data["epoch"], data["version"]) >= (payout.epoch, payout.version):
            OutboxJob.objects.filter(pk=payout.pk).delete()
            payout.epoch, payout.version = data["epoch"], data["version"]
            payout.status = data["status"]
            # Neither `failed` nor `returned` says that it may be paid again. This alone does.
            if event["type"] == "obligation.freed" and not payout.is_given_back:
                payout.is_given_back = True
                account = Account.objects.filter(withdrawal=payout)
                account.update(balance_fen=F("balance_fen") + payout.amount_fen)
        payout.save()
