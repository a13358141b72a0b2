"""
Whom a connection to the gateway believes: the authorities, read once, in one TLS context.
"""

import ssl
import sys
from collections.abc import Iterable

from requests.utils import DEFAULT_CA_BUNDLE_PATH

from worker.jdpay.deadline import LimitedSocket
from worker.jdpay.errors import BadCertificate


def context(ca_file: str | None) -> ssl.SSLContext:
    """
    TLS 1.2 or later, with chain and host name verified against these or the public authorities.

    Parsing the public ones takes far longer than a handshake, so the context is made once, serves
    all threads, and new connections after a fork too. No authority comes from the environment.
    Raises `BadCertificate`.
    """
    # This protocol verifies chain and host name by itself. It resumes no session unless it is
    # handed one: then the chain would not be verified again.
    made = _Context(ssl.PROTOCOL_TLS_CLIENT)
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    made.options |= ssl.OP_NO_TICKET
    made.hostname_checks_common_name = False
    if sys.version_info >= (3, 13):  # as Python's own default context has it from then on
        made.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN | ssl.VERIFY_X509_STRICT
    made.sslsocket_class = LimitedSocket
    ssl.SSLContext.set_alpn_protocols(made, ["http/1.1"])
    path = ca_file or DEFAULT_CA_BUNDLE_PATH
    try:
        made.load_verify_locations(path)
    except OSError as fault:
        raise BadCertificate(
            f"the CA file {path} cannot be read as PEM: {fault.strerror}"
        ) from None
    return made


class _Context(ssl.SSLContext):
    """
    A context that urllib3 does not change.

    It would set the protocols again before each connection, while OpenSSL may be reading them for
    one of another thread.
    """

    def set_alpn_protocols(self, alpn_protocols: Iterable[str]) -> None:
        """
        Leave what is offered as it was set when this was made.
        """
