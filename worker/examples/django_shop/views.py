"""
What the shop's users ask for, and where the payout worker tells its events.
"""

from django import forms
from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST
from standardwebhooks import Webhook, WebhookVerificationError

from worker.examples.django_shop.models import Withdrawal
from worker.examples.django_shop.withdrawals import NotEnough, hear, withdraw


class Asked(forms.Form):
    """
    What a user enters.
    """

    amount_fen = forms.IntegerField(min_value=1)
    payee_account_no = forms.CharField()
    payee_account_name = forms.CharField()
    payee_bank_code = forms.CharField()


@csrf_exempt  # so that curl can ask; a page of yours has its token, and its user a session
def withdrawals(request: HttpRequest, account_id: int) -> JsonResponse:
    """
    Withdraw some of the balance, or look at what became of all withdrawals.
    """
    if request.method != "POST":
        shown = ("number", "amount_fen", "status", "is_given_back", "account__balance_fen")
        mine = Withdrawal.objects.filter(account_id=account_id)
        return JsonResponse({"withdrawals": list(mine.values(*shown))})
    asked = Asked(request.POST)
    if not asked.is_valid():
        return JsonResponse(asked.errors, status=422)
    payee = dict(asked.cleaned_data)
    try:
        made = withdraw(account_id, payee.pop("amount_fen"), payee)
    except NotEnough:
        return JsonResponse({"amount_fen": ["more than the balance"]}, status=422)
    return JsonResponse({"number": made.number}, status=202)


@csrf_exempt
@require_POST
def events(request: HttpRequest) -> HttpResponse:
    """
    Take an event in: the answer is a yes once it is committed, and only then.
    """
    try:
        event = Webhook(settings.WEBHOOK_KEY).verify(request.body, dict(request.headers))
    except (WebhookVerificationError, ValueError):
        return HttpResponse(status=401)
    hear(event)
    return HttpResponse(status=204)
