"""Folders of files: made, linked and checked; none of it is ever timed."""

import itertools
import os
import random
import shutil
from collections.abc import Callable, Container, Sequence
from pathlib import Path
from typing import Final

from benchmarks.transfers.workloads import MIB, Workload

OUR_FOLDER: Final = ".cargo_sync"
PARTS: Final = 64
"""MiB of a large file that are compared, at random places."""
NUMBER: Final = 8
"""Bytes at the start of each MiB that tell it from all others."""


class WrongCopyError(Exception):
    """A tool has not moved what it should have moved."""


def make(workload: Workload, top: Path) -> None:
    """The files of a workload below `top`. No two MiB of them are the same, none can be packed."""
    block = bytearray(os.urandom(MIB))
    made = itertools.count()

    def write(_: str, target: str) -> None:
        with open(target, "wb", buffering=0) as file:
            for start in range(0, workload.size, MIB):
                block[:NUMBER] = next(made).to_bytes(NUMBER, "big")
                file.write(memoryview(block)[: workload.size - start])

    _each(workload, top, write)


def link(workload: Workload, source: Path, top: Path, apart: Container[str] = ()) -> None:
    """The same files below `top` once more, as hard links, which cost no room.

    Those whose paths are in `apart` are copied: to replace one name of a file changes the times of
    all its names.
    """

    def made(path: str, target: str) -> None:
        (shutil.copy2 if path in apart else os.link)(f"{source}/{path}", target)

    _each(workload, top, made)


def change(file: Path) -> None:
    """Gives a file another content of the same size, as an editor does: by a rename."""
    fresh = file.with_name(file.name + ".new")
    fresh.write_bytes(os.urandom(file.stat().st_size))
    fresh.rename(file)


def check(workload: Workload, source: Path, target: Path, path: str) -> None:
    """Compares count and sizes of all files, and the content of one.

    Args:
        workload: what was moved.
        source: where it is.
        target: where it should be now.
        path: of the file whose content is compared.

    Raises:
        WrongCopyError: something differs.
    """
    check_sizes(workload, target)
    if not _same(source / path, target / path, workload.size):
        raise WrongCopyError(f"{path} arrived with another content")


def check_sizes(workload: Workload, target: Path) -> None:
    """Compares count and sizes of all files below `target` with what they should be.

    Raises:
        WrongCopyError: they differ.
    """
    found = total = 0
    pending = [str(target)]
    while pending:
        with os.scandir(pending.pop()) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    if entry.name != OUR_FOLDER:
                        pending.append(entry.path)
                else:
                    found += 1
                    total += entry.stat(follow_symlinks=False).st_size
    if (found, total) != (workload.files, workload.bytes):
        raise WrongCopyError(
            f"{found:,} files with {total:,} bytes arrived, "
            f"not {workload.files:,} files with {workload.bytes:,} bytes"
        )


def _same(one: Path, other: Path, size: int) -> bool:
    """Whether two files of this size have the same content; of large ones, parts of a MiB each."""
    starts: Sequence[int] = range(0, size, MIB)
    if len(starts) > PARTS:
        starts = random.sample(starts, PARTS)
    with open(one, "rb", buffering=0) as first, open(other, "rb", buffering=0) as second:
        return all(
            os.pread(first.fileno(), MIB, start) == os.pread(second.fileno(), MIB, start)
            for start in starts
        )


def _each(workload: Workload, top: Path, act: Callable[[str, str], None]) -> None:
    folder = None
    for path in workload.paths():
        target = f"{top}/{path}"
        above = os.path.dirname(target)
        if above != folder:
            os.makedirs(above, exist_ok=True)
            folder = above
        act(path, target)
