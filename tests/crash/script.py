"""What a person does in the folder of the upload job, in two acts."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Final

MIB: Final = 2**20


def first(near: Path) -> None:
    """Files of all sizes, folders, a link, a file with holes."""
    for number in range(12):
        _write(near / "small" / f"{number}.txt", f"first {number}\n".encode())
    _write(near / "deep" / "a" / "b" / "c.txt", b"deep\n")
    _write(near / "kind" / "inner.txt", b"a folder that becomes a file\n")
    (near / "empty").mkdir()
    (near / "link").symlink_to("small/0.txt")
    _write(near / "large.bin", os.urandom(9 * MIB))
    with (near / "holes.img").open("wb") as file:
        os.pwrite(file.fileno(), b"data" * 1024, 10 * MIB)
        file.truncate(20 * MIB)


def second(near: Path) -> None:
    """Changes, deletions, moves, another kind."""
    for number in range(3):
        _write(near / "small" / f"{number}.txt", f"second {number}\n".encode())
    (near / "small" / "3.txt").unlink()
    (near / "small" / "4.txt").rename(near / "small" / "moved.txt")
    (near / "small" / "5.txt").chmod(0o600)
    os.utime(near / "small" / "6.txt", (1, 1))
    (near / "kind" / "inner.txt").unlink()
    (near / "kind").rmdir()
    _write(near / "kind", b"a file where a folder was\n")
    (near / "link").unlink()
    (near / "link").symlink_to("small/moved.txt")
    _write(near / "large.bin", os.urandom(9 * MIB))


def at_the_other_side(far: Path) -> None:
    """What somebody else does during the second act: nothing that collides with it."""
    _write(far / "small" / "8.txt", b"changed at the other side\n")
    _write(far / "new" / "there.txt", b"new at the other side\n")
    (far / "small" / "9.txt").unlink()
    (far / "small" / "10.txt").rename(far / "new" / "moved.txt")


ACTS: Final[tuple[Callable[[Path], None], ...]] = (first, second)


def _write(path: Path, content: bytes) -> None:
    """Writes a file in place of the one before, as editors do."""
    path.parent.mkdir(parents=True, exist_ok=True)
    made = path.with_name(f".{path.name}.tmp")
    made.write_bytes(content)
    made.replace(path)
