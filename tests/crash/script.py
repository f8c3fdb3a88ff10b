"""What a person does in the folder of the upload job, in two acts."""

import contextlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Final

MIB: Final = 2**20
TAG: Final = "user.tag"


def first(near: Path) -> None:
    """Files of all sizes, folders, a link, a file with holes, extended attributes."""
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
    for name in ("small/0.txt", "small/5.txt", "small/7.txt", "large.bin"):
        _tag(near / name, b"first")


def second(near: Path) -> None:
    """Changes, deletions, moves, another kind, other attributes."""
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
    for name in ("small/2.txt", "small/5.txt", "small/6.txt"):
        _tag(near / name, b"second")
    _tag(near / "small" / "7.txt", None)


def at_the_other_side(far: Path) -> None:
    """What somebody else does during the second act: nothing that collides with it."""
    _write(far / "small" / "8.txt", b"changed at the other side\n")
    _write(far / "new" / "there.txt", b"new at the other side\n")
    (far / "small" / "9.txt").unlink()
    (far / "small" / "10.txt").rename(far / "new" / "moved.txt")
    _tag(far / "small" / "11.txt", b"at the other side")


ACTS: Final[tuple[Callable[[Path], None], ...]] = (first, second)


def tags(path: Path) -> dict[str, bytes]:
    """The extended attributes of a file; none where there are no such things."""
    try:
        names = [name for name in os.listxattr(path) if name.startswith("user.")]
        return {name: os.getxattr(path, name) for name in names}
    except (AttributeError, OSError):
        return {}


def _tag(path: Path, value: bytes | None) -> None:
    """Gives a file an extended attribute, or takes it away, where there are such things."""
    with contextlib.suppress(AttributeError, OSError):
        if value is None:
            os.removexattr(path, TAG)
        else:
            os.setxattr(path, TAG, value)


def _write(path: Path, content: bytes) -> None:
    """Writes a file in place of the one before, as editors do."""
    path.parent.mkdir(parents=True, exist_ok=True)
    made = path.with_name(f".{path.name}.tmp")
    made.write_bytes(content)
    made.replace(path)
