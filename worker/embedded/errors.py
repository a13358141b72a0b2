"""
Everything that can go wrong with an embedded server, as one tree.

::

    EmbeddedError
    ├── NotInstalled    no server program was found
    ├── NotPermitted    root cannot start PostgreSQL, and no way round it is allowed here
    └── NotReady        the server ended, or did not answer in time
"""

from worker.payouts.errors import PayoutError


class EmbeddedError(PayoutError):
    """
    An embedded server could not be used. The message says what to do.
    """


class NotInstalled(EmbeddedError):
    """
    No server program was found.
    """


class NotPermitted(EmbeddedError):
    """
    The server may not be started by this user.
    """


class NotReady(EmbeddedError):
    """
    The server ended, or did not answer in time.
    """
