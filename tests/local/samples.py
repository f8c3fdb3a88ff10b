"""Offers and trees that the tests of this package share."""

import contextlib
import os
from collections.abc import Sequence
from pathlib import Path

import pytest
from blake3 import blake3

from cargo_sync.local.publish import Published
from cargo_sync.local.root import Root
from cargo_sync.local.space import Shortage
from cargo_sync.model.entries import Entry
from cargo_sync.model.problems import Code, Problem
from cargo_sync.model.transfers import Offer, Receipt, Want

MTIME = 1_700_000_000_123_456_000
RUN = "20260102T030405Z-test"


def offer(
    path: str, content: bytes = b"", *, mode: int = 0o640, target: str = "", transfer: str = ""
) -> Offer:
    return Offer(
        path,
        len(content),
        MTIME,
        mode,
        7,
        11,
        transfer or blake3(path.encode()).hexdigest()[:32],
        target=target,
    )


def present(root: Root, path: str) -> Entry:
    found = root.entry(path)
    assert found is not None, path
    return found


def tree(top: Path) -> dict[str, str]:
    """All paths below with their content (for a link "-> " and its target), without our folder."""
    return {
        path: text for path, text in everything(top).items() if not path.startswith(".cargo_sync/")
    }


def everything(top: Path) -> dict[str, str]:
    found: dict[str, str] = {}
    for folder, _, names in os.walk(top):
        for name in names:
            path = Path(folder, name)
            shown = str(path.relative_to(top))
            found[shown] = (
                f"-> {os.readlink(path)}" if path.is_symlink() else path.read_text("latin-1")
            )
    return found


IN_2300 = 10_413_792_000
IN_1601 = -11_644_473_600
"""Unix seconds that do not fit 64-bit nanoseconds."""


def dated(path: Path, seconds: int) -> None:
    """Sets a file's modification time; skips the test where the file system cannot keep it."""
    os.utime(path, ns=(seconds * 10**9, seconds * 10**9))
    if path.stat().st_mtime_ns != seconds * 10**9:
        pytest.skip(f"this file system keeps no time {seconds}")


class LooseJudge:
    """Wants everything, expects what the test sets, and only makes receipts."""

    def __init__(
        self, expected: dict[str, Entry] | None = None, answers: dict[str, Want] | None = None
    ) -> None:
        self.expectations = expected or {}
        self.answers = answers or {}
        self.recorded: list[str] = []

    def judge(self, batch: int, offers: Sequence[Offer]) -> list[Want | None]:
        return [self.answers.get(one.path) for one in offers]

    def no_room(self, offer: Offer, shortage: Shortage) -> Problem:
        return Problem(Code.DISK_FULL, f"{shortage.needed} of {shortage.left}", offer.path)

    def expected(self, offers: Sequence[Offer]) -> list[Entry | Problem | None]:
        return [self.expectations.get(one.path) for one in offers]

    def moving(self, folder: str, place: str) -> None:
        """Nothing watches the folder."""

    def came(self, folder: str) -> None:
        """The test asks the folder itself."""

    def stayed(self, folder: str) -> None:
        """Nothing watches the folder."""

    def ended(self, batch: int) -> None:
        """Nothing was prepared."""

    def moved(self, folder: str, found: os.stat_result) -> None:
        """The test asks the folder itself."""

    def record(self, batch: int, offers: Sequence[Offer], published: Published) -> list[Receipt]:
        self.recorded += [one.path for one in offers]
        return [
            Receipt(
                "done", entry.version, entry.ident, entry.mtime_ns, entry.mode, entry.hash,
                published.displaced[one.path].place if one.path in published.displaced else "",
            )
            for one, entry in zip(offers, published.entries, strict=True)
        ]  # fmt: skip

    def there(self, offers: Sequence[Offer]) -> list[Receipt]:
        self.recorded += [one.path for one in offers]
        return [Receipt("done") for _ in offers]

    def occupied(self, offers: Sequence[Offer]) -> list[Problem]:
        return [Problem(Code.OCCUPIED, "something is there", one.path) for one in offers]

    def lock(self) -> contextlib.AbstractContextManager[object]:
        return contextlib.nullcontext()


def owned_by(monkeypatch: pytest.MonkeyPatch, path: Path, user: int) -> None:
    """Shows `path` as another user's (only root could really give it away)."""
    inode = path.stat().st_ino

    def shown(found: os.stat_result) -> os.stat_result:
        return os.stat_result((*found[:4], user, *found[5:])) if found.st_ino == inode else found

    fstat, lstat = os.fstat, os.lstat
    monkeypatch.setattr(os, "fstat", lambda fd: shown(fstat(fd)))
    monkeypatch.setattr(os, "lstat", lambda path, **more: shown(lstat(path, **more)))
