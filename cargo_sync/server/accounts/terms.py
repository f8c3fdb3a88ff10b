"""Terms: until when a user may come, and from where. Time and addresses are arguments.

Whoever has proved who they are is asked here, at each door: the API, the data port, the backup
ports. So a stranger never learns that a user has expired, or where they may come from.
"""

import ipaddress
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple, Protocol

from cargo_sync.model.problems import Code, Problem
from cargo_sync.process.wakeup import Wakeup

WARNED: Final = 7 * 86_400.0
"""Seconds before a user expires in which this is told."""

LOOK: Final = 60.0
"""Seconds between two looks at the clock, at most: it may be set to another time."""

_HINT: Final = "the person who runs the server can change that"


@dataclass(frozen=True, slots=True)
class Terms:
    """The terms of one user.

    expires   unix seconds from which on they may not come any more; None for never
    networks  from which they may come; none for all
    """

    expires: float | None = None
    networks: tuple[str, ...] = ()

    def refusal(self, address: str, now: float) -> Problem | None:
        """Why the user may not come now from an IP address, or None."""
        if self.expires is not None and now >= self.expires:
            message = "your access to this server has expired"
            return Problem(Code.EXPIRED, message, hint=_HINT, retry=False)
        if self.networks and not _is_in(address, self.networks):
            message = f"you may not use this server from this network ({address or 'unknown'})"
            return Problem(Code.FOREIGN_NETWORK, message, hint=_HINT, retry=False)
        return None


FREE: Final = Terms()


class Expiring(Protocol):
    """A user who may expire."""

    @property
    def name(self) -> str: ...

    @property
    def terms(self) -> Terms: ...


def _is_in(address: str, networks: Iterable[str]) -> bool:
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped:
        found = found.ipv4_mapped
    return any(found in network for network in map(_network, networks) if network is not None)


def _network(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network | None:
    """None for what is no network: nobody comes from there."""
    try:
        return ipaddress.ip_network(text)
    except ValueError:
        return None


class ExpiryNews(NamedTuple):
    """What has changed about users who expire.

    over   who has expired
    soon   who will expire within WARNED, and when, in unix seconds
    due    when something changes next, in unix seconds; None for never
    """

    over: frozenset[str]
    soon: Mapping[str, float]
    due: float | None


class Expiries:
    """Which users expire, and what was already told and done about it."""

    def __init__(self) -> None:
        self._told: set[tuple[str, float]] = set()
        self._over: set[tuple[str, float]] = set()

    def look(self, users: Iterable[tuple[str, float]], now: float) -> ExpiryNews:
        """What has changed since the last call.

        Args:
            users: names, and when they expire.
            now: unix seconds.
        """
        known = set(users)
        over = {(name, at) for name, at in known if now >= at}
        soon = {(name, at) for name, at in known - over if now >= at - WARNED}
        moments = [at for _, at in known - over]
        moments += [at - WARNED for _, at in known - over - soon]
        new = over - self._over
        told, self._told, self._over = self._told, (self._told | soon) & known, over
        return ExpiryNews(
            frozenset(name for name, _ in new), dict(soon - told), min(moments, default=None)
        )


class ExpiryWatch:
    """Ends what users have who expire, at that moment, and tells of it some days before.

    Args:
        users: the enabled users.
        wall: unix seconds.
        expired: is called with the users whose logins, requests and flows must end.
        expires_soon: is called with a user, and when they expire.
    """

    def __init__(
        self,
        users: Iterable[Expiring],
        wall: Callable[[], float],
        expired: Callable[[frozenset[str]], object],
        expires_soon: Callable[[str, float], object],
    ) -> None:
        self._users = users
        self._wall = wall
        self._expired = expired
        self._expires_soon = expires_soon
        self._expiries = Expiries()
        self._changed = Wakeup()

    def changed(self) -> None:
        """The users have changed."""
        self._changed.set()

    async def run(self) -> None:
        """Watches until cancelled."""
        while True:
            await self._changed.wait(self.look())

    def look(self) -> float:
        """Does what is due now; returns the seconds until it must look again."""
        now = self._wall()
        ends = ((one.name, one.terms.expires) for one in self._users)
        news = self._expiries.look(((name, at) for name, at in ends if at is not None), now)
        if news.over:
            self._expired(news.over)
        for name, at in news.soon.items():
            self._expires_soon(name, at)
        return LOOK if news.due is None else min(LOOK, max(0.0, news.due - self._wall()))
