"""
What the shop remembers of its users' withdrawals.
"""

from django.db import models


class Account(models.Model):
    """
    What the shop owes to a user, in fen.
    """

    balance_fen = models.BigIntegerField(default=0)


class Withdrawal(models.Model):
    """
    A payout, as far as the shop has heard of it.
    """

    #: The order number, which is the key of every repetition too.
    number = models.CharField(primary_key=True, max_length=32)
    account = models.ForeignKey(Account, on_delete=models.PROTECT)
    amount_fen = models.BigIntegerField()
    status = models.CharField(max_length=20, default="asked for")
    #: Those of the newest event that was heard of it.
    epoch = models.BigIntegerField(default=0)
    version = models.BigIntegerField(default=0)
    is_given_back = models.BooleanField(default=False)


class OutboxJob(models.Model):
    """
    A job that the payout worker has not confirmed yet. It is sealed: here, too, nobody reads it.
    """

    withdrawal = models.OneToOneField(Withdrawal, primary_key=True, on_delete=models.PROTECT)
    job = models.TextField()
    #: When the broker took it last. It may lose it.
    sent_at = models.DateTimeField(null=True)


class HeardEvent(models.Model):
    """
    An event that was worked off.
    """

    id = models.CharField(primary_key=True, max_length=64)
