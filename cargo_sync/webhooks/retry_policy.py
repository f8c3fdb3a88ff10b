"""The retry policy: what happens to a callback after an attempt, and when a host may be tried.

Two things are kept apart. A *callback* that failed is tried again with its own delay. A *host* that
fails as a whole (no connection, no answer, 429, 5xx) rests. After its rest, one callback tests
whether the host is back. So it gets one request at a time, however many callbacks wait for it, and
their delays do not grow. The test is made by the callback that is due longest, so a single callback
that the host always fails at does not hold up the others.

Times of callbacks are the retention clock's, because they outlive the process. Times of hosts are
steady seconds.
"""

from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Final

from cargo_sync.machines.retry import delay

DAYS: Final = 3 * 86400.0
"""A callback that could not be delivered for so many seconds is given up."""
CEILING: Final = 3600.0
REST_CEILING: Final = 300.0
LONGEST_WISH: Final = 86400.0
"""A host may ask for a rest of a day at most."""
FINAL: Final = frozenset({400, 405, 411, 413, 414, 415, 422, 431, 501})
"""Answers about the request itself: the same request gets the same answer tomorrow."""
FINAL_TRIES: Final = 5
MISSING_TRIES: Final = 12
MISSING_SECONDS: Final = 6 * 3600.0
"""A 404 needs both: the receiver may be being deployed."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """The result of an attempt.

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
        """True when the result is about the host and not about this callback."""
        return self.status in (0, 429) or (self.status >= 500 and self.status not in FINAL)


@dataclass(frozen=True, slots=True)
class Delivered:
    """The callback is done."""


@dataclass(frozen=True, slots=True)
class RetryAt:
    """The callback is tried again at `at`, by the clock of `now`."""

    at: float


@dataclass(frozen=True, slots=True)
class GiveUp:
    """The callback is not tried again, unless a person asks for it."""

    why: str


def becomes(
    result: Attempt, tries: int, since: float, now: float, wish: float, chance: float
) -> Delivered | RetryAt | GiveUp:
    """What happens to a callback after an attempt.

    Args:
        result: of the attempt.
        tries: failed attempts, including this one if it failed.
        since: start of the days that it is tried for, by the retention clock.
        now: by the retention clock.
        wish: seconds that the answer asks to wait.
        chance: in [0, 1).
    """
    if result.delivered:
        return Delivered()
    if result.status == 410:
        return GiveUp(f"{result.error}: the receiver wants no more of these callbacks")
    if now - since >= DAYS:
        return GiveUp(f"given up after 3 days: {result.error}")
    if _will_not_change(result.status, tries, now - since):
        return GiveUp(f"given up after {tries} tries: {result.error}")
    wait = delay(tries, chance, ceiling=REST_CEILING if result.whole else CEILING)
    return RetryAt(now + max(wait, wish))


def _will_not_change(status: int, tries: int, age: float) -> bool:
    """Whether another try would get the same answer; `age` is in seconds."""
    if status == 404:
        return tries >= MISSING_TRIES and age >= MISSING_SECONDS
    return status in FINAL and tries >= FINAL_TRIES


def wished(retry_after: str, now: float) -> float:
    """Seconds that a `Retry-After` asks for, a day at most; 0 when it cannot be read.

    It holds a count or a date (RFC 9110, 10.2.3); `now` is unix seconds.
    """
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
    """The state of a host.

    tries    how many times in a row it failed as a whole; 0 when it is healthy
    failed   when it failed last, steady seconds
    rests    until when it rests, steady seconds
    """

    tries: int = 0
    failed: float = 0.0
    rests: float = 0.0


def room(host: HostHealth, at_once: int, in_flight: int, now: float) -> int:
    """How many more callbacks may go to a host now: a host that failed gets one, after its rest."""
    if host.tries:
        return 1 if now >= host.rests and not in_flight else 0
    return max(0, at_once - in_flight)


def after(
    host: HostHealth, result: Attempt, began: float, now: float, wish: float, chance: float
) -> HostHealth:
    """The state of a host after an attempt.

    Args:
        host: its state before.
        result: of the attempt.
        began: when the attempt began. An attempt that was in flight when the host failed before
            says nothing new.
        now: steady seconds.
        wish: seconds that the answer asks to wait.
        chance: in [0, 1).
    """
    if not result.whole:
        return HostHealth()
    if host.tries and began <= host.failed:
        return HostHealth(host.tries, host.failed, max(host.rests, now + wish))
    tries = host.tries + 1
    return HostHealth(tries, now, now + max(delay(tries, chance, ceiling=REST_CEILING), wish))
