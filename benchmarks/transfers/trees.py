"""Folders of files: made, linked and checked; none of it is ever timed."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Final

from benchmarks.transfers.workloads import MIB, Workload

OUR_FOLDER: Final = ".cargo_sync"


class WrongCopyError(Exception):
    """A tool has not moved what it should have moved."""


def make(workload: Workload, top: Path) -> None:
    """The files of a workload below `top`, with random content."""

    def write(path: str) -> None:
        with open(path, "wb", buffering=0) as file:
            for start in range(0, workload.size, MIB):
                file.write(os.urandom(min(MIB, workload.size - start)))

    _each(workload, top, lambda path, target: write(target))


def link(workload: Workload, source: Path, top: Path) -> None:
    """The same files below `top` once more, as hard links: they cost no room."""
    _each(workload, top, lambda path, target: os.link(f"{source}/{path}", target))


def check(workload: Workload, source: Path, target: Path, number: int) -> None:
    """Compares count and sizes of all files, and the content of one.

    Args:
        workload: what was moved.
        source: where it is.
        target: where it should be now.
        number: the file whose content is compared.

    Raises:
        WrongCopyError: something differs.
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
    path = workload.path(number)
    with open(source / path, "rb") as one, open(target / path, "rb") as other:
        while content := one.read(MIB):
            if content != other.read(MIB):
                raise WrongCopyError(f"{path} arrived with another content")


def _each(workload: Workload, top: Path, act: Callable[[str, str], None]) -> None:
    folder = None
    for path in workload.paths():
        target = f"{top}/{path}"
        above = os.path.dirname(target)
        if above != folder:
            os.makedirs(above, exist_ok=True)
            folder = above
        act(path, target)
