"""Wrong passwords at the page: each makes the next login wait longer. Time is an argument.

It counts per user, and per address, where all addresses of an IPv6 /64 are one. An address from
which a user once logged in does not wait for what others tried with this name. Wrong keys of the
link count per address alone: nobody can guess 256 bits, and nobody shall keep others from using it.
"""

import ipaddress
from typing import Final, NamedTuple

FREE: Final = 5
"""Wrong passwords without a wait: people mistype."""
LONGEST: Final = 300.0
FORGET: Final = 3600.0
"""Seconds after which wrong passwords are forgotten."""
KEPT: Final = 10_000


class _Wrong(NamedTuple):
    times: int
    last: float


class LoginPace:
    """How long a login has to wait before its password is looked at."""

    def __init__(self) -> None:
        self._wrong: dict[tuple[str, str], _Wrong] = {}
        self._good: dict[tuple[str, str], None] = {}

    def wait(self, user: str | None, address: str, now: float) -> float:
        """Seconds until a login may be tried; 0.0 for at once. `user`: None for the link."""
        place = network(address)
        known = user is not None and (user, place) in self._good
        return max(self._wait(key, now) for key in _keys(None if known else user, place))

    def failed(self, user: str | None, address: str, now: float) -> None:
        """Counts a wrong password, also of an unknown user, or a wrong key of the link (None)."""
        for key in _keys(user, network(address)):
            found = self._wrong.pop(key, None)
            times = found.times if found is not None and now - found.last <= FORGET else 0
            self._wrong[key] = _Wrong(times + 1, now)
        while len(self._wrong) > KEPT:
            del self._wrong[next(iter(self._wrong))]

    def succeeded(self, user: str, address: str) -> None:
        """Forgets the wrong passwords of the address, and remembers it as one of the user's."""
        place = network(address)
        self._wrong.pop(("address", place), None)
        self._good.pop((user, place), None)
        self._good[user, place] = None
        if len(self._good) > KEPT:
            del self._good[next(iter(self._good))]

    def _wait(self, key: tuple[str, str], now: float) -> float:
        found = self._wrong.get(key)
        if found is None or now - found.last > FORGET:
            return 0.0
        return max(0.0, found.last + delay(found.times) - now)


def _keys(user: str | None, place: str) -> list[tuple[str, str]]:
    """What a try counts for."""
    return [("address", place), *([("user", user)] if user is not None else [])]


def delay(times: int) -> float:
    """Seconds to wait after so many wrong passwords: none, then 1, 2, 4 … up to five minutes."""
    return 0.0 if times < FREE else min(LONGEST, 2.0 ** min(times - FREE, 10))


def network(address: str) -> str:
    """What counts as one place: an IPv4 address, or the /64 of an IPv6 address."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv6Address):
        if found.ipv4_mapped is not None:
            return str(found.ipv4_mapped)
        return str(ipaddress.ip_network((found, 64), strict=False))
    return str(found)
