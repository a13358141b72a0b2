"""
The composition root's share for those who look on: the commands, the metrics, and each sweep.

It needs the database and the broker, and nothing that speaks to JD.
"""

from worker.bootstrap import Once, ledger
from worker.broker.app import app
from worker.broker.health import RedisProbe
from worker.settings import MonitorSettings
from worker.usecases.monitor import Monitor


@Once
def monitor() -> Monitor:
    """
    What says how the whole is. Raises `SettingsError`, `StoreError`.
    """
    settings = MonitorSettings.load()
    return Monitor(ledger(), broker(), settings.customer_no, settings.limits)


@Once
def broker() -> RedisProbe:
    """
    What looks at the broker from outside.
    """
    return RedisProbe(app)
