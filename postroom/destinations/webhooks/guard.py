"""Connections that lead outside only.

Whoever enters a URL makes this server call it: without a guard, also what only this server can reach, such as
the metadata of its cloud. The address is looked at when the socket for it is made, so that a name which
points elsewhere by then is of no use. No redirect is followed and no proxy used.

Source: "Server side request forgery" of the Standard Webhooks specification.
"""

import socket
from collections.abc import Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Any

import aiohttp

from postroom.config import WebhookAllowance
from postroom.providers.http import OwnThreadsResolver

SECONDS = aiohttp.ClientTimeout(total=20, connect=10)
"""Within the 15 to 30 s of "Request timeouts" in the specification."""

Address = IPv4Address | IPv6Address

_INSIDE = [
    ip_network(network)
    for network in (
        "0.0.0.0/8",
        "100.64.0.0/10",  # shared by providers' customers (RFC 6598)
        "168.63.129.16/32",  # Azure's own service on every machine there
        "192.0.0.0/24",
        "192.88.99.0/24",
        "198.18.0.0/15",
        "64:ff9b:1::/48",  # NAT64 of local use (RFC 8215)
        "100::/64",
        "2001::/23",
        "3fff::/20",
        "5f00::/16",
        "fec0::/10",
    )
]
_NAT64 = ip_network("64:ff9b::/96")


class Forbidden(OSError):
    """This address is not to be called."""


def is_outside(address: Address) -> bool:
    """Whether the address is one of the public internet's; for those that hold another, whether that is."""
    if isinstance(address, IPv6Address):
        held = _held_by(address)
        if held is not None:
            return is_outside(held)
    if any(address in network for network in _INSIDE if network.version == address.version):
        return False
    return address.is_global and not (
        address.is_multicast or address.is_reserved or address.is_unspecified or address.is_link_local
    )


def _held_by(address: IPv6Address) -> IPv4Address | None:
    """The IPv4 address that an IPv6 address leads to by way of a translator or tunnel."""
    if address.ipv4_mapped or address.sixtofour:
        return address.ipv4_mapped or address.sixtofour
    return IPv4Address(int(address) & 0xFFFFFFFF) if address in _NAT64 else None


class Guard:
    """Makes the sockets of one session, and remembers whether it refused to."""

    def __init__(self, allowance: WebhookAllowance, host: str) -> None:
        self._allowance = allowance
        self._host = host
        self.refused = ""
        """The address that was refused last."""

    def socket_for(self, found: tuple[Any, Any, int, str, Sequence[Any]]) -> socket.socket:
        """A socket for what a host name led to. Raises ``Forbidden``."""
        family, kind, protocol, _, where = found
        address = ip_address(str(where[0]).partition("%")[0])
        if not (is_outside(address) or self._allowance.covers(self._host, address)):
            self.refused = str(address)
            raise Forbidden(f"{address} is an address inside.")
        return socket.socket(family=family, type=kind, proto=protocol)


def open_guarded_session(guard: Guard) -> aiohttp.ClientSession:
    """A session whose every connection the guard has seen; close it at the end."""
    connector = aiohttp.TCPConnector(
        limit=20, resolver=OwnThreadsResolver(), socket_factory=guard.socket_for, use_dns_cache=False
    )
    return aiohttp.ClientSession(
        connector=connector,
        timeout=SECONDS,
        headers={"User-Agent": "Postroom-Webhooks/1"},
        cookie_jar=aiohttp.DummyCookieJar(),
        trust_env=False,
        auto_decompress=False,
    )
