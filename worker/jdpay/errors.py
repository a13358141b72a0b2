"""
Everything that is wrong with the wire's own material, as one tree.

What happens to a request on its way is told by `worker.payouts.errors.NotSent` and `MaybeSent`.

::

    WireError
    ├── UnsafeValue          a value cannot be written into a request
    ├── BadFields            the text is not one flat set of fields
    ├── UnsupportedDigest    sign_type names no digest that we accept
    ├── BadSignKey           the sign key is empty
    ├── BadCertificate       a certificate or key file cannot be used
    │   └── WrongPassword    the password does not open the merchant's file
    └── NoBalance            JD did not tell the balance
"""

from worker.payouts.errors import PayoutError


class WireError(PayoutError):
    """
    A message, a key or a certificate cannot be used.

    The message says what is wrong, where, and what to do; it never holds a field's value.
    """


class UnsafeValue(WireError):
    """
    A value cannot be written into a request without changing what the request says.
    """


class BadFields(WireError):
    """
    The text is not one flat set of fields.
    """


class UnsupportedDigest(WireError):
    """
    `sign_type` names no digest that is accepted.
    """


class BadSignKey(WireError):
    """
    The sign key cannot be used.
    """


class BadCertificate(WireError):
    """
    A certificate or private key cannot be used.
    """


class WrongPassword(BadCertificate):
    """
    The password does not open the merchant's file.
    """


class NoBalance(WireError):
    """
    JD did not tell the balance.
    """
