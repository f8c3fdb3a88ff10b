"""The history of a server: what happened to the files of its workspaces, who did it, and when.

A *batch* is what one transaction did of one kind. Its files are kept as columns: thousands of small
files cost one row. Each file has a number of its own in the history, its cursor; the files of a
batch have the cursors up to that of the batch.
"""

import zlib
from collections.abc import Sequence
from enum import StrEnum
from typing import Any, Final, NamedTuple

import orjson

SHOWN: Final = 20
"""Paths that are told of a batch."""
_DIGITS: Final = 64
_UNKNOWN: Final = "0" * _DIGITS
"""In place of a hash that is not known."""
_LEVEL: Final = 1
"""Of zlib: level 6 takes three times as long, for a tenth less."""


class HistoryKind(StrEnum):
    """What happened to a file."""

    UPLOADED = "uploaded"
    DOWNLOADED = "downloaded"
    MOVED = "moved"
    """It has another path; a folder with all in it."""
    DELETED = "deleted"
    DISPLACED = "displaced"
    """Another content took its place; it went to the trash."""
    RESTORED = "restored"
    """It came back from the trash."""
    CHANGED = "changed"
    """Another program on the server's machine wrote it."""


class ServerMoment(StrEnum):
    """What a server can have callbacks for; the names are the ones in its file."""

    UPLOADED = "onUploaded"
    DOWNLOADED = "onDownloaded"
    DELETED = "onDeleted"
    LOGIN = "onLogin"
    """Not in the history, and neither is the next one: they are about no file."""
    QUOTA = "onQuota"


MOMENTS: Final = {
    HistoryKind.UPLOADED: ServerMoment.UPLOADED,
    HistoryKind.DOWNLOADED: ServerMoment.DOWNLOADED,
    HistoryKind.DELETED: ServerMoment.DELETED,
}
"""The kinds of the history that can have callbacks."""


class ChangeCause(NamedTuple):
    """Who makes a change, and how.

    user     their name; "" for another program, and for a command of the person who runs the server
    address  the IP address of their client, or ""
    origin   the run of a job or a session, `http`, `backup`, or `control` for a command
    flow     the first characters of the flow's id, or ""
    puts     what a new content is told as; None: times and modes are set, which is not told
    seconds  how long it took to come; None if that was not measured
    """

    user: str = ""
    address: str = ""
    origin: str = ""
    flow: str = ""
    puts: HistoryKind | None = HistoryKind.CHANGED
    seconds: float | None = None


CONTROL: Final = "control"
"""The origin of what the person who runs the server does by a command."""
OTHERS: Final = ChangeCause()
"""Another program on the server's machine."""

UNTOLD: Final = ChangeCause(puts=None)
"""Of records that are about no files of a workspace."""


class HistoryFiles(NamedTuple):
    """Files of one kind, as columns of one length.

    paths     in the workspace; a folder's ends with "/"
    sizes     bytes
    hashes    BLAKE3 of the contents, hex; "" for those that are not known
    versions  of the contents
    before    where each was, of those that moved; else none
    """

    paths: Sequence[str]
    sizes: Sequence[int]
    hashes: Sequence[str]
    versions: Sequence[int]
    before: Sequence[str] = ()

    @classmethod
    def joined(cls, parts: "Sequence[HistoryFiles]") -> "HistoryFiles":
        """All files of all parts, in order; either all of them moved, or none."""
        if len(parts) == 1:
            return parts[0]
        return cls(
            [one for part in parts for one in part.paths],
            [one for part in parts for one in part.sizes],
            [one for part in parts for one in part.hashes],
            [one for part in parts for one in part.versions],
            [one for part in parts for one in part.before],
        )

    def between(self, start: int, end: int) -> "HistoryFiles":
        """The files from the index `start` on and before the index `end`."""
        paths, sizes, hashes = self.paths[start:end], self.sizes[start:end], self.hashes[start:end]
        return HistoryFiles(paths, sizes, hashes, self.versions[start:end], self.before[start:end])

    def encode(self) -> bytes:
        """The files as bytes.

        They are the length of what follows (4 bytes, big endian), then four columns as JSON (paths,
        sizes, versions, before), compressed by zlib, then the hashes of 32 bytes each, or nothing
        if none is known. Versions that follow each other are one number.
        """
        versions: object = list(self.versions)
        first = self.versions[0] if self.versions else 0
        if versions == list(range(first, first + len(self.versions))):
            versions = first
        columns = [list(self.paths), list(self.sizes), versions, list(self.before)]
        packed = zlib.compress(orjson.dumps(columns), _LEVEL)
        hashes = b""
        if any(self.hashes):
            known = [one if len(one) == _DIGITS else _UNKNOWN for one in self.hashes]
            hashes = bytes.fromhex("".join(known))
        return len(packed).to_bytes(4, "big") + packed + hashes

    @classmethod
    def decode(cls, blob: bytes) -> "HistoryFiles":
        """The files that `encode` was called on; a hash that is no hash is "" now."""
        end = 4 + int.from_bytes(blob[:4], "big")
        columns: list[Any] = orjson.loads(zlib.decompress(blob[4:end]))
        paths, sizes, versions, before = columns
        if isinstance(versions, int):
            versions = range(versions, versions + len(paths))
        hashes = [""] * len(paths)
        if end < len(blob):
            text = blob[end:].hex()
            parts = [text[at : at + _DIGITS] for at in range(0, len(text), _DIGITS)]
            hashes = ["" if one == _UNKNOWN else one for one in parts]
        return cls(paths, sizes, hashes, versions, before)


class HistoryBatch(NamedTuple):
    """A batch without its files.

    cursor   of its last file; the others have those before it
    time     unix seconds
    workspace  the id of its folder in the catalogue
    seconds  how long it took; None if that was not measured
    files    how many
    """

    cursor: int
    time: float
    workspace: int
    kind: HistoryKind
    user: str
    address: str
    origin: str
    flow: str
    seconds: float | None
    files: int
    bytes: int

    @property
    def speed(self) -> int | None:
        """Bits per second of the batch; None if that was not measured."""
        return round(8 * self.bytes / self.seconds) if self.bytes and self.seconds else None


class HistoryRow(NamedTuple):
    """One file of the history; `before` is where it was, if it moved, else ""."""

    cursor: int
    batch: HistoryBatch
    path: str
    size: int
    hash: str
    version: int
    before: str


class ToldBatch(NamedTuple):
    """What those hear of a batch who listen while it happens: it, and its first paths."""

    batch: HistoryBatch
    paths: Sequence[str]


def rows_of(batch: HistoryBatch, files: HistoryFiles) -> list[HistoryRow]:
    """The rows of a batch, the oldest first."""
    first = batch.cursor - batch.files + 1
    before = files.before or [""] * batch.files
    columns = zip(files.paths, files.sizes, files.hashes, files.versions, before, strict=True)
    return [HistoryRow(first + at, batch, *one) for at, one in enumerate(columns)]
