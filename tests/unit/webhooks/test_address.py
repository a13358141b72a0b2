"""
Where a webhook may go.
"""

import pytest

from worker.payouts.errors import NotAllowed
from worker.webhooks.address import Target, is_public, parse, resolve


@pytest.mark.parametrize(
    ("url", "target"),
    [
        ("https://shop.example/hook", Target(True, "shop.example", 443, "/hook")),
        ("https://shop.example:8443/a?b=c", Target(True, "shop.example", 8443, "/a?b=c")),
        ("https://[2606:4700::1111]/", Target(True, "2606:4700::1111", 443, "/")),
        ("https://shop.example", Target(True, "shop.example", 443, "/")),
    ],
)
def test_a_url_has_parts(url: str, target: Target) -> None:
    """
    Host, port and path, with what stands for them where they are left out.
    """
    assert parse(url, is_private=False) == target


@pytest.mark.parametrize(
    "url",
    [
        *("http://shop.example/hook", "ftp://shop.example/", "shop.example/hook", "https:///hook"),
        *("https://user:secret@shop.example/", "https://shop.example/#part", "https://shop/ a"),
        *("https://shop.example:99999/", "https://shop.example/\r\nhost: x", "https://[::1/"),
        "https://shöp.example/",
    ],
)
def test_some_urls_are_no_webhooks(url: str) -> None:
    """
    Each is refused before anything is stored, and its secret is not repeated.
    """
    with pytest.raises(NotAllowed) as fault:
        parse(url, is_private=False)
    assert "secret" not in str(fault.value)


def test_plain_http_is_for_private_addresses() -> None:
    """
    A server on this machine, while something is being developed.
    """
    target = parse("http://127.0.0.1:8000/hook", is_private=True)
    assert target == Target(False, "127.0.0.1", 8000, "/hook")


# From the registries of special addresses, RFC 6890 and those that updated it.
@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "0.0.0.0"),
        *("100.64.0.1", "192.0.2.1", "198.18.0.1", "224.0.0.1", "240.0.0.1", "255.255.255.255"),
        *("::1", "::", "fe80::1", "fe80::1%eth0", "fc00::1", "fd12::1", "ff02::1", "2001:db8::1"),
        *("::ffff:10.0.0.1", "::ffff:127.0.0.1", "2002:7f00:1::", "64:ff9b::7f00:1", "2001::1"),
    ],
)
def test_private_and_special_addresses_are_not_public(address: str) -> None:
    """
    In whichever form they are written, one inside another included.
    """
    assert not is_public(address)


@pytest.mark.parametrize("address", ["1.1.1.1", "203.119.25.1", "2606:4700:4700::1111"])
def test_others_are_public(address: str) -> None:
    """
    Anybody's address on the internet.
    """
    assert is_public(address)


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "2130706433", "0x7f.1", "::1"])
def test_a_name_of_this_machine_is_refused_unless_it_is_meant(host: str) -> None:
    """
    What counts is the address that the host has when it is connected to, however it is written.
    """
    target = Target(True, host, 443, "/")
    with pytest.raises((NotAllowed, OSError)):
        resolve(target, is_private=False)


def test_a_private_address_may_be_meant() -> None:
    """
    Then it is used as it was found.
    """
    assert resolve(Target(False, "127.0.0.1", 80, "/"), is_private=True) == "127.0.0.1"
