"""
The Django example's settings, with another database: ``SHOP_DATABASE`` describes it in JSON.
"""

import json
import os

from worker.examples.django_shop.settings import *  # noqa: F403

DATABASES = {"default": json.loads(os.environ["SHOP_DATABASE"])}
