"""`known_servers`: the accepted certificates, one `host:port` and fingerprint per line."""

import re

from cargo_sync.api.own_files import write_private

_LINE = re.compile(r"(\S+)\s+(?:sha256:)?([0-9a-fA-F]{64})\s*")


def known_fingerprint(file: str, place: str) -> str:
    """The kept fingerprint of `place`, 64 hexadecimal digits, or "". Raises OSError."""
    try:
        with open(file, encoding="utf-8", errors="replace") as lines:
            found = [match for line in lines if (match := _LINE.fullmatch(line))]
    except FileNotFoundError:
        return ""
    return next((match[2].lower() for match in reversed(found) if match[1] == place), "")


def keep_fingerprint(file: str, place: str, fingerprint: str) -> None:
    """Add a line for `place`, or replace its line; all other lines stay. Raises OSError."""
    try:
        with open(file, encoding="utf-8", errors="surrogateescape") as lines:
            kept = [line.rstrip("\n") for line in lines if line.split()[:1] != [place]]
    except FileNotFoundError:
        kept = []
    write_private(file, "\n".join([*kept, f"{place} {fingerprint}"]) + "\n")
