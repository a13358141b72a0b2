"""
The composition root's share in taking jobs in: for the worker's entry task and the HTTP API alike.

It stands on the database and the broker. Whoever imports it has loaded Celery, and nothing that
speaks to JD.
"""

from worker.bootstrap import Once, ledger, refuse_real_money
from worker.broker.app import app
from worker.broker.background import BackgroundDispatcher
from worker.broker.dispatch import CeleryDispatcher
from worker.intake.sealing import SealedJobs
from worker.settings import AcceptanceSettings
from worker.usecases.accept import Acceptor
from worker.usecases.group_commit import GroupCommit
from worker.usecases.ports import Dispatcher


@Once
def dispatcher() -> Dispatcher:
    """
    What wakes workers through the broker.
    """
    return CeleryDispatcher(app)


@Once
def acceptor() -> Acceptor:
    """
    What takes jobs in. Raises `SettingsError` where the gateway is out of bounds.
    """
    return _acceptor(dispatcher())


@Once
def answering_acceptor() -> Acceptor:
    """
    The same for whoever has somebody to answer, who does not wait for the broker.
    """
    return _acceptor(BackgroundDispatcher(dispatcher()))


def _acceptor(dispatcher: Dispatcher) -> Acceptor:
    settings = AcceptanceSettings.load()
    refuse_real_money(settings)
    return Acceptor(
        ledger(),
        dispatcher,
        settings.terms,
        settings.review_list,
        SealedJobs(),
        GroupCommit,
        duplicates_within=settings.duplicates_within,
    )
