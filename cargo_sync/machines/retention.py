"""The retention clock: how old what we keep is, whatever happens to the wall clock.

Theory. Trash, history and callbacks are thrown away when they are old enough. The wall clock cannot
say how old they are: after a dead battery or a wrong time server it jumps by years. So ages are
differences of a clock of our own, which is stored with the state and only ever goes forwards:

    while the process runs  it goes as CLOCK_BOOTTIME does, which nobody can set
    across a stop           it goes on by the difference of the wall clock, but by no less than 0
                            and no more than a day: the wall clock may have been set meanwhile
    at its first start      it is the wall clock, so that times which are stored already can be
                            compared with it

A jump of the wall clock is noticed where it can be known: within one life of the system, when the
wall clock and CLOCK_BOOTTIME went by different amounts; after a restart of the system, only when
the wall clock went backwards.
"""

from typing import Final, NamedTuple

DAY: Final = 86_400.0
LONGEST_STOP: Final = DAY
"""Seconds by which a stop ages what is kept, at most."""
JUMP: Final = 300.0
"""Seconds by which the wall clock must move by itself to be told. A time server that corrects a
clock little by little stays below it."""


class SystemClocks(NamedTuple):
    """The system's clocks at one moment.

    wall      unix seconds
    boottime  seconds since the system started, with the time that it slept
    boot_id   of this life of the system; "" if it is not known
    """

    wall: float
    boottime: float
    boot_id: str


class ClockMark(NamedTuple):
    """The retention clock's reading at one moment, in seconds, and the system's clocks then."""

    reading: float
    clocks: SystemClocks


def resumed(last: ClockMark | None, now: SystemClocks) -> ClockMark:
    """The retention clock at a start; `last` is what was stored before, None at the first start."""
    if last is None:
        return ClockMark(now.wall, now)
    stopped = now.wall - last.clocks.wall
    return ClockMark(last.reading + min(max(stopped, 0.0), LONGEST_STOP), now)


def advanced(last: ClockMark, now: SystemClocks) -> ClockMark:
    """The retention clock in a process that has run since `last`."""
    return ClockMark(last.reading + max(0.0, now.boottime - last.clocks.boottime), now)


def jump(before: SystemClocks, now: SystemClocks) -> float:
    """Seconds by which the wall clock jumped between two moments, 0.0 for none; < 0 is backwards.

    After a restart of the system it is the least that it can have been.
    """
    moved = now.wall - before.wall
    if before.boot_id and before.boot_id == now.boot_id:
        moved -= now.boottime - before.boottime
    elif moved > 0:
        return 0.0
    return moved if abs(moved) > JUMP else 0.0


def described(seconds: float) -> str:
    """The sentence about a jump."""
    days = abs(seconds) / DAY
    amount = f"{days:,.1f} days" if days >= 2 else f"{abs(seconds) / 60:,.0f} minutes"
    way = "ahead" if seconds > 0 else "back"
    return f"the clock of this machine jumped {amount} {way}; nothing is thrown away for it"
