"""Half-open connections: which one is dropped when there are too many, and when. Time is given.

A connection is half-open from the moment it is accepted until its client has proved who it is, as
long as the client owes the next bytes. They cost nothing to make, so they are bounded: per address,
in all, and in time. When there are too many, the oldest one of the address that holds most goes,
and of these first one that has said nothing at all. So somebody who opens thousands mostly drops
their own, and a client that speaks at once, as honest ones do, outlives silent ones even if they
come from its own address.
"""

import ipaddress
from collections.abc import Hashable, Iterator
from dataclasses import dataclass, field
from itertools import chain
from typing import Final, Generic, TypeVar

K = TypeVar("K", bound=Hashable)

FIRST_BYTES: Final = 3.0
"""Seconds from the connection to its first bytes."""
HANDSHAKE: Final = 10.0
"""Seconds from the connection to the end of its handshake or first request."""


@dataclass(frozen=True, slots=True)
class HalfOpenLimits:
    """How many connections may be half-open: from one address (`network`), and in all."""

    per_address: int = 32
    total: int = 1_024


@dataclass(slots=True)
class _Group(Generic[K]):
    """The connections from one address, the oldest first, each with its deadline.

    exempt  it is a trusted proxy: others connect through it
    silent  those that have said nothing yet
    spoken  the others
    """

    exempt: bool
    silent: dict[K, float] = field(default_factory=dict)
    spoken: dict[K, float] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.silent) + len(self.spoken)

    def first(self) -> K:
        """The one to drop."""
        return next(iter(self.silent or self.spoken))

    def deadlines(self) -> Iterator[tuple[K, float]]:
        yield from self.silent.items()
        yield from self.spoken.items()

    def remove(self, one: K) -> None:
        self.silent.pop(one, None)
        self.spoken.pop(one, None)


class HalfOpen(Generic[K]):
    """The half-open connections of a process."""

    def __init__(self, limits: HalfOpenLimits) -> None:
        self._limits = limits
        self._address: dict[K, str] = {}
        self._groups: dict[str, _Group[K]] = {}

    def __len__(self) -> int:
        return len(self._address)

    def __iter__(self) -> Iterator[K]:
        return iter(self._address)

    def arrive(self, one: K, address: str, due: float, *, exempt: bool = False) -> K | None:
        """Counts a connection.

        Args:
            one: the connection.
            address: what counts as one address.
            due: until when its client must have said what it owes.
            exempt: whether its address may have more than others.

        Returns:
            An earlier connection to drop, which is not counted any more; or None.
        """
        dropped = None
        if not exempt and len(self._groups.get(address, ())) >= self._limits.per_address:
            dropped = self._take(self._groups[address].first())
        elif len(self) >= self._limits.total:
            dropped = self.sacrifice()
        self._address[one] = address
        self._groups.setdefault(address, _Group(exempt)).silent[one] = due
        return dropped

    def speak(self, one: K, due: float) -> None:
        """A counted connection has sent something; its next deadline is `due`."""
        if one in self._address:
            group = self._groups[self._address[one]]
            group.remove(one)
            group.spoken[one] = due

    def remove(self, one: K) -> None:
        """Counts a connection no more: it ended, or is not half-open now."""
        if one in self._address:
            self._take(one)

    def sacrifice(self) -> K | None:
        """The connection to drop when room is needed; None if there is none."""
        groups = self._groups.values()
        most = max(groups, key=lambda group: (not group.exempt, len(group)), default=None)
        return None if most is None else self._take(most.first())

    def overdue(self, now: float) -> list[K]:
        """The connections to drop because of their deadlines; they are not counted any more."""
        return [self._take(one) for one, due in list(self._deadlines()) if due <= now]

    def next_due(self) -> float | None:
        """The first deadline."""
        return min((due for _, due in self._deadlines()), default=None)

    def _deadlines(self) -> Iterator[tuple[K, float]]:
        return chain.from_iterable(group.deadlines() for group in self._groups.values())

    def _take(self, one: K) -> K:
        address = self._address.pop(one)
        group = self._groups[address]
        group.remove(one)
        if not group:
            del self._groups[address]
        return one


def network(address: str) -> str:
    """What counts as one address: for IPv6 a whole /64, because one subscriber gets that."""
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(ip, ipaddress.IPv6Address):
        if ip.ipv4_mapped:
            return str(ip.ipv4_mapped)
        return str(ipaddress.ip_network((ip.packed[:8] + bytes(8), 64)))
    return str(ip)
