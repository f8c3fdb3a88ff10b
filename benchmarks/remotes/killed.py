"""kill -9 in the middle of an upload, and how it goes on: what is sent twice?"""

import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple

from benchmarks.programs import until
from benchmarks.remotes.compared import empty
from benchmarks.remotes.far import Far
from benchmarks.remotes.movers import (
    LATE,
    PATIENCE,
    add_job,
    daemon,
    kill,
    rclone,
    rclone_once,
    start,
    until_synced,
)
from benchmarks.remotes.table import Row, Sent
from benchmarks.remotes.trees import Tree, contents_of, whole_files
from benchmarks.remotes.wire import HOST, Wire

_OF_A_SMALL_FILE: Final = 1.3
"""Bytes on an encrypted line for each byte of a small file, about: only to know when it is half."""


class _Result(NamedTuple):
    """Seconds from the second start to the end, and what was sent; None: there is no line."""

    seconds: float
    line: Sent | None


def killed(folder: Path, name: str, new_place: Callable[[], Far], tree: Tree) -> Row:
    """Kills a daemon, and rclone, when half of the tree is sent, and starts it again."""
    found: dict[str, _Result] = {}
    wanted = contents_of(tree.folder)
    far = new_place()
    with _wire(far) as wire:
        for who in ("cargo", "rclone"):
            far = new_place().at(HOST)
            if who == "cargo":
                found[who] = _kill_cargo(folder / "cargo", tree, far, wire)
            elif not far.below:
                continue
            else:
                found[who] = _kill_rclone(tree, far, wire)
            if found[who].seconds == LATE:
                continue
            if not wanted.items() <= _stored(folder / "back", far).items():  # rclone leaves parts
                raise SystemExit(f"{who}: what is on {name} after a kill is not what went there")
            tree.forget()
            empty(far)
    ours, theirs = found["cargo"], found.get("rclone")
    return Row(
        name,
        f"kill -9 at half of {tree}, until all is there",
        ours.seconds,
        theirs.seconds if theirs is not None else None,
        ours.line,
        theirs.line if theirs is not None else None,
    )


@contextmanager
def _wire(far: Far) -> Iterator[Wire | None]:
    if not far.ports:
        yield None
        return
    wire = Wire(far.ports)
    try:
        yield wire
    finally:
        wire.close()


def _stored(back: Path, far: Far) -> Mapping[str, str]:
    """The contents of a place, as its server has or gives them."""
    if far.stored is not None:
        return contents_of(far.stored)
    rclone_once(back, far, "down")
    try:
        return contents_of(back)
    finally:
        shutil.rmtree(back)


class _Count:
    """What a run that is killed has sent, and what of it is sent again."""

    def __init__(self, tree: Tree, far: Far, wire: Wire | None) -> None:
        self._tree = tree
        self._far = far
        self._wire = wire
        self._sent = wire.sent if wire is not None else 0
        self._marks = wire.marks if wire is not None else 0
        self._whole: set[int] = set()

    def until_half(self, patience: float = LATE) -> bool:
        """Waits until half of the tree is sent; False if it took too long."""
        began = time.monotonic()

        def holds() -> bool:
            return self._is_half() or time.monotonic() - began > patience

        until(holds, "half of it is sent", every=0.001 if self._wire is not None else 0.05)
        return self._is_half()

    def _is_half(self) -> bool:
        tree, wire = self._tree, self._wire
        if wire is None:
            return _bytes_in(self._far) >= tree.bytes // 2
        if tree.is_small and not self._far.is_sealed:
            return wire.marks - self._marks >= tree.files // 2
        each = _OF_A_SMALL_FILE if tree.is_small else 1.0
        return wire.sent - self._sent >= tree.bytes * each / 2

    def was_killed(self) -> None:
        """Notes which files are there, whole, where the line does not say it."""
        if self._tree.is_small and self._far.is_sealed and self._far.stored is not None:
            self._whole = whole_files(self._far.stored, self._tree.size)

    def result(self) -> Sent | None:
        tree, wire = self._tree, self._wire
        if wire is None:
            return None
        sent = wire.sent - self._sent
        if not tree.is_small:
            return Sent(sent, max(0, sent - tree.bytes))
        if self._far.is_sealed and self._far.stored is not None:
            files = len(self._whole - whole_files(self._far.stored, tree.size))
        else:
            files = wire.marks - self._marks - tree.files
        return Sent(sent, files * tree.size, files)


def _kill_cargo(folder: Path, tree: Tree, far: Far, wire: Wire | None) -> _Result:
    with daemon(folder) as programs:
        count = _Count(tree, far, wire)
        add_job(programs, tree.folder, far, "up")
        count.until_half()
        kill(programs)
        count.was_killed()
        began = time.monotonic()
        start(programs)
        until_synced(programs)
        return _Result(time.monotonic() - began, count.result())


def _kill_rclone(tree: Tree, far: Far, wire: Wire | None) -> _Result:
    count = _Count(tree, far, wire)
    with rclone(tree.folder, far, "up") as program:
        in_time = count.until_half(PATIENCE / 2)
        program.kill()
    count.was_killed()
    seconds = rclone_once(tree.folder, far, "up", PATIENCE) if in_time else LATE
    if seconds == LATE:
        return _Result(LATE, None)
    return _Result(seconds, count.result())


def _bytes_in(far: Far) -> int:
    """Bytes of files in a place, also of those under way; their room, for files made in one go."""
    total = 0
    if far.stored is not None:
        for path in far.stored.rglob("*"):
            try:
                total += path.stat().st_size if path.is_file() else 0
            except FileNotFoundError:  # it was renamed meanwhile
                continue
    return total
