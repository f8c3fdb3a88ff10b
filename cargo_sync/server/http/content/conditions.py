"""Conditional requests: the version that a request is about, and the part that it wants. Pure.

RFC 9110: section 8.8.3 (ETag), 13 (conditional requests), 14 (ranges). A date never decides that a
file is still the same, because two versions may be of one second.
"""

import re
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Literal, NamedTuple

from multidict import MultiMapping

_TAGS = re.compile(r'[\s,]*((?:W/)?"[^"]*")\s*(?=,|$)')
_RANGE = re.compile(r"bytes\s*=\s*(\d{0,19})\s*-\s*(\d{0,19})\s*", re.ASCII | re.IGNORECASE)

PreconditionVerdict = Literal["go", "stale", "same"]


def etag(epoch: str, version: int) -> str:
    """The strong tag of a version.

    Two versions of a workspace's files never share a tag, in any life of the catalogue.
    """
    return f'"{epoch[:16]}-{version}"'


@dataclass(frozen=True, slots=True)
class Conditions:
    """The conditions of a request.

    match, none_match  the tags of If-Match and If-None-Match, ("*",) for any; None without the
                       header. Weak tags keep their W/, so they never match strongly
    unmodified_since   If-Unmodified-Since in unix seconds; None without it and beside If-Match
    """

    match: tuple[str, ...] | None = None
    none_match: tuple[str, ...] | None = None
    unmodified_since: int | None = None

    @classmethod
    def of(cls, headers: MultiMapping[str]) -> "Conditions":
        """Reads all lines of these headers.

        Raises:
            ValueError: one of them cannot be read. A condition is never ignored.
        """
        match = _tags(headers, "If-Match")
        none_match = _tags(headers, "If-None-Match")
        return cls(match, none_match, _seconds(headers) if match is None else None)

    def verdict(self, tag: str | None, modified: int) -> PreconditionVerdict:
        """The verdict for what is there now.

        Args:
            tag: its tag, None for nothing.
            modified: its time of modification in unix seconds.

        Returns:
            "stale" when If-Match or If-Unmodified-Since fails, "same" when If-None-Match fails,
            else "go".
        """
        if self.match is not None and (tag is None or not {"*", tag} & set(self.match)):
            return "stale"
        since = self.unmodified_since
        if since is not None and tag is not None and modified > since:
            return "stale"
        if self.none_match is not None and tag is not None:
            weak = {one.removeprefix("W/") for one in self.none_match}
            if {"*", tag} & weak:
                return "same"
        return "go"


class ByteRange(NamedTuple):
    """Bytes [start, end) of a content."""

    start: int
    end: int


def wanted_part(
    headers: MultiMapping[str], tag: str, size: int
) -> ByteRange | Literal["all", "none"]:
    """The part of `size` bytes that Range asks for.

    It is "all" when nothing is asked for, or more than one part, or another version (If-Range). It
    is "none" when the part begins after the end; the response is 416 then.
    """
    asked = _joined(headers, "Range")
    if asked is None or (_joined(headers, "If-Range") or tag) != tag:
        return "all"
    found = _RANGE.fullmatch(asked.strip())
    if found is None or found.groups() == ("", ""):
        return "all"
    first, last = found.groups()
    if first == "":
        length = min(int(last), size)
        return ByteRange(size - length, size) if length else "none"
    start = int(first)
    if last and int(last) < start:
        return "all"
    if start >= size:
        return "none"
    return ByteRange(start, min(int(last) + 1, size) if last else size)


def _joined(headers: MultiMapping[str], name: str) -> str | None:
    """Several lines of one header mean the same as one line with commas (RFC 9110, 5.3)."""
    lines = headers.getall(name, [])
    return ", ".join(lines) if lines else None


def _tags(headers: MultiMapping[str], name: str) -> tuple[str, ...] | None:
    header = _joined(headers, name)
    if header is None:
        return None
    if header.strip() == "*":
        return ("*",)
    found: list[str] = []
    at = 0
    while tag := _TAGS.match(header, at):
        found.append(tag[1])
        at = tag.end()
    if not found or header[at:].strip(", \t"):
        raise ValueError(f'{name} must be * or ETags in double quotes, such as "5f1c-7"')
    return tuple(found)


def _seconds(headers: MultiMapping[str]) -> int | None:
    lines = headers.getall("If-Unmodified-Since", [])
    if not lines:
        return None
    try:
        [line] = lines
        date = parsedate_to_datetime(line)
        return int((date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp())
    except (ValueError, OverflowError):
        raise ValueError("If-Unmodified-Since must be one HTTP date") from None
