"""What a bucket has and its server does not know, as text."""

from collections.abc import Mapping
from typing import Any

from cargo_ctl.render.words import count, duration, escaped, size

_DIGITS = 4
"""Keys are hex digits by chance: so many of them say how far a bucket was looked at."""


def progress(after: str, objects: int) -> str:
    """How far a bucket was looked at: up to this key; and how many objects were found."""
    done = int(after[:_DIGITS], 16) / 16**_DIGITS
    return f"{done:.0%} of the bucket, {count(objects, 'object')} found"


def orphans(found: Mapping[str, Any]) -> str:
    """What is there, and nobody deletes now."""
    if not found["objects"]:
        return f"the server knows all of {escaped(found['bucket'])}{_young(found, ', but')}"
    return f"the server does not know {_objects(found)}{_young(found, '; besides')}"


def reclaiming(found: Mapping[str, Any]) -> str:
    """The question before they are deleted."""
    return (
        f"The server does not know {_objects(found)}. If a newer state than the server's is still "
        "needed, they are, too. Delete them for good?"
    )


def reclaimed(done: Mapping[str, Any]) -> str:
    """What was deleted."""
    return f"deleted: {_objects(done)}{_young(done, '; what stays:')}"


def _objects(found: Mapping[str, Any]) -> str:
    """`12 objects (3.1 GB) in s3+https://…, stored 2 d to 9 d ago`."""
    newest, oldest = duration(found["newest_s"] or 0), duration(found["oldest_s"] or 0)
    ages = newest if newest == oldest else f"{newest} to {oldest}"
    what = f"{count(found['objects'], 'object')} ({size(found['bytes'])})"
    return f"{what} in {escaped(found['bucket'])}, stored {ages} ago"


def _young(found: Mapping[str, Any], link: str) -> str:
    if not found["young"]:
        return ""
    return f"{link} {count(found['young'], 'object')} of the last day: does a copy of it run?"
