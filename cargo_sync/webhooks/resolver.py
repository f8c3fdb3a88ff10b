"""The resolver: from a host's name to its allowed addresses.

An attempt resolves its host once, here, and connects to what is returned. The name is not resolved
a second time, because the second answer could be a different one.
"""

import asyncio
import socket
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Final

from aiohttp.abc import AbstractResolver, ResolveResult

THREADS: Final = 4
"""Looking up a name blocks; these threads are for callbacks only, so nothing else waits."""

Lookup = Callable[[str, int, int], list[tuple[int, str]]]
"""(host, port, family) -> (family, address); raises OSError."""


class NotAllowed(OSError):  # noqa: N818 - an OSError is what aiohttp passes on from a resolver
    """The daemon's file does not allow the address."""


class Resolver(AbstractResolver):
    """Resolves with the system's resolver, in threads; `allows` decides about each address."""

    def __init__(
        self, allows: Callable[[IPv4Address | IPv6Address], bool], look: Lookup | None = None
    ) -> None:
        self._allows = allows
        self._look = look or _system
        self._pool = ThreadPoolExecutor(THREADS, "callback names")

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Resolves a host.

        Raises:
            NotAllowed: the host has addresses, but none of them is allowed.
            OSError: it has no address.
        """
        loop = asyncio.get_running_loop()
        found = await loop.run_in_executor(self._pool, self._look, host, port, family)
        allowed = [one for one in found if self._allows(ip_address(one[1]))]
        if found and not allowed:
            raise NotAllowed(f"{host} is {', '.join(sorted({address for _, address in found}))}")
        return [
            ResolveResult(
                hostname=host,
                host=address,
                port=port,
                family=of,
                proto=0,
                flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
            )
            for of, address in allowed
        ]

    async def close(self) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)


def _system(host: str, port: int, family: int) -> list[tuple[int, str]]:
    try:
        found = socket.getaddrinfo(
            host, port, family=family, type=socket.SOCK_STREAM, flags=socket.AI_ADDRCONFIG
        )
    except UnicodeError as error:  # a label is empty or too long: no host has such a name
        raise socket.gaierror(socket.EAI_NONAME, str(error)) from error
    return [(of, _address(*where)) for of, _, _, _, where in found]


def _address(host: str | int, _port: object = 0, _flow: object = 0, scope: object = 0) -> str:
    """A link-local IPv6 address names its interface by number."""
    return f"{host}%{scope}" if scope else str(host)
