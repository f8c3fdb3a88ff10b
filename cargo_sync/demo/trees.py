"""The files of the demo: made, looked at, and compared."""

import os
import stat
import time
from collections.abc import Mapping
from typing import IO, Final, NamedTuple

import click
from blake3 import blake3

from cargo_sync.config.job_shape import DEFAULT_EXCLUDE
from cargo_sync.demo.programs import DemoError
from cargo_sync.plan.filters import Filters

SMALL, MEDIUM = 3000, 100
MIB: Final = 2**20
OLD: Final = 3600


def make_tree(root: str, files: int | None) -> None:
    """Makes 3,000 small files, 100 of 1 MiB, one of 256 MiB, and special names and kinds.

    With `files` it makes about that many, none of them large.
    """
    small = SMALL if files is None else max(1, files - 5)
    sizes = [
        (f"many/{number // 100:02d}/{number % 100 // 20}/{number:04d}.txt", 200 + number * 7 % 4000)
        for number in range(small)
    ]
    if files is None:
        sizes += [(f"medium/{number:03d}.bin", MIB) for number in range(MEDIUM)]
        sizes.append(("large.bin", 256 * MIB))
    sizes += [
        ("names/with spaces.txt", 10),
        ("names/señor müller.txt", 11),
        ("names/📦 cargo.txt", 12),
    ]
    sizes += [("names/-leading dash", 13), ("empty file", 0)]
    chunk = os.urandom(MIB)
    made = time.time() - OLD
    for number, (path, size) in enumerate(sizes):
        whole = os.path.join(root, path)
        os.makedirs(os.path.dirname(whole), exist_ok=True)
        with open(whole, "wb") as file:
            _fill(file, size, number, chunk)
        os.chmod(whole, 0o600 if number % 10 == 0 else 0o644)
        os.utime(whole, (made + number, made + number))
    os.mkdir(os.path.join(root, "empty folder"))
    os.symlink("names/with spaces.txt", os.path.join(root, "a link"))


def _fill(file: IO[bytes], size: int, number: int, chunk: bytes) -> None:
    """Writes `size` bytes that no other file has: each MiB begins with the file's number."""
    head = number.to_bytes(4, "big")
    for start in range(0, size, MIB):
        piece = head + start.to_bytes(8, "big") + chunk[12:]
        file.write(piece[: min(MIB, size - start)])


class DemoEntry(NamedTuple):
    """One entry of a tree; kind is file, folder or link."""

    kind: str
    size: int = 0
    mtime_ns: int = 0
    mode: int = 0
    target: str = ""


Tree = Mapping[str, DemoEntry]
"""Entries by path."""


def size_of(tree: Tree) -> int:
    """Bytes of its files."""
    return sum(one.size for one in tree.values())


def count_of(tree: Tree) -> int:
    """How many files it has."""
    return sum(one.kind == "file" for one in tree.values())


def look(root: str) -> dict[str, DemoEntry]:
    """The entries of the tree at `root` that a job transfers, by path."""
    filters = Filters((), DEFAULT_EXCLUDE)
    found: dict[str, DemoEntry] = {}
    pending = [""]
    while pending:
        folder = pending.pop()
        for entry in os.scandir(os.path.join(root, folder)):
            path = os.path.join(folder, entry.name)
            status = entry.stat(follow_symlinks=False)
            is_folder = stat.S_ISDIR(status.st_mode)
            if filters.excluded(path, is_folder):
                continue
            if is_folder:
                pending.append(path)
                found[path] = DemoEntry("folder")
            elif stat.S_ISLNK(status.st_mode):
                found[path] = DemoEntry("link", target=os.readlink(entry.path))
            elif stat.S_ISREG(status.st_mode):
                mode = stat.S_IMODE(status.st_mode) & 0o777
                found[path] = DemoEntry("file", status.st_size, status.st_mtime_ns, mode)
    return found


def arrived(wanted: Tree, root: str) -> bool:
    """Whether every path is there; the contents are compared later."""
    return os.path.isdir(root) and len(look(root)) >= len(wanted)


def compare(wanted: Tree, first: str, last: str) -> None:
    """Compares every file of the last folder with the first one. Raises DemoError."""
    found = look(last)
    click.echo("comparing every file with the first folder")
    wrong = [f"{path!r} did not arrive" for path in wanted.keys() - found.keys()]
    wrong += [
        f"{path!r} is there, but not in the first folder" for path in found.keys() - wanted.keys()
    ]
    for path in wanted.keys() & found.keys():
        if wanted[path] != found[path]:
            wrong.append(f"{path!r} differs: {wanted[path]} became {found[path]}")
        elif wanted[path].kind == "file" and hash_at(first, path) != hash_at(last, path):
            wrong.append(f"{path!r} has different content")
    if wrong:
        raise DemoError(f"{len(wrong)} differences, such as {'; '.join(sorted(wrong)[:5])}")


def hash_at(root: str, path: str) -> str:
    """The hash of a file, as nodes call its content."""
    return blake3().update_mmap(os.path.join(root, path)).hexdigest()
