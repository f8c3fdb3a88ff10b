"""Wrong passwords: a growing delay per account and per address. Time is an argument.

Guessing an account's password does not lock out its owner: an address that once gave the right
password does not wait for the failures of other addresses.
"""

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Final, NamedTuple

from cargo_sync.machines.half_open import network
from cargo_sync.machines.retry import doubled

FREE: Final = 5
"""Wrong passwords without a delay: people mistype."""
FIRST: Final = 1.0
LONGEST: Final = 300.0
FORGET: Final = 3600.0
"""Seconds after which wrong passwords are forgotten."""
KEPT: Final = 20_000
"""Accounts and addresses that are kept; with more, the oldest failures are forgotten."""


class _Failures(NamedTuple):
    times: int
    last: float


@dataclass(slots=True)
class _Known:
    """Failures by key, bounded: the oldest are dropped first."""

    failures: dict[Hashable, _Failures]

    def wait(self, key: Hashable, now: float) -> float:
        found = self.failures.get(key)
        if found is None or now - found.last > FORGET:
            return 0.0
        return max(0.0, found.last + delay(found.times) - now)

    def add(self, key: Hashable, now: float) -> None:
        found = self.failures.pop(key, None)
        count = found.times if found is not None and now - found.last <= FORGET else 0
        self.failures[key] = _Failures(count + 1, now)
        if len(self.failures) > KEPT:
            del self.failures[next(iter(self.failures))]


class Throttle:
    """How long a login has to wait before its password is checked."""

    def __init__(self) -> None:
        self._accounts = _Known({})
        self._addresses = _Known({})
        self._good: dict[tuple[str, str], None] = {}

    def wait(self, account: str, address: str, now: float) -> float:
        """Seconds until a password of `account` from `address` is checked; 0.0 for at once."""
        block = network(address)
        held = 0.0 if (account, block) in self._good else self._accounts.wait(account, now)
        return max(held, self._addresses.wait(block, now))

    def failed(self, account: str, address: str, now: float) -> None:
        """Counts a wrong password, also for unknown accounts, to keep secret which exist."""
        self._accounts.add(account, now)
        self._addresses.add(network(address), now)

    def succeeded(self, account: str, address: str) -> None:
        """Counts a right password: the address's failures are forgotten.

        The address is remembered as one of the account's own.
        """
        block = network(address)
        self._addresses.failures.pop(block, None)
        self._good.pop((account, block), None)
        self._good[(account, block)] = None
        if len(self._good) > KEPT:
            del self._good[next(iter(self._good))]


def delay(failures: int) -> float:
    """Seconds to wait after that many wrong passwords: none, then 1, 2, 4 … up to five minutes."""
    return 0.0 if failures < FREE else doubled(failures - FREE + 1, FIRST, LONGEST)
