"""Where callbacks may go: the `callbacks` object of a daemon's or server's file."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_network
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field

from cargo_sync.config.errors import quoted
from cargo_sync.config.events import EventSettings
from cargo_sync.config.shape import Shape

AT_ONCE = 8

_PATTERN = re.compile(r"(\*\.)?[\w-]+(\.[\w-]+)*\.?|[0-9a-fA-F:.]+")


@dataclass(frozen=True, slots=True)
class CallbackLimits:
    """Hosts and networks that callbacks may reach, and how many at once per host.

    hosts     names in lower case; `*.example.org` is every name below it; None for any
    networks  every address must be in one of these; None for any
    """

    hosts: tuple[str, ...] | None = None
    networks: tuple[IPv4Network | IPv6Network, ...] | None = None
    at_once: int = AT_ONCE

    def names(self, host: str) -> bool:
        """Whether a host of this name is allowed."""
        if self.hosts is None:
            return True
        name = _plain(host)
        return any(
            name.endswith(pattern[1:]) if pattern.startswith("*.") else name == pattern
            for pattern in self.hosts
        )

    def holds(self, address: IPv4Address | IPv6Address) -> bool:
        """Whether this address is allowed. An IPv4 address in IPv6 form counts as IPv4."""
        if self.networks is None:
            return True
        mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
        return any((mapped or address) in network for network in self.networks)

    def warnings(self, events: Iterable[EventSettings], whose: str = "daemon") -> Iterator[str]:
        """Warnings for the author of a job or a server about callbacks that would be refused."""
        for event in events:
            host = urlsplit(event.url).hostname or ""
            if not self.names(host):
                yield (
                    f"{event.event} is refused: the {whose}'s file does not allow callbacks to "
                    f"{host} (callbacks.hosts)"
                )


ANYWHERE = CallbackLimits()


def _plain(host: str) -> str:
    return host.lower().rstrip(".")


def _host(text: str) -> str:
    if not _PATTERN.fullmatch(text):
        raise ValueError(f"{quoted(text)} is not a host")
    return _plain(text)


def _network(text: str) -> str:
    try:
        ip_network(text)
    except ValueError:
        raise ValueError(f"{quoted(text)} is not a network") from None
    return text


class CallbacksShape(Shape):
    """The form of the `callbacks` object."""

    hosts: list[Annotated[str, AfterValidator(_host)]] | None = Field(
        default=None, description='names such as "api.example.org" or "*.example.org"'
    )
    networks: list[Annotated[str, AfterValidator(_network)]] | None = Field(
        default=None, description='networks such as "10.0.0.0/8"'
    )
    at_once: Annotated[int, Field(ge=1, le=64)] = Field(
        default=AT_ONCE, description="a whole number from 1 to 64"
    )

    @property
    def limits(self) -> CallbackLimits:
        return CallbackLimits(
            None if self.hosts is None else tuple(self.hosts),
            None if self.networks is None else tuple(map(ip_network, self.networks)),
            self.at_once,
        )
