"""Trees of files that are moved, and what is in them."""

import hashlib
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks.remotes.wire import mark

MIB: Final = 2**20
SMALL: Final = 4096
_IN_FOLDER: Final = 500
_OURS: Final = ".cargo_sync"


@dataclass(frozen=True)
class Tree:
    """A folder of files of chance.

    files  how many
    size   bytes of each
    """

    folder: Path
    files: int
    size: int

    @property
    def bytes(self) -> int:
        return self.files * self.size

    @property
    def is_small(self) -> bool:
        return self.size == SMALL

    def __str__(self) -> str:
        if self.is_small:
            return f"{self.files:,} files of 4 KiB"
        mib = self.size // MIB
        return f"one file of {mib // 1024} GiB" if mib % 1024 == 0 else f"one file of {mib:,} MiB"

    def forget(self) -> None:
        """Removes what jobs have left in it."""
        shutil.rmtree(self.folder / _OURS, ignore_errors=True)


def make_tree(folder: Path, files: int, size: int) -> Tree:
    """Makes the files, some hundred in each folder. Each small one begins with a mark."""
    for number in range(files):
        below = folder / f"{number // _IN_FOLDER:03d}"
        below.mkdir(parents=True, exist_ok=True)
        with open(below / f"{number:06d}", "wb") as file:
            if size == SMALL:
                start = mark(number)
                file.write(start + os.urandom(size - len(start)))
                continue
            for at in range(0, size, MIB):
                file.write(os.urandom(min(MIB, size - at)))
    return Tree(folder, files, size)


def contents_of(folder: Path) -> Mapping[str, str]:
    """SHA-256 of each file by its path, without our own folder."""
    found = {}
    for path in files_of(folder):
        with open(path, "rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        found[str(path.relative_to(folder))] = digest
    return found


def files_of(folder: Path) -> list[Path]:
    """The files in a folder, without those of Cargo."""
    return [
        path
        for path in folder.rglob("*")
        if path.is_file() and _OURS not in path.relative_to(folder).parts
    ]


def whole_files(folder: Path, size: int) -> set[int]:
    """The inodes of all files of this size in a folder, also of those that are under way."""
    found = set()
    for path in folder.rglob("*"):
        try:
            state = path.stat()
        except FileNotFoundError:  # it was renamed meanwhile
            continue
        if path.is_file() and state.st_size == size:
            found.add(state.st_ino)
    return found
