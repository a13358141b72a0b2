"""
Where a webhook may go: what its URL is made of, and which addresses its name has now.
"""

import ipaddress
import socket
from dataclasses import dataclass
from urllib.parse import urlsplit

from worker.payouts.errors import NotAllowed

_PORTS = {"http": 80, "https": 443}

#: Behind these a network's own translator finds IPv4 addresses, private ones as well (RFC 8215).
_TRANSLATED = [ipaddress.ip_network(net) for net in ("64:ff9b::/96", "64:ff9b:1::/48")]


@dataclass(frozen=True, slots=True)
class Target:
    """
    A URL in its parts.
    """

    is_secure: bool
    host: str
    port: int
    #: The path and the query.
    path: str


def parse(url: str, *, is_private: bool) -> Target:
    """
    Take a URL apart. Raises `NotAllowed` if no webhook may go there.

    Plain HTTP is for private addresses only. User names and fragments have no place in it.
    """
    try:
        parts = urlsplit(url)
        port = parts.port or _PORTS.get(parts.scheme, 0)
    except ValueError:
        raise NotAllowed("this is no URL") from None
    if parts.scheme not in _PORTS or not parts.hostname or parts.username or parts.fragment:
        raise NotAllowed("a webhook goes to https://HOST/PATH, without a user name")
    if parts.scheme == "http" and not is_private:
        raise NotAllowed("plain http is for private addresses only: use https")
    if not url.isascii() or not url.isprintable() or " " in url:
        raise NotAllowed("a URL has printable ASCII only")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Target(parts.scheme == "https", parts.hostname, port, path)


def resolve(target: Target, *, is_private: bool) -> str:
    """
    An address that the host has now, to connect to.

    Raises `NotAllowed` if any of its addresses is not public, unless that is meant; `OSError` if it
    has none.
    """
    found = socket.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM)
    addresses = [str(entry[4][0]) for entry in found]
    if not is_private and not all(is_public(address) for address in addresses):
        raise NotAllowed("its address is not public")
    return addresses[0]


def is_public(address: str) -> bool:
    """
    Whether anybody on the internet may have this address: none of this host's or network's own.
    """
    ip = ipaddress.ip_address(address.partition("%")[0])
    inner = getattr(ip, "ipv4_mapped", None) or getattr(ip, "sixtofour", None)
    teredo = getattr(ip, "teredo", None)
    if inner is not None or teredo is not None or any(ip in net for net in _TRANSLATED):
        return False
    return ip.is_global and not ip.is_multicast
