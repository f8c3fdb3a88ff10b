"""Names for the disks of those who download: in headers (RFC 6266, RFC 8187) and in archives. Pure.

A name of a served file may hold any character but a slash and a zero. On the disk of another system
it may mean something else: a path, a device, a name in another order than one reads. What is
replaced is marked, so that two names do not become one.
"""

import re
from typing import Final
from urllib.parse import quote

from blake3 import blake3

_UNSAFE: Final = re.compile(
    r'[\x00-\x1f\x7f-\x9f/\\:*?"<>|\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]'
)
"""Control characters, what separates paths or is no part of a name somewhere, and what turns the
direction of reading."""
_DEVICE: Final = re.compile(r"(?:con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])(?:\..*)?", re.IGNORECASE)
_MARK: Final = 8
"""Digits of the hash that keeps apart what replaced names have in common."""
_ATTR_CHARS: Final = "!#$&+-.^_`|~"
"""Beside letters and digits, what RFC 8187 does not percent-encode."""


def disposition(name: str) -> str:
    """The `Content-Disposition` of a download: always saved, never shown."""
    safe = file_name(name)
    plain = re.sub(r'[^ -~]|["\\%]', "_", safe)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(safe, safe=_ATTR_CHARS)}"


def archive_path(path: str) -> str:
    """The path of an entry in an archive: each component is a safe name."""
    return "/".join(map(file_name, path.split("/")))


def file_name(name: str) -> str:
    """The same name if it is a plain name on every system, else one that is."""
    safe = _UNSAFE.sub("_", name)
    if _DEVICE.fullmatch(safe) or safe in (".", ".."):
        safe = f"_{safe}"
    if safe.endswith((".", " ")):
        safe = f"{safe[:-1]}_"
    if safe == name:
        return name
    stem, dot, ending = safe.rpartition(".")
    mark = f"~{blake3(name.encode()).hexdigest()[:_MARK]}"
    return f"{stem}{mark}.{ending}" if dot and stem else f"{safe}{mark}"
