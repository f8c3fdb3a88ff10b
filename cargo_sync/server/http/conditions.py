"""Conditional requests: the version that a request is about, and the part that it wants. Pure.

RFC 9110: section 8.8.3 (ETag), 13 (conditional requests), 14 (ranges). Dates are sent but never
compared: a clock must not decide whether a file is still the same.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple

_TAG = re.compile(r'\s*(W/)?("[^"]*")\s*(?:,|$)')
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
    """

    match: tuple[str, ...] | None = None
    none_match: tuple[str, ...] | None = None

    @classmethod
    def of(cls, headers: Mapping[str, str]) -> "Conditions":
        return cls(_tags(headers.get("If-Match")), _tags(headers.get("If-None-Match")))

    def verdict(self, tag: str | None) -> PreconditionVerdict:
        """The verdict for the present tag, None for nothing.

        It is "stale" when If-Match fails, "same" when If-None-Match fails, else "go".
        """
        if self.match is not None and (tag is None or not {"*", tag} & set(self.match)):
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
    headers: Mapping[str, str], tag: str, size: int
) -> ByteRange | Literal["all", "none"]:
    """The part of `size` bytes that Range asks for.

    It is "all" when nothing is asked for, or more than one part, or another version (If-Range). It
    is "none" when the part begins after the end; the response is 416 then.
    """
    asked = headers.get("Range")
    if asked is None or headers.get("If-Range", tag) != tag:
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


def _tags(header: str | None) -> tuple[str, ...] | None:
    if header is None:
        return None
    if header.strip() == "*":
        return ("*",)
    found: list[str] = []
    at = 0
    while at < len(header) and (tag := _TAG.match(header, at)):
        found.append((tag[1] or "") + tag[2])
        at = tag.end()
    return tuple(found)
