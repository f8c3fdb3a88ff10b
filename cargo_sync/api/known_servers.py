"""`known_servers`: the accepted certificates and host keys.

Each line has `host:port`, for SSH `sftp://host:port`, and the fingerprint.
"""

import re

from cargo_sync.api.own_files import write_private

_LINE = re.compile(r"(\S+)\s+(?:(?:sha256:)?([0-9a-fA-F]{64})|(SHA256:[A-Za-z0-9+/]{43}))\s*")


def known_fingerprint(file: str, place: str) -> str:
    """The kept fingerprint of `place`, or "". Raises OSError.

    It has 64 hexadecimal digits; that of an SSH server's host key is `SHA256:…`.
    """
    try:
        with open(file, encoding="utf-8", errors="replace") as lines:
            found = [match for line in lines if (match := _LINE.fullmatch(line))]
    except FileNotFoundError:
        return ""
    kept = next((match for match in reversed(found) if match[1] == place), None)
    return "" if kept is None else kept[3] or kept[2].lower()


def keep_fingerprint(file: str, place: str, fingerprint: str) -> None:
    """Add a line for `place`, or replace its line; all other lines stay. Raises OSError."""
    try:
        with open(file, encoding="utf-8", errors="surrogateescape") as lines:
            kept = [line.rstrip("\n") for line in lines if line.split()[:1] != [place]]
    except FileNotFoundError:
        kept = []
    write_private(file, "\n".join([*kept, f"{place} {fingerprint}"]) + "\n")
