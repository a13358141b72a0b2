"""
Everything that this program raises on purpose, as one tree.

::

    PayoutError
    ├── InvalidAmount           not a whole, positive number of fen
    ├── InvalidJob              a job breaks rules: every fault, field by field
    ├── UnusableSeal            a sealed job is no producer's of ours, or is not for here
    ├── UnreadableJournal       a line of a journal is no claim that could be put back
    ├── UnreadableJobs          a file holds no JSON that jobs could be read from
    ├── NoSuchPayout            no payout has that id or number
    │   └── AmbiguousNumber     several merchants have a payout with that number
    ├── NoSuchCase              no case has that id
    ├── NoSuchEvent             no event has that id
    ├── NoSuchProposal          nobody proposed a decision under that id
    ├── NoSuchProducer          no application of that name is registered
    ├── NoSuchToken             no token has that id
    ├── BadToken                who asks shows no token that is good for anything
    │   └── WrongScope          the token is good for something else
    ├── NotAllowed              an operator's action is not legal as things are
    ├── StaleTransition         another writer changed the row first: read it again
    ├── EvidenceWaits           JD's word is stored and not judged: send nothing before
    ├── LeaseLost               the row is no longer this worker's to send
    ├── GatewayError            JD gave no answer
    │   ├── NotSent             nothing reached JD: provably safe to repeat
    │   └── MaybeSent           JD may have the request: only evidence can tell
    ├── BrokerUnavailable       the broker cannot be asked how it is
    ├── MarkUnavailable         whether the database was restored cannot be told now
    ├── StoreError              the ledger did not do what it was asked
    │   ├── StoreUnavailable    it cannot be reached now: try again
    │   │   └── StoreBusy       somebody else holds a row of it: others may go on
    │   ├── StoreFault          it refused, by a fault of ours: trying again does not help
    │   ├── IllegalMove         a move that the table of transitions does not allow
    │   ├── ProfileMismatch     the database belongs to another profile
    │   ├── UnknownRevision     a newer version of this program made the tables
    │   ├── BadKeyring          a key for payee data is missing or malformed
    │   └── SealError           sealed content cannot be opened
    │       ├── WrongKey        no key at hand opens it
    │       └── BrokenSeal      it was changed, or belongs elsewhere
    ├── SettingsError           settings are missing or impossible
    ├── WireError               key material or a message cannot be used (worker.jdpay.errors)
    │   ├── UnsafeValue         a value cannot be written into a request
    │   ├── BadFields           the text is not one flat set of fields
    │   ├── UnsupportedDigest   sign_type names no digest that we accept
    │   ├── BadSignKey          the sign key is empty
    │   ├── BadCertificate      a certificate or key file cannot be used
    │   │   └── WrongPassword   the password does not open the merchant's file
    │   └── NoBalance           JD did not tell the balance
    ├── EmbeddedError           an embedded server cannot be used (worker.embedded.errors)
    │   ├── NotInstalled        no server program was found
    │   ├── NotPermitted        the server may not be started by this user
    │   └── NotReady            the server ended, or did not answer in time
    ├── Refused                 a request ends with a problem (worker.web.api.problems)
    ├── NotHappened             an event that a test awaits did not come (worker.testing.payouts)
    └── StackError              the demo's processes cannot be used (worker.demo.stack)

The sandbox shares nothing with us, so its errors are its own.
"""

from datetime import datetime


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


class InvalidJob(PayoutError):
    """
    A job breaks rules; `faults` names each field and its rule, never a value.
    """

    def __init__(self, faults: tuple[str, ...]) -> None:
        super().__init__("; ".join(faults))
        self.faults = faults


class UnusableSeal(PayoutError):
    """
    A sealed job is no producer's of ours, or is not for here; `reason` is a short, stable word.
    """

    def __init__(self, reason: str, fault: str) -> None:
        super().__init__(fault)
        self.reason = reason


class UnreadableJobs(PayoutError):
    """
    The file holds no JSON that jobs could be read from.
    """


class UnreadableJournal(PayoutError):
    """
    A journal of claims cannot be read; the message names file and line, and nothing of them.
    """


class NoSuchPayout(PayoutError):
    """
    No payout has that id or number.
    """


class AmbiguousNumber(NoSuchPayout):
    """
    Several merchants have a payout with that number: name it by its id.
    """


class NoSuchCase(PayoutError):
    """
    No case has that id.
    """


class NoSuchEvent(PayoutError):
    """
    No event has that id.
    """


class NoSuchProposal(PayoutError):
    """
    Nobody proposed a decision under that id.
    """


class NoSuchProducer(PayoutError):
    """
    No application of that name is registered.
    """


class NoSuchToken(PayoutError):
    """
    No token has that id.
    """


class BadToken(PayoutError):
    """
    Whoever asks shows no token that is good for anything. The message never holds any of it.
    """


class WrongScope(BadToken):
    """
    The token is good for something else.
    """


class NotAllowed(PayoutError):
    """
    The action is not legal as things are; the message says what is missing.

    `possible_from` is when that can be had at the earliest, where that is known.
    """

    def __init__(self, message: str, possible_from: datetime | None = None) -> None:
        super().__init__(message)
        self.possible_from = possible_from


class StaleTransition(PayoutError):
    """
    Another writer changed the payout first; read it again.
    """


class EvidenceWaits(PayoutError):
    """
    Evidence of the payout lies stored and not judged: nothing may be sent before it is.
    """


class LeaseLost(PayoutError):
    """
    The payout's lease is no longer this worker's, so it must not be sent.
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


class BrokerUnavailable(PayoutError):
    """
    The broker cannot be asked how it is.
    """


class MarkUnavailable(PayoutError):
    """
    What remembers how far the database had come cannot be asked now.
    """


class StoreError(PayoutError):
    """
    The ledger did not do what it was asked.
    """


class StoreUnavailable(StoreError):
    """
    The database cannot be reached, or cannot answer now. Nothing is known to be written: try again.
    """


class StoreBusy(StoreUnavailable):
    """
    Somebody else holds, for longer than is waited for, what one of the transaction's rows needs.
    """


class StoreFault(StoreError):
    """
    The database refused, by a fault of ours or of its set-up: trying again does not help.
    """


class IllegalMove(StoreError):
    """
    A payout may not move that way; the fault is ours, and nothing was written.
    """


class ProfileMismatch(StoreError):
    """
    The database belongs to another profile; it must not be used with this one.
    """


class UnknownRevision(StoreError):
    """
    The database's tables were made by a newer version of this program.
    """


class BadKeyring(StoreError):
    """
    A key for payee data is missing, or is not a key at all.
    """


class SealError(StoreError):
    """
    Sealed content cannot be opened.
    """


class WrongKey(SealError):
    """
    Sealed content opens with no key of the keyring, so it was sealed with another.
    """


class BrokenSeal(SealError):
    """
    Sealed content was changed, or belongs elsewhere: someone wrote to the database beside us.
    """


class SettingsError(PayoutError):
    """
    Settings are missing or impossible; the message names every fault and no value.
    """
