"""
The Celery app, `celery -A worker.broker.app worker`: plain data, and each setting says why.

Messages are hints here, except the entry message; so most of what follows makes Celery do less.
"""

import ssl
from typing import Any

import click
from celery import Celery
from celery.signals import setup_logging
from kombu import Exchange, Queue

from worker import logs
from worker.broker.names import ROUTES, QueueName
from worker.broker.schedule import beat_schedule
from worker.payouts.errors import SettingsError
from worker.settings import BrokerSettings


def configuration(settings: BrokerSettings) -> dict[str, Any]:
    """
    Celery's configuration for these settings.
    """
    broker_url = settings.broker_url.get_secret_value()
    return {
        "broker_url": broker_url,
        "broker_use_ssl": _tls(settings) if broker_url.startswith("rediss:") else None,
        "broker_transport_options": {
            # A message that a dead worker held comes back after this; the ledger does not wait.
            "visibility_timeout": 900,
            "unacked_restore_interval": 5,
            "unacked_restore_throttle": 1,
            # Without these a frozen or half-open broker hangs a worker forever.
            "socket_timeout": 10,
            "socket_connect_timeout": 5,
            "socket_keepalive": True,
            "health_check_interval": 25,
            # A write that timed out may have been done: never repeated by the client.
            "retry_on_timeout": False,
            "max_connections": 20,
        },
        "broker_connection_retry_on_startup": True,
        # The default gives up and ends the worker after 100 tries.
        "broker_connection_max_retries": None,
        "broker_channel_error_retry": True,
        "broker_connection_timeout": 5,
        # Results live in the ledger.
        "result_backend": None,
        "task_ignore_result": True,
        # Acknowledge first: a wake-up that is lost is repeated by the sweep, while one delivered
        # twice costs work. The entry task alone is late.
        "task_acks_late": False,
        "task_reject_on_worker_lost": False,
        "task_retry_on_worker_lost": False,
        # True would cut requests in flight at each broker hiccup.
        "worker_cancel_long_running_tasks_on_connection_loss": False,
        "worker_prefetch_multiplier": 1,
        # A backstop: HTTP deadlines bound the time. A soft limit could raise inside a commit.
        "task_time_limit": 180,
        "task_soft_time_limit": None,
        "worker_max_tasks_per_child": 500,
        "worker_max_memory_per_child": 400_000,  # KiB
        "worker_soft_shutdown_timeout": 60,
        "worker_enable_soft_shutdown_on_idle": True,
        "task_serializer": "json",
        "result_serializer": "json",
        "event_serializer": "json",
        "accept_content": ["json"],
        # Flower lives on events. Remote control would let anyone on the broker stop the sending.
        "worker_send_task_events": True,
        "task_send_sent_event": False,
        "worker_enable_remote_control": False,
        "worker_hijack_root_logger": False,
        "worker_consumer": "tasks.consumer:Consumer",
        "timezone": "UTC",
        "enable_utc": True,
        "task_default_queue": QueueName.SWEEP.value,
        "task_create_missing_queues": True,
        "task_queues": [
            Queue(name.value, Exchange(name.value), routing_key=name.value) for name in QueueName
        ],
        "task_routes": {task.value: {"queue": queue.value} for task, queue in ROUTES.items()},
        "beat_schedule": beat_schedule(settings.sweep_every),
        # The schedule file is disposable: correctness does not depend on it.
        "beat_sync_every": 1,
        "beat_max_loop_interval": max(0.1, min(5.0, settings.sweep_every.total_seconds())),
        "beat_enable_remote_control": True,
    }


def _tls(settings: BrokerSettings) -> dict[str, object]:
    ca_file = str(settings.broker_ca_file) if settings.broker_ca_file else None
    return {
        "ssl_cert_reqs": ssl.CERT_REQUIRED,
        "ssl_ca_certs": ca_file,
        "ssl_check_hostname": True,
    }


class _BrokerSettingsError(SettingsError, click.ClickException):
    """
    The broker's settings cannot be used; Celery's own commands print it, like any error of click's.
    """


def _defaults() -> dict[str, Any]:
    try:
        return configuration(BrokerSettings.load())
    except SettingsError as error:
        raise _BrokerSettingsError(str(error)) from None


#: The names, not the modules: nothing in this package imports a task.
app = Celery(
    "payouts",
    include=["tasks.payouts", "tasks.readiness", "tasks.watchdog"],
    set_as_current=False,
)
# Read when a process first needs it, so that importing this module needs no environment.
app.add_defaults(_defaults)


@setup_logging.connect
def _configure_logging(loglevel: int | str | None = None, **_: object) -> None:
    logs.configure(loglevel or "INFO")
