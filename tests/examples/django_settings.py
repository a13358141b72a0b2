"""
The Django example's settings, with another database: ``SHOP_DATABASE`` describes it in JSON.

And with the handlers of log lines that are there: it may run in a process with other tests.
"""

import json
import os

from worker.examples.django_shop.settings import *  # noqa: F403

LOGGING_CONFIG = None
DATABASES = {"default": json.loads(os.environ["SHOP_DATABASE"])}
