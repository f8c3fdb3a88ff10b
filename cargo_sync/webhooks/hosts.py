"""The hosts that callbacks go to: how many requests are in flight to each, and which rest."""

from dataclasses import dataclass, field
from typing import Final

from cargo_sync.model.world import World
from cargo_sync.webhooks import retry_policy
from cargo_sync.webhooks.retry_policy import Attempt, HostHealth

ALTOGETHER: Final = 128
"""Requests in flight to all hosts: it bounds the sockets, however many hosts there are."""


@dataclass(slots=True)
class _Known:
    host: HostHealth = field(default_factory=HostHealth)
    in_flight: int = 0


class Hosts:
    """Hosts by name and port. A healthy host with nothing in flight is forgotten."""

    def __init__(self, world: World, at_once: int) -> None:
        self._world = world
        self._at_once = at_once
        self._known: dict[str, _Known] = {}
        self._in_flight = 0

    def room(self, name: str) -> int:
        """How many more requests may go to this host now."""
        known = self._known.get(name) or _Known()
        here = retry_policy.room(known.host, self._at_once, known.in_flight, self._world.steady())
        return min(here, ALTOGETHER - self._in_flight)

    def rests(self, name: str) -> float | None:
        """Seconds that a host still rests; None when it does not rest."""
        known = self._known.get(name)
        left = (
            known.host.rests - self._world.steady()
            if known is not None and known.host.tries
            else 0.0
        )
        return left if left > 0 else None

    def is_well(self, name: str) -> bool:
        known = self._known.get(name)
        return known is None or not known.host.tries

    def enter(self, name: str) -> None:
        self._known.setdefault(name, _Known()).in_flight += 1
        self._in_flight += 1

    def left(self, name: str, result: Attempt | None, began: float) -> None:
        """Takes in the end of an attempt.

        Args:
            name: of the host.
            result: None when the attempt was cancelled.
            began: when it began, in steady seconds.
        """
        known = self._known[name]
        known.in_flight -= 1
        self._in_flight -= 1
        if result is not None:
            wish = retry_policy.wished(result.retry_after, self._world.wall())
            known.host = retry_policy.after(
                known.host, result, began, self._world.steady(), wish, self._world.chance()
            )
        if not known.in_flight and not known.host.tries:
            del self._known[name]

    def wake(self) -> None:
        """Ends the rest of all hosts, because a person asked to try now."""
        for known in self._known.values():
            known.host = HostHealth(known.host.tries, known.host.failed)
