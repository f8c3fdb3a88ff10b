"""First syncs: a tree goes to a server and back, by a job and by rclone."""

import shutil
import statistics
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from benchmarks.remotes.far import Far
from benchmarks.remotes.movers import LATE, PATIENCE, cargo_once, rclone_once
from benchmarks.remotes.table import Row
from benchmarks.remotes.trees import Tree, contents_of

_WAYS = ("up", "down")


def compared(
    folder: Path, name: str, new_place: Callable[[], Far], tree: Tree, rounds: int
) -> Iterator[Row]:
    """Measures each of them in each round, in an order that changes; the medians are rows."""
    took: dict[tuple[str, str], list[float]] = {}
    wanted = contents_of(tree.folder)
    for number in range(rounds):
        for who in ("cargo", "rclone") if number % 2 else ("rclone", "cargo"):
            far, back = new_place(), folder / "back"
            if who == "rclone" and not far.below:
                continue
            for way, here in zip(_WAYS, (tree.folder, back), strict=True):
                here.mkdir(exist_ok=True)
                seconds = (
                    rclone_once(here, far, way, PATIENCE)
                    if who == "rclone"
                    else cargo_once(folder / "cargo", here, far, way)
                )
                took.setdefault((who, way), []).append(seconds)
                if seconds == LATE:
                    break
            if seconds != LATE and contents_of(back) != wanted:
                what = f"{who}: what came back from {name} is not what went there"
                if who == "cargo":
                    raise SystemExit(what)
                print(what, file=sys.stderr)  # so its times say nothing
                for way in _WAYS:
                    took[who, way].pop()
            shutil.rmtree(back, ignore_errors=True)
            tree.forget()
            empty(far)
    for way in _WAYS:
        ours, theirs = (
            statistics.median(times) if (times := took.get((who, way))) else None
            for who in ("cargo", "rclone")
        )
        yield Row(name, f"{tree}, {way}", ours, theirs)


def empty(far: Far) -> None:
    """Gives the room on the disk back, where a place is a folder."""
    if far.stored is not None:
        for path in far.stored.iterdir():
            shutil.rmtree(path) if path.is_dir() else path.unlink()
