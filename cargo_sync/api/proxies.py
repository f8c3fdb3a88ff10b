"""The address of a client behind trusted proxies, and what is wrong with how a proxy tells it."""

import ipaddress
import re
from collections.abc import Sequence
from typing import Final

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

TOLD: Final = 16
"""Proxies that are warned of, at most."""
_PORT: Final = r"(?::[0-9]{1,5})?"
_HOP: Final = re.compile(rf"\[(?P<v6>[^\]]+)\]{_PORT}|(?P<v4>[0-9.]+){_PORT}|(?P<bare>.+)")


class Proxies:
    """Networks whose X-Forwarded-For is believed."""

    def __init__(self, networks: Sequence[str] = ()) -> None:
        self._networks = [ipaddress.ip_network(one) for one in networks]
        self._told: set[str] = set()

    def trusts(self, peer: str) -> bool:
        """Whether the address is a trusted proxy's."""
        return self._is_trusted(_parsed(peer))

    def client(self, peer: str, lines: Sequence[str]) -> str:
        """The address of the client of a request.

        A proxy appends the address of its own peer, so the right end is true and the left end is
        what the client made up. The first address from the right that is no trusted proxy is the
        client's. An element that is no address ends the search: nothing to the left of it is
        believed.

        Args:
            peer: the address that the connection comes from.
            lines: the values of all X-Forwarded-For headers, in their order.
        """
        if not self.trusts(peer):
            return peer
        client = peer
        for hop in reversed(",".join(lines).split(",")):
            address = _parsed(hop)
            if address is None:
                break
            client = str(address)
            if not self._is_trusted(address):
                break
        return client

    def doubt(self, peer: str, lines: Sequence[str]) -> str:
        """What a person should look at, once for each peer; "" for nothing. See `client`."""
        if peer in self._told or len(self._told) >= TOLD:
            return ""
        trusted = self.trusts(peer)
        if trusted == bool(lines):
            return ""
        self._told.add(peer)
        if trusted:
            what = f"{peer} is in trusted_proxies, but a request from it has no X-Forwarded-For: "
            what += "if this is a proxy, let it set that header to the client's address"
        else:
            what = f"a request from {peer} has X-Forwarded-For, but it is not in trusted_proxies: "
            what += "if this is your proxy, name it there"
        return f"{what}; until then all its clients count as one address"

    def _is_trusted(self, address: Address | None) -> bool:
        return address is not None and any(address in network for network in self._networks)


def _parsed(hop: str) -> Address | None:
    """An address, with or without a port and brackets; one form for each address."""
    found = _HOP.fullmatch(hop.strip())
    if found is None:
        return None
    text = found["v6"] or found["v4"] or found["bare"]
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        return address.ipv4_mapped
    return address
