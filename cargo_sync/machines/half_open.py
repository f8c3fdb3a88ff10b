"""Half-open connections: which one is dropped when there are too many, and when. Time is given.

A connection is half-open from the moment it is accepted until its client has proved who it is, as
long as the client owes the next bytes. They cost nothing to make, so they are bounded: per address,
in all, and in time. When there are too many, the oldest one of the address that holds most goes,
and of these first one that has said nothing at all. So somebody who opens thousands mostly drops
their own, and a client that speaks at once, as honest ones do, outlives silent ones even if they
come from its own address.
"""

import ipaddress
import math
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

    silent  those that have said nothing yet
    spoken  the others
    """

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


class _Groups(Generic[K]):
    """Groups by address.

    The largest one is found without a search: the addresses are kept by the size of their group,
    and each step changes a size by one.
    """

    def __init__(self) -> None:
        self._groups: dict[str, _Group[K]] = {}
        self._by_size: dict[int, dict[str, None]] = {}
        self._largest = 0

    def size(self, address: str) -> int:
        group = self._groups.get(address)
        return 0 if group is None else len(group)

    def first(self, address: str) -> K:
        """The connection to drop from an address that has some."""
        return self._groups[address].first()

    def first_of_largest(self) -> K | None:
        """The connection to drop from the address that holds most; None if there is none."""
        if not self._largest:
            return None
        return self.first(next(iter(self._by_size[self._largest])))

    def add(self, address: str, one: K, due: float) -> None:
        group = self._groups.setdefault(address, _Group())
        group.silent[one] = due
        self._resized(address, len(group) - 1, len(group))

    def speak(self, address: str, one: K, due: float) -> None:
        group = self._groups[address]
        group.remove(one)
        group.spoken[one] = due

    def remove(self, address: str, one: K) -> None:
        group = self._groups[address]
        group.remove(one)
        if not group:
            del self._groups[address]
        self._resized(address, len(group) + 1, len(group))

    def deadlines(self) -> Iterator[tuple[K, float]]:
        return chain.from_iterable(group.deadlines() for group in self._groups.values())

    def _resized(self, address: str, before: int, size: int) -> None:
        if before:
            same = self._by_size[before]
            del same[address]
            if not same:
                del self._by_size[before]
                if before == self._largest:
                    self._largest = size  # its own address is the largest still
        if size:
            self._by_size.setdefault(size, {})[address] = None
            self._largest = max(self._largest, size)


class HalfOpen(Generic[K]):
    """The half-open connections of a process."""

    def __init__(self, limits: HalfOpenLimits) -> None:
        self._limits = limits
        self._place: dict[K, tuple[_Groups[K], str]] = {}
        self._others: _Groups[K] = _Groups()
        self._exempt: _Groups[K] = _Groups()
        self._none_before = math.inf
        """No deadline is earlier. So asking at each arrival costs nothing most of the time."""

    def __len__(self) -> int:
        return len(self._place)

    def __iter__(self) -> Iterator[K]:
        return iter(self._place)

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
        groups = self._exempt if exempt else self._others
        dropped = None
        if not exempt and groups.size(address) >= self._limits.per_address:
            dropped = self._take(groups.first(address))
        elif len(self) >= self._limits.total:
            dropped = self.sacrifice()
        self._place[one] = (groups, address)
        groups.add(address, one, due)
        self._none_before = min(self._none_before, due)
        return dropped

    def speak(self, one: K, due: float) -> None:
        """A counted connection has sent something; its next deadline is `due`."""
        if one in self._place:
            groups, address = self._place[one]
            groups.speak(address, one, due)
            self._none_before = min(self._none_before, due)

    def remove(self, one: K) -> None:
        """Counts a connection no more: it ended, or is not half-open now."""
        if one in self._place:
            self._take(one)

    def sacrifice(self) -> K | None:
        """The connection to drop when room is needed; None if there is none."""
        for groups in (self._others, self._exempt):
            if (first := groups.first_of_largest()) is not None:
                return self._take(first)
        return None

    def overdue(self, now: float) -> list[K]:
        """The connections to drop because of their deadlines; they are not counted any more."""
        if now < self._none_before:
            return []
        late = [self._take(one) for one, due in list(self._deadlines()) if due <= now]
        due = self.next_due()
        self._none_before = math.inf if due is None else due
        return late

    def next_due(self) -> float | None:
        """The first deadline."""
        return min((due for _, due in self._deadlines()), default=None)

    def _deadlines(self) -> Iterator[tuple[K, float]]:
        return chain(self._others.deadlines(), self._exempt.deadlines())

    def _take(self, one: K) -> K:
        groups, address = self._place.pop(one)
        groups.remove(address, one)
        return one


def network(address: str) -> str:
    """What counts as one address: for IPv6 a whole /64, because one subscriber gets that."""
    if ":" not in address:
        return address
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(ip, ipaddress.IPv6Address):
        if ip.ipv4_mapped:
            return str(ip.ipv4_mapped)
        return str(ipaddress.ip_network((ip.packed[:8] + bytes(8), 64)))
    return str(ip)
