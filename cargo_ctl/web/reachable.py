"""Under which addresses the page may be asked for: exact lists for `Host` and `Origin`.

Another site can make a name of its own lead to our port (DNS rebinding); its requests then have
that name in `Host`. Another site can also send requests from its page; they have its `Origin`.
"""

import ipaddress
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

from cargo_sync.api.proxies import Proxies

_DEFAULT_PORTS: Final = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Listen:
    """Where the process listens."""

    host: str
    port: int

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine can reach it."""
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"

    @property
    def is_any(self) -> bool:
        """Whether it is all addresses of this machine."""
        try:
            return ipaddress.ip_address(self.host).is_unspecified
        except ValueError:
            return False

    def __str__(self) -> str:
        return f"{_shown(self.host)}:{self.port}"


@dataclass(frozen=True, slots=True)
class Reachable:
    """How people reach the page.

    hosts, origins  the values of `Host` and of `Origin` that are answered, in lower case
    proxies         those that say for whom they ask
    """

    hosts: frozenset[str]
    origins: frozenset[str]
    proxies: Proxies = field(default_factory=Proxies)


def listen_of(text: str) -> Listen:
    """`HOST:PORT` or `[ADDRESS]:PORT`. Raises ValueError with a sentence."""
    try:
        parts = urlsplit(f"//{text}")
        host, port = parts.hostname, parts.port
    except ValueError:
        host = port = None
    if not host or not port or parts.netloc != text or "@" in text:
        raise ValueError(f"{text!r} is not HOST:PORT, such as 127.0.0.1:8480 or [::1]:8480")
    return Listen(host, port)


def origin_of(text: str) -> str:
    """An address of the page as browsers say it in `Origin`. Raises ValueError with a sentence."""
    try:
        parts = urlsplit(text)
        host, port = parts.hostname, parts.port
    except ValueError:
        host = port = None
    if parts.scheme not in _DEFAULT_PORTS or not host or parts.path.strip("/") or "@" in text:
        raise ValueError(f"{text!r} is not an address such as https://cargo.example")
    if parts.query or parts.fragment:
        raise ValueError(f"{text!r} must end with the name or port")
    return _origin(parts.scheme, host, port or _DEFAULT_PORTS[parts.scheme])


def network_of(text: str) -> str:
    """An address or network of proxies, in one form. Raises ValueError with a sentence."""
    try:
        return str(ipaddress.ip_network(text.strip(), strict=False))
    except ValueError:
        raise ValueError(
            f"{text!r} is not an IP address or network of a proxy, such as 127.0.0.1 or 10.0.0.0/8"
        ) from None


def reachable(
    scheme: str,
    names: Iterable[str],
    port: int,
    origins: Iterable[str],
    proxies: Sequence[str] = (),
) -> Reachable:
    """What is answered.

    Args:
        scheme: "http" or "https", as the process itself speaks.
        names: names and addresses of this machine under which people reach it.
        port: on which it listens.
        origins: other addresses, in the form of `origin_of`, such as that of a proxy.
        proxies: networks of trusted proxies, in the form of `network_of`.
    """
    all_origins = {_origin(scheme, name, port) for name in names} | set(origins)
    return Reachable(
        frozenset(origin.partition("://")[2] for origin in all_origins),
        frozenset(all_origins),
        Proxies(proxies),
    )


def _origin(scheme: str, host: str, port: int) -> str:
    shown = _shown(host.lower().rstrip("."))
    return f"{scheme}://{shown}" + ("" if port == _DEFAULT_PORTS[scheme] else f":{port}")


def _shown(host: str) -> str:
    return f"[{host}]" if ":" in host else host
