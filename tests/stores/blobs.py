"""Folders of blobs for tests, and what is put in them."""

import os
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path

from blake3 import blake3

from cargo_sync.local.ages import MemoryAges
from cargo_sync.local.content_hash import ListedHash
from cargo_sync.local.parts import MemoryCheckpoints
from cargo_sync.local.space import SpaceLedger
from cargo_sync.local.system import System
from cargo_sync.model.problems import Problem
from cargo_sync.model.transfers import Offer
from cargo_sync.stores.blob_pieces import PIECE
from cargo_sync.stores.blobs import BlobFolder, for_blobs
from cargo_sync.stores.contract import Content
from tests.local.systems import system as quick_system

TOKEN = "0123456789abcdef0123456789abcdef"
LARGE = bytes(range(256)) * (PIECE * 2 // 256) + b"rest"
"""Three pieces."""


def opened(
    path: Path,
    system: System | None = None,
    *,
    known: str = "",
    capacity: int | None = None,
    token: str = TOKEN,
    durable: bool = True,
    hashes: Callable[[], ListedHash] = ListedHash,
) -> BlobFolder:
    return BlobFolder.open(
        str(path),
        known,
        lambda: token,
        MemoryCheckpoints(),
        SpaceLedger(),
        MemoryAges(lambda: 0.0),
        holder="a test",
        capacity=capacity,
        durable=durable,
        system=system or quick_system("native"),
        hashes=hashes,
    )


def content_of(bytes: bytes) -> Content:
    return Content(blake3(bytes).hexdigest(), len(bytes))


def put(blobs: BlobFolder, contents: Sequence[bytes]) -> list[Problem | None]:
    """Stages contents and places them, as one batch."""
    offers = for_blobs(
        Offer(f"a user's file {number}", len(each), 0, 0o004, 0, 0, f"{number:032x}")
        for number, each in enumerate(contents)
    )
    staged = [
        blobs.staging.write(offer, memoryview(each))
        for offer, each in zip(offers, contents, strict=True)
    ]
    return blobs.place(staged)


def read(blobs: BlobFolder, content: Content, step: int = PIECE) -> bytes:
    """All of a content, in reads of `step` bytes; raises ProblemError."""
    view = memoryview(bytearray(content.size))
    with closing(blobs.open_blob(content)) as reader:
        done = 0
        while got := reader.read_into(view[done : done + step], done):
            done += got
    return bytes(view[:done])


def place_of(top: Path, content: Content) -> Path:
    return top / content.hash[:2] / content.hash


def flip(file: Path, offset: int) -> None:
    """Flips a bit of a byte, as a disk may do it: no time changes."""
    found = file.stat()
    with file.open("r+b") as opened:
        opened.seek(offset)
        [byte] = opened.read(1)
        opened.seek(offset)
        opened.write(bytes([byte ^ 1]))
    os.utime(file, ns=(found.st_atime_ns, found.st_mtime_ns))


def kept(top: Path) -> set[str]:
    """The files of blobs and lists."""
    return {path.name for path in top.glob("[0-9a-f][0-9a-f]/*")}


def staged_in(top: Path) -> set[str]:
    """The files in staging."""
    return {path.name for path in top.glob(".cargo_sync/staging/*")}
