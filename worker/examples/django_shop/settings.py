"""
The least that Django needs.
"""

import os

SECRET_KEY = os.environ.get("DJANGO_SECRET_KEY", "for development only")
DEBUG = False
ALLOWED_HOSTS = ["127.0.0.1", "localhost"]
ROOT_URLCONF = "worker.examples.django_shop.urls"
INSTALLED_APPS = ["worker.examples.django_shop"]
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": "shop.sqlite",
        # Whoever writes waits for its turn, instead of failing half-way.
        "OPTIONS": {"transaction_mode": "IMMEDIATE"},
    }
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
TIME_ZONE = "UTC"

#: The broker to which jobs go.
PAYOUTS_BROKER_URL = os.environ["PAYOUTS_BROKER_URL"]
#: The file that `payouts producers keys add` made.
PRODUCER_KEY = os.environ["PRODUCER_KEY"]
#: What `payouts endpoints add` printed; during a rotation the old one or the new one will do.
WEBHOOK_KEY = os.environ["WEBHOOK_KEY"]
