"""How this server takes the time of a file: found out with a file of our own.

There is no standard for it. Some take the header X-OC-Mtime with a PUT, some a property, which is
named in two ways; Apache and wsgidav take none, and answer as if all were well.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from email.utils import formatdate
from typing import Final

from cargo_sync.model.abilities import SECOND
from cargo_sync.model.entries import Entry
from cargo_sync.model.problems import ProblemError
from cargo_sync.trees.remote.together import is_whole

LATEST: Final = 2**32 - 1
_FIRST: Final = 1_000_000_000
_SECOND: Final = 1_100_000_000
"""Seconds since 1970 that are tried, one after the other."""
PROPERTIES: Final = ("lastmodified", "getlastmodified")


@dataclass(frozen=True, slots=True)
class TimeWays:
    """How a file gets its time.

    with_content   by the header X-OC-Mtime of the PUT
    by_property    afterwards, by a property of this name; "" for none
    """

    with_content: bool = False
    by_property: str = ""

    @property
    def kept(self) -> bool:
        """Whether files keep their times: they must also be able to change."""
        return bool(self.by_property)


def seconds(mtime_ns: int) -> int:
    """A time in whole seconds since 1970; the nearest one for times outside."""
    return min(max(mtime_ns // SECOND, 0), LATEST)


def header(mtime_ns: int) -> dict[str, str]:
    """The header of a PUT; servers that do not know it take no notice."""
    return {"X-OC-Mtime": str(seconds(mtime_ns))}


def update(name: str, mtime_ns: int) -> bytes:
    """The body of a PROPPATCH."""
    time = seconds(mtime_ns)
    value = str(time) if name == "lastmodified" else formatdate(time, usegmt=True)
    return (
        '<?xml version="1.0" encoding="utf-8"?><propertyupdate xmlns="DAV:"><set><prop>'
        f"<{name}>{value}</{name}></prop></set></propertyupdate>"
    ).encode()


async def find_out(
    put: Callable[[int], Awaitable[None]],
    patch: Callable[[str, int], Awaitable[None]],
    look: Callable[[], Awaitable[Entry]],
) -> TimeWays:
    """Tries all ways with one file, and believes what is listed afterwards.

    Args:
        put: writes the file, with a time in ns.
        patch: changes its time by a property.
        look: what is listed.
    """
    await put(_FIRST * SECOND)
    by_header = (await look()).mtime_ns == _FIRST * SECOND
    for name in PROPERTIES:
        try:
            await patch(name, _SECOND * SECOND)
        except ProblemError as error:
            if is_whole(error):
                raise
            continue
        if (await look()).mtime_ns == _SECOND * SECOND:
            return TimeWays(by_header, name)
    return TimeWays(by_header)
