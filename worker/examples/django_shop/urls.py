"""
Where the shop's views are.
"""

from django.urls import path

from worker.examples.django_shop import views

urlpatterns = [
    path("accounts/<int:account_id>/withdrawals", views.withdrawals),
    path("payouts", views.events),
]
