"""
Everything that can go wrong with a payout, as one tree.

::

    PayoutError
    ├── InvalidAmount      not a whole, positive number of fen
    ├── NoSuchPayout       no row with that id or number
    ├── StaleTransition    another writer changed the row first: read it again
    ├── LeaseLost          the row is no longer this worker's to send
    ├── ProfileMismatch    the database belongs to another profile
    └── GatewayError
        ├── NotSent        nothing reached JD: provably safe to repeat
        └── MaybeSent      JD may have the request: only evidence can tell
"""


class PayoutError(Exception):
    """
    A payout could not be handled.
    """

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or (self.__doc__ or "").strip())


class InvalidAmount(PayoutError):
    """
    An amount is not a whole, positive number of fen.
    """


class NoSuchPayout(PayoutError):
    """
    No payout has that id or number.
    """


class StaleTransition(PayoutError):
    """
    Another writer changed the payout first; read it again.
    """


class LeaseLost(PayoutError):
    """
    The payout's lease is no longer this worker's, so it must not be sent.
    """


class ProfileMismatch(PayoutError):
    """
    The database was stamped for another profile; it must not be used with this one.
    """


class GatewayError(PayoutError):
    """
    The gateway gave no answer. `detail` is a short, stable word for the cause.
    """

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


class NotSent(GatewayError):
    """
    The connection was never made, so nothing reached the gateway.
    """


class MaybeSent(GatewayError):
    """
    The request may have reached the gateway; what became of it is not known.
    """
