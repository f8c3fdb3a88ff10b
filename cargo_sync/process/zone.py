"""The time zone of this machine, with its rules, so that it is right on other days too.

It is found like in the C library: from the variable TZ, else from /etc/localtime. TZ is a zone's
name (`Europe/Madrid`), the path of a file, or the rules themselves (`CET-1CEST,M3.5.0,M10.5.0/3`,
POSIX.1 8.3), with or without a `:` before it.
"""

import io
import os
import re
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, tzinfo
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

LOCALTIME: Final = "/etc/localtime"
UNNAMED: Final = "local time"
_FOLDER: Final = "/zoneinfo/"
# RFC 8536, version 2 with only a footer, which has the rules in the form of TZ: no transitions,
# one local time type (6 bytes) and its designation (4), twice.
_COUNTS: Final = (
    b"TZif2" + bytes(15) + b"".join(count.to_bytes(4, "big") for count in (0, 0, 0, 0, 1, 4))
)
_BODY: Final = bytes(6) + b"UTC\0"


def machine_zone(env: Mapping[str, str], localtime: str = LOCALTIME) -> tzinfo:
    """The zone; UTC if TZ or the file has no valid one, as in the C library."""
    variable = env.get("TZ")
    if variable is not None:
        return _of_variable(variable.removeprefix(":")) or UTC
    return _of_file(localtime) or UTC


def _of_variable(named: str) -> tzinfo | None:
    if named.startswith("/"):
        return _of_file(named)
    try:
        return ZoneInfo(named)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return _of_rules(named)


def _of_file(path: str) -> tzinfo | None:
    """The zone of a file: by its name, with the rules that count; else with those of the file."""
    _, inside, name = os.path.realpath(path).partition(_FOLDER)
    try:
        with open(path, "rb") as file:
            own = ZoneInfo.from_file(file, key=name if inside else UNNAMED)
    except (OSError, ValueError):
        return None
    if inside:
        with suppress(ZoneInfoNotFoundError, ValueError, OSError):
            return ZoneInfo(name)
    return own


def _of_rules(text: str) -> tzinfo | None:
    if not re.fullmatch(r"[A-Za-z0-9<>+\-,./:]+", text):
        return None
    content = _COUNTS + _BODY + _COUNTS + _BODY + f"\n{text}\n".encode()
    try:
        return ZoneInfo.from_file(io.BytesIO(content), key=UNNAMED)
    except ValueError:
        return None
