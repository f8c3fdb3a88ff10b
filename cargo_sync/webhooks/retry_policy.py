"""Deliveries: what becomes of a callback after an attempt, and when a host may be tried.

Two things are kept apart. A *callback* that failed is tried again with a delay of its own. A *host*
that fails as a whole (no connection, no answer, 429, 5xx) rests, and after its rest one callback
tries whether it is back: however many wait for it, it meets one request at a time, and they do not
each grow a delay. Which one tries is the one that is due longest, so that a single callback that a
host cannot stomach holds up none.

Times of callbacks are unix seconds, since they outlive the process; those of hosts are steady
seconds.
"""

from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Final

from cargo_sync.machines.retry import delay

DAYS: Final = 3 * 86400.0
"""A callback that could not be delivered in so long is given up."""
CEILING: Final = 3600.0
REST_CEILING: Final = 300.0
LONGEST_WISH: Final = 86400.0
"""A host may ask to be left alone for a day at most."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """What an attempt came to.

    status       of the answer; 0 when there was none
    retry_after  the header of that name, or ""
    error        why it failed, for people; "" for a 2xx
    """

    status: int = 0
    retry_after: str = ""
    error: str = ""

    @property
    def delivered(self) -> bool:
        return 200 <= self.status < 300

    @property
    def whole(self) -> bool:
        """It says something about the host, and nothing about this callback."""
        return self.status in (0, 429) or self.status >= 500


@dataclass(frozen=True, slots=True)
class Delivered:
    pass


@dataclass(frozen=True, slots=True)
class RetryAt:
    """To be tried again at `at`, unix seconds."""

    at: float


@dataclass(frozen=True, slots=True)
class GiveUp:
    """Never to be tried again by itself."""

    why: str


def becomes(
    result: Attempt, tries: int, since: float, now: float, chance: float
) -> Delivered | RetryAt | GiveUp:
    """What becomes of a callback.

    Args:
        tries: attempts that failed, this one included if it did.
        since: when its days began.
        now: unix seconds.
        chance: in [0, 1).
    """
    if result.delivered:
        return Delivered()
    if result.status == 410:
        return GiveUp(f"{result.error}: it wants no more of these")
    if now - since >= DAYS:
        return GiveUp(f"given up after 3 days: {result.error}")
    wait = delay(tries, chance, ceiling=REST_CEILING if result.whole else CEILING)
    return RetryAt(now + max(wait, wished(result.retry_after, now)))


def wished(retry_after: str, now: float) -> float:
    """Seconds that a `Retry-After` asks for, up to a day: a count, or a date (RFC 9110, 10.2.3);
    else 0."""
    text = retry_after.strip()
    if text.isascii() and text.isdigit():
        return float(min(int(text[:9]), LONGEST_WISH))
    try:
        at = parsedate_to_datetime(text).timestamp()
    except (ValueError, TypeError, IndexError, OverflowError):
        return 0.0
    return min(max(0.0, at - now), LONGEST_WISH)


@dataclass(frozen=True, slots=True)
class HostHealth:
    """How a host does.

    tries    times in a row that it failed as a whole; 0 when it is well
    failed   when it last did
    rests    until when it is left alone
    """

    tries: int = 0
    failed: float = 0.0
    rests: float = 0.0


def room(host: HostHealth, at_once: int, in_flight: int, now: float) -> int:
    """How many more callbacks may go to a host now: of one that failed, a single one after its
    rest."""
    if host.tries:
        return 1 if now >= host.rests and not in_flight else 0
    return max(0, at_once - in_flight)


def after(
    host: HostHealth, result: Attempt, began: float, now: float, wish: float, chance: float
) -> HostHealth:
    """How a host does after an attempt.

    Args:
        began: when the attempt did. One that was under way already when the host failed tells
            nothing new.
        now: steady seconds.
        wish: seconds that its answer asks for.
        chance: in [0, 1).
    """
    if not result.whole:
        return HostHealth()
    if host.tries and began <= host.failed:
        return HostHealth(host.tries, host.failed, max(host.rests, now + wish))
    tries = host.tries + 1
    return HostHealth(tries, now, now + max(delay(tries, chance, ceiling=REST_CEILING), wish))
