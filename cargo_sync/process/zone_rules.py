"""Which rules of time zones count: those of the system or those of the package tzdata.

Governments change their rules several times a year. A system that is seldom updated has old ones,
and so has a package that is seldom updated. So the newer copy counts, for the whole process:
`zoneinfo` reads it from then on. Both say their version in the first line of `tzdata.zi`, such as
`# version 2026f` (https://data.iana.org/time-zones/tz-link.html).
"""

import os
import re
import zoneinfo
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import tzinfo
from importlib import resources
from pathlib import Path
from typing import Final, Protocol
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cargo_sync.process.zone import LOCALTIME, machine_zone

SYSTEM: Final = zoneinfo.TZPATH
"""The system's folders, as Python found them (or as PYTHONTZPATH names them)."""
PACKAGE: Final = "the package tzdata"
_VERSION: Final = re.compile(rb"# version (\d{4}[a-z]*)")


class _Readable(Protocol):
    def read_bytes(self) -> bytes: ...


class ZoneRules:
    """The rules that count now.

    version  such as `2026f`; "unknown" if no copy says it
    source   the system's folder, or the package
    """

    def __init__(
        self,
        env: Mapping[str, str],
        system: Sequence[str] = SYSTEM,
        localtime: str = LOCALTIME,
    ) -> None:
        self._env = env
        self._system = system
        self._localtime = localtime
        self._known: dict[str, tzinfo] = {}
        self.version = self.source = ""
        self.read()

    def __str__(self) -> str:
        return f"{self.version}, from {self.source}"

    def read(self) -> None:
        """Takes what is installed now: zones that are asked for from now on have its rules."""
        folder = next((place for place in self._system if os.path.isdir(place)), "")
        system = version_of(Path(folder, "tzdata.zi")) if folder else ""
        package = version_of(resources.files("tzdata").joinpath("zoneinfo", "tzdata.zi"))
        if newer(system, package):
            self.version, self.source = system, folder
        else:
            self.version, self.source = package or "unknown", PACKAGE
        zoneinfo.reset_tzpath(() if self.source == PACKAGE else self._system)
        ZoneInfo.clear_cache()
        self._known[""] = machine_zone(self._env, self._localtime)

    def zone(self, name: str) -> tzinfo:
        """A zone with the current rules; "" is the machine's. The name was valid before."""
        if name:
            # If the new rules do not know it any more, its old ones hold.
            with suppress(ZoneInfoNotFoundError, ValueError, OSError):
                self._known[name] = ZoneInfo(name)
        return self._known[name]


def newer(system: str, package: str) -> bool:
    """Whether the system's copy counts; "" is an unknown version. 2026z comes before 2026za."""
    return bool(system) and system >= package


def version_of(file: _Readable) -> str:
    """The version in the first line of a `tzdata.zi`; "" if it says none."""
    try:
        found = _VERSION.match(file.read_bytes())
    except OSError:
        return ""
    return found[1].decode() if found else ""
