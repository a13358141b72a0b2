"""
How the whole is, and a line in the log when that changes.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from worker.payouts.errors import BrokerUnavailable
from worker.payouts.health import Health
from worker.payouts.limits import Limits
from worker.payouts.policy.alerts import Alert, alerts
from worker.usecases.ports import HealthLedger
from worker.usecases.ports.health import BrokerProbe

log = logging.getLogger("jdpay_payouts.monitor")

#: Whoever sweeps every half a second need not look so often.
_LOOK_AGAIN = timedelta(seconds=5)


@dataclass(frozen=True, slots=True)
class Seen:
    """
    The facts of one look, and what is wrong.
    """

    health: Health
    alerts: tuple[Alert, ...]


class Monitor:
    """
    Looks at the database and at the broker, for one merchant.
    """

    def __init__(
        self,
        ledger: HealthLedger,
        broker: BrokerProbe,
        customer_no: str,
        limits: Limits,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._ledger = ledger
        self._broker = broker
        self._customer_no = customer_no
        self._limits = limits
        self._clock = clock
        self._told_at: datetime | None = None

    def look(self) -> Seen:
        """
        The facts as they are now. Raises `StoreUnavailable`; a broker that is away is a fact.
        """
        try:
            broker = self._broker.look()
        except BrokerUnavailable:
            broker = None
        found = self._ledger.health(self._customer_no)
        health = replace(found, host_at=self._clock(), broker=broker)
        return Seen(health, alerts(health, self._limits))

    def tell(self) -> Seen:
        """
        Look, and log each alert once when it begins and once when it ends, whoever sees it first.
        """
        seen = self.look()
        current = {alert.kind.value: alert for alert in seen.alerts}
        told = self._ledger.tell(self._customer_no, current)
        for kind in told.begun:
            alert = current[kind]
            log.error(
                "alert begins",
                extra={
                    "action": "alert_begins",
                    "alert": kind,
                    "severity": alert.severity.value,
                    "detail": f"{alert.detail}; next: {alert.command}",
                },
            )
        for kind in told.over:
            log.info("alert ends", extra={"action": "alert_ends", "alert": kind})
        return seen

    def tell_now_and_then(self) -> None:
        """
        The same, unless this process did so a few seconds ago.
        """
        now = self._clock()
        if self._told_at is None or abs(now - self._told_at) >= _LOOK_AGAIN:
            self._told_at = now
            self.tell()
